"""The ways of batching side by side: how much is padding, how many steps an epoch has, how long it takes."""

from __future__ import annotations

from typing import Any

from engine.token_facts import StrategyFacts
from tui import words
from tui.histogram import lying
from tui.rows import Row
from tui.text import cell_len, pad, plain, wrap
from tui.widgets.painted import row_width
from tui.widgets.scroller import Picker

_ABOUT = {
    "random": "rows as they are drawn",
    "grouped": "rows of about the same length together",
    "packed": "short rows share a sequence, kept apart in attention",
    "wrapped": "texts one behind the other, cut every max_length tokens",
}
_NAME, _WASTE, _NUMBER, _TIME = 8, 8, 11, 12
"""Cells of the columns; those of figures begin with a blank, so that no two touch."""
_LEAST_BAR = 6


class StrategiesTable(Picker):
    """The table. Posts `Chosen` with the changes of the run file that choose a way."""

    class Chosen(Picker.Chosen):
        """A way was chosen; `changes` are keys of the run file and their values."""

        def __init__(self, picker: StrategiesTable) -> None:
            super().__init__(picker)
            current = picker.current
            self.name: str = current.name if current else ""
            self.changes: dict[str, Any] = dict(current.changes) if current else {}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.strategies: list[StrategyFacts] = []
        self.seconds_per_cell: float | None = None
        self.waiting = ""
        self._foot = 0

    def show(self, strategies: list[StrategyFacts], seconds_per_cell: float | None = None, waiting: str = "") -> None:
        """Show ways. Without `seconds_per_cell` the time is told as a share of the present one's."""
        if not self.strategies:
            self.cursor = next((i for i, strategy in enumerate(strategies) if strategy.current), 0)
        self.strategies, self.seconds_per_cell, self.waiting = strategies, seconds_per_cell, waiting
        self.repaint()

    @property
    def current(self) -> StrategyFacts | None:
        """The way under the cursor."""
        return self.strategies[self.cursor] if self.cursor < len(self.strategies) else None

    def title(self) -> Row:
        """A name."""
        return [("batching", "title")]

    def badge(self) -> Row:
        """What the figures are of."""
        return [("one epoch", "muted")] if self.strategies else []

    def count(self, width: int) -> int:
        """A line a way."""
        return len(self.strategies)

    def empty(self, width: int) -> list[Row]:
        """Nothing is known yet."""
        return [[(line, "muted")] for line in wrap(self.waiting or "Nothing is measured yet.", width)]

    def paint(self, width: int, height: int) -> list[Row]:
        """The table, and below it what the way under the cursor does."""
        self.header_rows = 1 if height > len(self.strategies) else 0
        rows = super().paint(width, height)
        strategy = self.current
        room = height - len(rows)
        if strategy is None or room < 2:
            return rows
        note = self._note(strategy, width - 1)
        cut = wrap(strategy.note, width) if strategy.note and note != plain(strategy.note) else []
        why: list[Row] = [[], *([(line, "muted")] for line in [*cut, *wrap(_ABOUT[strategy.name], width)])]
        return [*rows, *why[:room]]

    def _note(self, strategy: StrategyFacts, width: int) -> str:
        """Why a way cannot be had, as far as it fits behind its name."""
        return plain(strategy.note, max(0, width - 2 - _NAME))

    def heading(self, width: int) -> list[Row]:
        """Names of the columns."""
        if not self.header_rows:
            return []
        bar, columns = self._room(width - 1)
        row: Row = [(pad("", 2 + _NAME), ""), (pad("waste", _WASTE, right=True), "faint"), (" " * bar, "")]
        return [[*row, *((" " + pad(name, size - 1, right=True), "faint") for name, size in columns)]]

    def _room(self, width: int) -> tuple[int, list[tuple[str, int]]]:
        """Cells of the bar, and the columns that there is room for; the time is the last to go."""
        columns = [("sequences", _NUMBER), ("steps", _NUMBER), ("time", _TIME)]
        rest = width - 2 - _NAME - _WASTE
        for name in ("sequences", "steps", "time"):
            if sum(size for _, size in columns) > rest:
                columns = [column for column in columns if column[0] != name]
        spare = rest - sum(size for _, size in columns)
        return (min(spare, 32) if spare >= _LEAST_BAR else 0), columns

    def line(self, index: int, width: int) -> Row:
        """Mark, name, waste, bar, figures; or why it cannot be had."""
        strategy, glyphs = self.strategies[index], self.glyphs
        mark = (f"{glyphs.mark} ", "accent") if strategy.current else ("  ", "")
        ink = "faint" if strategy.note else "title" if strategy.current else "text"
        row: Row = [mark, (pad(strategy.name, _NAME), ink)]
        if strategy.note:
            note = self._note(strategy, width)
            return [*row, ("  " if row_width(row) + 2 + cell_len(note) <= width else "", ""), (note, "faint")]
        bar, columns = self._room(width)
        row.append((pad(f"{100 * strategy.waste:.1f} %", _WASTE, right=True), "text"))
        if bar:
            row.append((pad(" " + lying(strategy.waste, bar - 2, glyphs), bar), "raw"))
        cells = {
            "sequences": words.count(strategy.sequences),
            "steps": words.count(strategy.steps),
            "time": self._time(strategy),
        }
        return [*row, *((" " + pad(cells[name], size - 1, right=True), "text") for name, size in columns)]

    def _time(self, strategy: StrategyFacts) -> str:
        """Of an epoch; as a multiple of the present way's where no pace is known."""
        if self.seconds_per_cell is not None:
            return words.duration(strategy.cells * self.seconds_per_cell)
        now = next((other.cells for other in self.strategies if other.current), 0)
        return f"{strategy.cells / now:.2f} x" if now else "-"

    def choose(self) -> None:
        """Choose the way under the cursor, where it can be had and is not the present one."""
        strategy = self.current
        if strategy is not None and not strategy.note and not strategy.current:
            self.post_message(self.Chosen(self))
