"""The runs that are compared, a line each: the legend of the chart and the table of final figures in one.

The best of each figure has a star. With a crosshair on the chart a column says what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.runs.figures import Figures, figures_of, table
from engine.runs.store import Run
from tui import words
from tui.compare_words import figure
from tui.compared import Compared
from tui.rows import Row
from tui.run_table import state_of
from tui.text import cell_len, pad, plain
from tui.widgets.scroller import Picker

_NAME_LEAST, _NAME_MOST = 14, 34


@dataclass(frozen=True)
class _Column:
    key: str
    heading: str
    width: int
    """With one cell for the star."""


_COLUMNS = (
    _Column("state", "outcome", 9),
    _Column("steps", "steps", 8),
    _Column("tokens", "tokens", 8),
    _Column("seconds", "time", 11),
    _Column("loss", "train", 8),
    _Column("eval_loss", "eval", 8),
    _Column("best_eval_loss", "best", 8),
    _Column("best_eval_step", "at step", 9),
    _Column("tokens_per_s", "tok/s", 7),
    _Column("peak_gib", "memory", 11),
)
_WANTED = (
    "best_eval_loss",
    "loss",
    "steps",
    "seconds",
    "state",
    "tokens_per_s",
    "peak_gib",
    "eval_loss",
    "tokens",
    "best_eval_step",
)
_HERE = _Column("here", "here", 9)


class CompareRuns(Picker):
    """The list."""

    header_rows = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.compared = Compared()
        self.runs: dict[str, Run] = {}
        self.titles: dict[str, str] = {}
        self.here: dict[str, str] = {}
        """What the crosshair reads."""
        self._figures: dict[str, tuple[tuple[int, int, bool], Figures]] = {}
        self._best: dict[str, frozenset[str]] = {}
        self._known: set[str] | None = None

    def show(self, compared: Compared, runs: dict[str, Run], titles: dict[str, str], known: set[str] | None) -> None:
        """Tell about these; `known` are the runs that exist, None while that is not known yet."""
        self.compared, self.runs, self.titles, self._known = compared, runs, titles, known
        self._figures = {name: self._figures_of(name, run) for name, run in runs.items()}
        names = [name for name in compared.names if name in runs]
        rows = table([self._figures[name][1] for name in names])
        self._best = {row.key: frozenset(names[i] for i in row.best) for row in rows}
        self.cursor = min(self.cursor, max(0, len(compared.names) - 1))
        self.repaint()

    def _figures_of(self, name: str, run: Run) -> tuple[tuple[int, int, bool], Figures]:
        key = (id(run.view), run.view.version, run.alive)
        known = self._figures.get(name)
        return known if known is not None and known[0] == key else (key, figures_of(run))

    @property
    def figures(self) -> list[Figures]:
        """Of the runs that are there, in their order."""
        return [self._figures[name][1] for name in self.compared.names if name in self.runs]

    def point(self, here: dict[str, str]) -> None:
        """Say what the crosshair reads; {} without one."""
        if here != self.here:
            self.here = here
            self.repaint()

    @property
    def current(self) -> str | None:
        """Name of the run under the cursor."""
        names = self.compared.names
        return names[self.cursor] if self.cursor < len(names) else None

    def title(self) -> Row:
        """A name."""
        return [("runs", "title")]

    def badge(self) -> Row:
        """How many, and how many lines are hidden."""
        hidden = len(self.compared.hidden)
        row: Row = [(words.count(len(self.compared.names)), "muted")]
        return [*row, (f"  {hidden} hidden", "warn")] if hidden else row

    def count(self, width: int) -> int:
        """The runs."""
        return len(self.compared.names)

    def _layout(self, width: int) -> tuple[int, list[_Column]]:
        """Width of the name, and the columns there is room for."""
        longest = max((cell_len(plain(self._title(name), _NAME_MOST)) for name in self.compared.names), default=0)
        name = min(max(_NAME_LEAST, longest), _NAME_MOST)
        room = width - 4
        columns = [_HERE] if self.here else []
        for key in _WANTED:
            column = next(column for column in _COLUMNS if column.key == key)
            if room - _NAME_LEAST >= sum(one.width for one in columns) + column.width:
                columns.append(column)
        left = room - sum(one.width for one in columns)
        while left < min(name, 22) and len(columns) > 5:
            left += columns.pop().width
        ordered = [column for column in (_HERE, *_COLUMNS) if column in columns]
        return max(1, min(left, name)), ordered

    def _title(self, name: str) -> str:
        return self.titles.get(name) or name

    def heading(self, width: int) -> list[Row]:
        """Names of the columns."""
        name, columns = self._layout(width - 1)
        row: Row = [(pad("    name", name + 4), "faint")]
        return [[*row, *((pad(f"{column.heading} ", column.width, right=True), "faint") for column in columns)]]

    def line(self, index: int, width: int) -> Row:
        """One run: its mark, whether its line is shown, its name, its figures."""
        name = self.compared.names[index]
        sign = self.compared.signs[name]
        hidden = name in self.compared.hidden
        size, columns = self._layout(width)
        row: Row = [
            (f"{sign.mark(self.glyphs.ascii_only)} ", "faint" if hidden else sign.ink),
            ((self.glyphs.bar_rest if hidden else self.glyphs.bar_done) + " ", "faint" if hidden else sign.ink),
            (pad(plain(self._title(name), size), size), "muted" if hidden else "text"),
        ]
        if name not in self.runs:
            gone = self._known is not None and name not in self._known
            text = "gone: deleted or renamed. r takes it off." if gone else "reading its journal…"
            return [*row, (f"  {text}", "bad" if gone else "muted")]
        for column in columns:
            row += self._cell(name, column)
        return row

    def _cell(self, name: str, column: _Column) -> Row:
        if column is _HERE:
            return [(pad(f"{self.here.get(name, '')} ", column.width, right=True), "title")]
        if column.key == "state":
            run = self.runs[name]
            state = state_of(run)
            return [(pad(f"{words.state(state)} ", column.width, right=True), words.STATE_ROLE[state])]
        value = getattr(self._figures[name][1], column.key)
        best = name in self._best.get(column.key, ())
        text = figure(column.key, value)
        if column.key in ("steps", "best_eval_step") and cell_len(text) > column.width - 2:
            text = words.short_count(value)  # a number that is cut reads as another one
        text += self.glyphs.best if best else " "
        return [(pad(text, column.width, right=True), "good" if best else "text" if value is not None else "faint")]
