"""Choosing several runs: what is typed filters them as on Home, the space bar turns one on and off, enter is done."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui import words
from tui.compared import MOST
from tui.keys import bindings
from tui.rows import Row
from tui.run_filter import read
from tui.run_table import RunTable
from tui.screens.dialogs.base import Dialog
from tui.text import pad, plain
from tui.widgets.painted import Painted
from tui.widgets.scroller import Picker
from tui.widgets.turning_input import TurningInput

_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


class RunChoices(Picker):
    """The runs that fit, each with a box."""

    framed = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.table = RunTable()
        self.table.with_archived = True
        self.chosen: list[str] = []

    def turn(self) -> None:
        """Choose the run under the cursor, or not."""
        if self.cursor < len(self.table.shown):
            name = self.table.shown[self.cursor]
            if name in self.chosen:
                self.chosen.remove(name)
            elif len(self.chosen) < MOST:
                self.chosen.append(name)
            self.repaint()

    def count(self, width: int) -> int:
        """The runs."""
        return len(self.table.shown)

    def empty(self, width: int) -> list[Row]:
        """None fits."""
        return [[(self.table.filter.problem or "No run fits.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """Box, name, state, losses, model."""
        row = self.table.rows[self.table.shown[index]]
        on = row.name in self.chosen
        size = max(12, min(34, width - 38))
        loss = words.loss(row.run.view.last("loss")) if row.run else "-"
        return [
            ("[x] " if on else "[ ] ", "accent" if on else "muted"),
            (pad(plain(row.title, size), size), "text"),
            (f"  {self.glyphs.states[row.state]} {pad(row.word, 8)}", words.STATE_ROLE[row.state]),
            (pad(loss, 8, right=True), "text"),
            (pad(words.loss(row.best[1]) if row.best else "-", 8, right=True), "eval" if row.best else "faint"),
            (f"  {plain(row.model, max(1, width - size - 34))}", "faint"),
        ]


class Chosen(Painted):
    """How many are chosen."""

    said = ""

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        return [[(self.said, "muted")]]


class PickRuns(Dialog[list[str]]):
    """Answers with the names of the runs, in the order in which they were chosen."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#pick-words"

    def __init__(self, chosen: Sequence[str]) -> None:
        super().__init__()
        self._chosen = list(chosen)

    def compose(self) -> ComposeResult:
        """Field, list, count."""
        with Vertical(id="pick-box") as box:
            box.border_title = "runs to compare"
            box.border_subtitle = "space turn   enter compare   esc close"
            yield TurningInput(
                placeholder="words with commas   tag:x   state:done   model:x   -not", id="pick-words", compact=True
            )
            yield RunChoices(id="pick-runs")
            yield Chosen(id="pick-hint")

    def on_mount(self) -> None:
        """All runs; those that are compared already are on."""
        choices = self.query_one(RunChoices)
        choices.can_focus = False
        choices.chosen = [name for name in self._chosen if name in self.luthier.link.order]
        self._fill("")

    def _fill(self, text: str) -> None:
        choices = self.query_one(RunChoices)
        choices.table.filter = read(text.replace(",", " "))
        choices.table.refresh(self.luthier.link.order, self.luthier.link.runs, self.luthier.shelf)
        choices.cursor = 0
        choices.repaint()
        self._say()

    def _say(self) -> None:
        choices, hint = self.query_one(RunChoices), self.query_one(Chosen)
        names = ", ".join(choices.chosen)
        hint.said = plain(f"{len(choices.chosen)} chosen: {names}" if names else "none chosen", 200)
        hint.repaint()

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while one types."""
        if event.key in _MOVES:
            self.query_one(RunChoices).step(_MOVES[event.key])
        elif event.key != "tab":
            return
        event.stop()
        event.prevent_default()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(TurningInput.Turned)
    @on(Picker.Chosen)
    def _clicked(self) -> None:
        self.query_one(RunChoices).turn()
        self._say()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        choices = self.query_one(RunChoices)
        if not choices.chosen:
            choices.turn()
        self.dismiss(choices.chosen)
