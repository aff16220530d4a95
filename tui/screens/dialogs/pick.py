"""Choosing one of several lines: what is typed filters them, arrows move, enter chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import cell_len, pad, plain, safe
from tui.widgets.line_input import LineInput
from tui.widgets.scroller import Picker

_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}
_MOST_NAME = 34


@dataclass(frozen=True)
class Option:
    """A line: what is answered, its name, what is to be said of it."""

    id: str
    text: str
    note: str = ""
    marked: bool = False
    """Whether it is what holds now."""


class OptionList(Picker):
    """The lines."""

    framed = False

    def __init__(self) -> None:
        super().__init__(id="options")
        self.options: list[Option] = []

    def fill(self, options: list[Option], cursor: int = 0) -> None:
        """Show other lines."""
        self.options, self.cursor, self.top = options, cursor, 0
        self.repaint()

    @property
    def current(self) -> Option | None:
        """The line under the cursor."""
        return self.options[self.cursor] if self.cursor < len(self.options) else None

    def count(self, width: int) -> int:
        """The lines."""
        return len(self.options)

    def empty(self, width: int) -> list[Row]:
        """Nothing fits."""
        return [[("  Nothing fits what is typed.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """Mark, name, note."""
        option = self.options[index]
        name = min(_MOST_NAME, max(cell_len(plain(other.text)) for other in self.options))
        row: Row = [
            (f"{self.glyphs.yes if option.marked else ' '} ", "good"),
            (pad(plain(option.text, name), name), "text"),
        ]
        room = width - name - 5
        return [*row, ("  ", ""), (plain(option.note, room), "muted")] if option.note and room > 6 else row


class Pick(Dialog[str]):
    """Answers with the id of a line."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#pick-wanted"

    def __init__(self, heading: str, options: Sequence[Option], yes: str = "take it") -> None:
        super().__init__()
        self.heading, self.options, self.yes = heading, list(options), yes

    def compose(self) -> ComposeResult:
        """Field and lines."""
        with Vertical(id="pick-box", classes="-box") as box:
            box.border_title = safe(plain(self.heading, 60))
            box.border_subtitle = safe(f"type to filter   enter {self.yes}   esc close")
            yield LineInput(placeholder="filter", id="pick-wanted", compact=True, max_length=200)
            yield OptionList()

    def on_mount(self) -> None:
        """All lines; the cursor on the one that holds now."""
        lines = self.query_one(OptionList)
        lines.can_focus = False
        lines.fill(self.options, next((i for i, option in enumerate(self.options) if option.marked), 0))
        self.fit_box("#pick-box", "#options", len(self.options), 6)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        fitting = [
            option for option in self.options if all(word in f"{option.text} {option.note}".lower() for word in words)
        ]
        self.query_one(OptionList).fill(fitting)

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while one types; tab stays."""
        if event.key in _MOVES:
            self.query_one(OptionList).step(_MOVES[event.key])
        elif event.key != "tab":
            return
        event.stop()
        event.prevent_default()

    @on(Picker.Chosen)
    @on(Input.Submitted)
    def _take(self) -> None:
        option = self.query_one(OptionList).current
        if option is not None:
            self.dismiss(option.id)
