"""Panes that share one place: the frame of the one that is shown names them all, and a click on a name shows that one.

Which pane is shown is the screen's to say: it gives each its `tabs` and answers `Picked`.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from engine.runs.store import Run
from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.widgets.painted import row_width
from tui.widgets.scroller import Scroller

Tab = tuple[str, int]
"""The name of a pane, and how many things are in it."""


class RunTab(Scroller):
    """A pane about a run. `name_of` is its own name among the `tabs`."""

    name_of = ""

    class Picked(Message):
        """Another pane of the place is wanted."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.run: Run | None = None
        self.tabs: tuple[Tab, ...] = ()
        self._spots: list[tuple[int, int, str]] = []
        self._made_for: object = None
        self._lines: list[Row] = []

    def show(self, run: Run) -> None:
        """Tell about a run."""
        self.run = run
        self.repaint()

    def make(self, width: int) -> list[Row]:
        """All lines, for a width."""
        raise NotImplementedError

    def depends(self, view: RunView) -> object:
        """What the lines are made of: they are made anew when it is another value, not with each step."""
        raise NotImplementedError

    def count(self, width: int) -> int:
        """Lines at this width; they are made once."""
        run = self.run
        wanted = (id(run.view), run.alive, width, self.depends(run.view)) if run else None
        if self._made_for != wanted:
            self._made_for = wanted
            self._lines = self.make(max(1, width - 1)) if run else []
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    # The frame

    def title(self) -> Row:
        """The names of all panes of the place, this one's the boldest."""
        row: Row = []
        self._spots = []
        for name, count in self.tabs or ((self.name_of, 0),):
            row += [("  ", "")] if row else []
            start = row_width(row) + 3
            row.append((name, "title" if name == self.name_of else "muted"))
            if count:
                row.append((f" {words.short_count(count)}", "muted" if name == self.name_of else "faint"))
            self._spots.append((start, row_width(row) + 3, name))
        return row

    def on_click(self, event: events.Click) -> None:
        """A click on a name shows that pane."""
        if event.y != 0:
            return
        event.prevent_default()
        event.stop()
        for start, end, name in self._spots:
            if start <= event.x < end and name != self.name_of:
                self.post_message(self.Picked(name))
