"""The table of runs, with a cursor and marks. Only the rows in view are painted; what they hold is `run_table`'s.

Invariant: while runs grow, come and go, the cursor stays on its run, and that run on its line of the screen.
"""

from __future__ import annotations

from textual import events

from engine.runs.store import Run
from tui import words
from tui.rows import Row
from tui.run_filter import RunFilter
from tui.run_table import SORTS, RunTable
from tui.text import cell_len, plain
from tui.widgets import run_cells
from tui.widgets.scroller import Picker


class RunList(Picker):
    """All runs, or those that fit the filter."""

    header_rows = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.table = RunTable()
        self.marks: set[str] = set()
        self._selected = ""
        self._touched = False
        """Whether anybody has moved the cursor."""
        self._longest, self._tagged = 0, False

    # What is shown

    @property
    def names(self) -> list[str]:
        """The runs that are shown, in their order."""
        return self.table.shown

    def refresh_runs(self) -> None:
        """Take the runs from the link; the cursor stays on its run, and its run on its line."""
        link = self.luthier.link
        self.table.refresh(link.order, link.runs, self.luthier.shelf)
        self.marks &= set(link.order)
        rows = self.table.rows.values()
        self._longest = max((cell_len(plain(row.title, run_cells.NAME_MOST)) for row in rows), default=0)
        self._tagged = any(row.card.tags for row in rows)
        self._keep_place()

    def _keep_place(self) -> None:
        names = self.names
        if not self._touched:  # the list is still being read: the first row is the one to begin with
            self.cursor = self.top = 0
            self._selected = names[0] if names else ""
        elif self._selected in names:
            now = names.index(self._selected)
            self.top = max(0, self.top + now - self.cursor)
            self.cursor = now
        elif names:
            self.cursor = min(self.cursor, len(names) - 1)
            if not self._selected or self._selected in self.luthier.link.order:
                self._selected = names[self.cursor]  # the filter hides it, or it is gone: the one in its place
        self.repaint()

    def use_filter(self, wanted: RunFilter) -> None:
        """Show what fits."""
        self.table.filter = wanted
        self.table.arrange()
        self._keep_place()

    def sort_by(self, column: str) -> None:
        """Sort by a column; by the same one again: the other way round."""
        self.table.sort_by(column)
        self._keep_place()

    def sort_next(self) -> None:
        """Sort by the next column."""
        at = SORTS.index(self.table.sort)
        self.table.reverse = False
        self.table.sort = SORTS[(at + 1) % len(SORTS)]
        self.table.arrange()
        self._keep_place()

    @property
    def sort_is_seen(self) -> bool:
        """Whether there is room for the column that the rows are sorted by."""
        return self.table.sort in {key for _, _, key in self._layout(self.inner[0] - 1).starts()}

    def show_archived(self, shown: bool) -> None:
        """With those that were put away, or without."""
        self.table.with_archived = shown
        self.table.arrange()
        self._keep_place()

    # Cursor and marks

    @property
    def selected(self) -> str | None:
        """Name of the run under the cursor."""
        return self.names[self.cursor] if self.cursor < len(self.names) else None

    @property
    def targets(self) -> list[Run]:
        """What an act is about: the marked runs in the order of the table, else the one under the cursor."""
        runs = self.luthier.link.runs
        ordered = [name for name in self.names if name in self.marks]
        names = ordered + sorted(self.marks - set(ordered)) or ([self.selected] if self.selected else [])
        return [runs[name] for name in names if name in runs]

    def select(self, index: int) -> None:
        """Put the cursor on a row and remember its run."""
        self._touched = True
        self._selected = self.names[index] if index < len(self.names) else ""
        super().select(index)

    def hold(self) -> None:
        """Keep the cursor on its run from now on, also where nobody moved it."""
        self._touched = True

    def to_start(self) -> None:
        """The cursor to the first row."""
        self._selected = self.names[0] if self.names else ""
        super().to_start()

    def select_name(self, name: str) -> None:
        """Put the cursor on a run as soon as it is there."""
        self._touched = True
        self._selected = name
        self.refresh_runs()

    def mark(self) -> None:
        """Mark the run under the cursor, or take its mark away, and go on to the next."""
        if (name := self.selected) is not None:
            self.marks ^= {name}
            self.step(1)
            self.repaint()

    def mark_shown(self) -> None:
        """Mark all runs that are shown; where all are, none."""
        shown = set(self.names)
        self.marks = self.marks - shown if shown <= self.marks else self.marks | shown
        self.repaint()

    # Painting

    def title(self) -> Row:
        """A name, and how many are marked."""
        row: Row = [("runs", "title")]
        if self.marks:
            unseen = len(self.marks - set(self.names))
            row.append((f"  {len(self.marks)} marked", "strong"))
            if unseen:
                row.append((f", {unseen} of them not shown", "warn"))
        return row

    def badge(self) -> Row:
        """How many, of how many, and why not all."""
        total = len(self.luthier.link.order)
        wanted = self.table.filter
        row: Row = []
        if self.table.archived and not self.table.with_archived:
            row = [(f"{words.count(self.table.archived)} archived ", "muted"), ("H", "key"), ("  ", "")]
        if wanted.active:
            where = f"{self.cursor + 1} of " if self.names else ""
            count = f"{where}{words.count(len(self.names))} that fit, {words.count(total)} in all"
            return [*row, (count, "muted"), ("  / ", "key"), (plain(wanted.text, 20), "text")]
        return [*row, (words.count(total), "muted")] if total else []

    def count(self, width: int) -> int:
        """The runs that fit the filter."""
        return len(self.names)

    def empty(self, width: int) -> list[Row]:
        """Nothing fits, or nothing was read yet."""
        table = self.table
        if table.filter.problem:
            return [[], [(plain(table.filter.problem, width), "bad")]]
        if table.filter.active:
            return [[], [("No run fits the filter. esc clears it.", "muted")]]
        if table.archived:
            return [[], [("All runs are archived. H shows them.", "muted")]]
        return [[], [("Reading the runs…", "muted")]] if not self.luthier.link.listed else []

    def _layout(self, width: int) -> run_cells.Layout:
        return run_cells.layout(width, self._longest, self._tagged)

    def heading(self, width: int) -> list[Row]:
        """Names of the columns."""
        return [run_cells.heading(self._layout(width - 1), self.table, self.glyphs)]

    def line(self, index: int, width: int) -> Row:
        """One run."""
        row = self.table.rows[self.names[index]]
        return run_cells.line(row, self._layout(width), self.table, self.glyphs, row.name in self.marks)

    def on_click(self, event: events.Click) -> None:
        """A click on the head of a column sorts by it; one on a row's edge marks the run."""
        x, y = event.x - 2, event.y - 1
        if y == 0:
            for start, end, key in self._layout(self.inner[0] - 1).starts():
                if start <= x < end and key in SORTS:
                    self.sort_by(key)
            event.stop()
            event.prevent_default()
        elif 0 <= x < 2 and 0 <= (index := y - 1 + self.top) < len(self.names):
            self.marks ^= {self.names[index]}
            self.select(index)
            event.stop()
            event.prevent_default()
