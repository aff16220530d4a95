"""The whole table of the mixture, for a budget that one types: what is drawn, what is repeated, what is never seen."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from engine.facts import DivideRow, MixRow
from engine.service import protocol as p
from tui import words
from tui.keys import bindings
from tui.link.service import ServiceError
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import pad, plain, wrap
from tui.widgets.line_input import LineInput
from tui.widgets.mixture_pane import drawn_words, epochs
from tui.widgets.painted import Painted
from tui.working import begin

_COLUMNS = (
    ("rows", 11),
    ("tokens", 8),
    ("weight", 7),
    ("share", 7),
    ("drawn", 11),
    ("epochs", 7),
    ("repeated", 10),
    ("unseen", 10),
)


class MixtureTable(Painted):
    """The table as the paper of GPT-3 has it, and what the split holds out."""

    divided: list[DivideRow] = []
    error = ""

    def paint(self, width: int, height: int) -> list[Row]:
        """Head, a line a source, what it means."""
        desk = self.luthier.desk
        mixture = desk.mixture
        if not mixture.rows:
            return [[(plain(self.error or mixture.error or "Reckoning…", width), "muted")]]
        columns = self._fitting(width)
        name = width - sum(size for _, size in columns)
        rows: list[Row] = [
            [(pad("source", name), "faint"), *((pad(label, size, right=True), "faint") for label, size in columns)]
        ]
        rows += [self._line(row, name, columns) for row in mixture.rows]
        rows += [[], [(drawn_words(mixture.drawn, mixture.budget), "text")]]
        if not desk.weighted:
            rows[-1].append(("; no weights: every row once", "muted"))
        if mixture.estimated:
            rows.append([("Tokens are estimated from a sample.", "muted")])
        elif not desk.tokenizer:
            rows.append([("Tokens are counted once ", "muted"), ("t", "key"), (" has chosen a tokenizer.", "muted")])
        for part in self.divided:
            text = f"{plain(part.name, 24)}: {words.count(part.train)} to train, {words.count(part.held_out)} held out"
            rows.append(
                [
                    (text, "muted"),
                    (f"  {plain(part.note, max(0, width - len(text) - 2))}" if part.note else "", "faint"),
                ]
            )
        for text in (self.error, mixture.error):
            rows += [[(line, "bad")] for line in wrap(text, width)] if text else []
        return rows[:height]

    def _fitting(self, width: int) -> list[tuple[str, int]]:
        """Those columns that there is room for."""
        leave_out = ["drawn", "tokens", "repeated", "rows"]
        columns = list(_COLUMNS)
        while sum(size for _, size in columns) > width - 14 and leave_out:
            gone = leave_out.pop(0)
            columns = [column for column in columns if column[0] != gone]
        return columns

    def _line(self, row: MixRow, name: int, columns: list[tuple[str, int]]) -> Row:
        weight = next((s.weight for s in self.luthier.desk.sources if s.id == row.source), None)
        cells = {
            "rows": words.count(row.rows),
            "tokens": words.short_count(row.tokens) if row.tokens is not None else "-",
            "weight": f"{weight:g}" if weight is not None else "-",
            "share": f"{100 * row.weight:.1f}%",
            "drawn": words.count(row.drawn),
            "epochs": epochs(row.epochs),
            "repeated": words.count(row.repeated),
            "unseen": words.count(row.unseen),
        }
        ink = {"repeated": "warn" if row.repeated else "muted", "unseen": "warn" if row.unseen else "muted"}
        line: Row = [(pad(plain(row.name, name - 1), name), "text")]
        return line + [(pad(cells[label], size, right=True), ink.get(label, "text")) for label, size in columns]


class MixtureDialog(Dialog[bool]):
    """Budget and table."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#budget"

    def compose(self) -> ComposeResult:
        """Field and table."""
        with Vertical(id="mixture-box") as box:
            box.border_title = "mixture"
            box.border_subtitle = "esc close"
            budget = self.luthier.desk.mixture.budget
            yield LineInput(
                str(budget or ""),
                placeholder="rows to draw in all; empty: as many as there are",
                id="budget",
                compact=True,
                restrict=r"[0-9_,]*",
            )
            yield MixtureTable(id="mixture-table")

    def on_mount(self) -> None:
        """Ask what the split holds out, too."""
        self.luthier.desk.asked_for_mixture = True
        self.luthier.desk.mix()
        self.news()
        begin(self, self._divide, "divide", exclusive=True)

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self.luthier.desk.asked_for_mixture = False

    def news(self) -> None:
        """The mixture was reckoned anew."""
        table = self.query_one(MixtureTable)
        width = min(110, int(self.app.size.width * 0.94)) - 6
        self.fit_box("#mixture-box", "#mixture-table", len(table.paint(width, 99)), 6)
        table.repaint()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        digits = event.value.replace("_", "").replace(",", "")
        self.luthier.desk.mixture.budget = int(digits[:15]) if digits else 0
        self.luthier.desk.mix()

    @on(Input.Submitted)
    def _done(self) -> None:
        self.dismiss(True)

    async def _divide(self) -> None:
        desk, table = self.luthier.desk, self.query_one(MixtureTable)
        ready = [source.id for source in desk.sources if source.state == "open" and source.complete]
        if not ready:
            return
        try:
            answer = await desk.service.ask(p.Divide(id=0, sources=ready))
        except ServiceError as error:
            table.error = str(error)
        else:
            table.divided = answer.rows if isinstance(answer, p.Divided) else []
        self.news()
