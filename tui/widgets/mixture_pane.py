"""The mixture of the open sources in a few columns; the whole table is a dialog."""

from __future__ import annotations

from engine.facts import MixRow
from tui import words
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.widgets.painted import Painted


def epochs(value: float) -> str:
    """How often each row is seen."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


class MixturePane(Painted):
    """Weight, share and epochs of each source."""

    framed = True

    def title(self) -> Row:
        """A name."""
        return [("mixture", "title")]

    def badge(self) -> Row:
        """The key that leads to all of it."""
        return [("b", "key")] if self.luthier.desk.mixture.rows else []

    def paint(self, width: int, height: int) -> list[Row]:
        """A line a source."""
        desk = self.luthier.desk
        if desk.mixture.error:
            return [[(line, "bad")] for line in wrap(desk.mixture.error, width, height)]
        if len(desk.sources) < 2:
            return [[(line, "faint")] for line in wrap("One source: each row once an epoch.", width)]
        room = width - 13
        label = "weight" if desk.weighted else "share"
        head: Row = [(pad("", room), ""), (pad(label, 6, right=True), "faint"), (pad("epochs", 7, right=True), "faint")]
        rows = [head] + [self._line(row, room) for row in desk.mixture.rows[: max(0, height - 2)]]
        rows.append([("+ - =", "key"), (" weight", "faint")])
        return rows

    def _line(self, row: MixRow, room: int) -> Row:
        weight = next((s.weight for s in self.luthier.desk.sources if s.id == row.source), None)
        text = f"{100 * row.weight:.0f}%" if weight is None else f"{weight:g}"
        return [
            (pad(plain(row.name, room - 1), room), "text"),
            (pad(text, 6, right=True), "accent" if weight is not None else "text"),
            (pad(epochs(row.epochs), 7, right=True), "warn" if row.repeated and row.epochs > 1 else "muted"),
        ]


def drawn_words(drawn: int, asked: int) -> str:
    """How many rows the mixture draws."""
    return f"{words.count(drawn)} rows" + ("" if asked else ", as many as the sources hold")
