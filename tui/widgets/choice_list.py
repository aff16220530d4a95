"""A form of choices: each line a name and one of several values, changed with the arrows left and right."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message

from tui.keys import bindings
from tui.rows import Row
from tui.text import pad, plain
from tui.widgets.painted import row_width
from tui.widgets.scroller import Picker


@dataclass
class Choice:
    """A line: what it is called, what it can be, what it is."""

    id: str
    label: str
    values: list[str]
    at: int = 0
    notes: dict[str, str] | None = None
    """Something to say of a value."""
    shown: dict[str, str] | None = None
    """Words for a value that does not speak for itself."""

    @property
    def value(self) -> str:
        """What it is."""
        return self.values[self.at] if self.values else ""

    def set(self, value: str) -> None:
        """Make it that, where it can be."""
        if value in self.values:
            self.at = self.values.index(value)


class ChoiceList(Picker):
    """The form. Posts `Changed` with the choice that changed."""

    framed = False
    BINDINGS = [*bindings("form")]

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.choices: list[Choice] = []

    def fill(self, choices: list[Choice]) -> None:
        """Other lines; the cursor stays on the one of the same name."""
        here = self.current.id if self.current else ""
        self.choices = choices
        self.cursor = next((i for i, choice in enumerate(choices) if choice.id == here), 0)
        self.repaint()

    @property
    def current(self) -> Choice | None:
        """The line under the cursor."""
        return self.choices[self.cursor] if self.cursor < len(self.choices) else None

    def count(self, width: int) -> int:
        """The lines."""
        return len(self.choices)

    def line(self, index: int, width: int) -> Row:
        """Name, value between arrows, note."""
        choice = self.choices[index]
        glyphs = self.glyphs
        label = max(len(plain(other.label, 18)) for other in self.choices) + 2
        value = plain((choice.shown or {}).get(choice.value, choice.value), max(8, width - label - 6))
        several = len(choice.values) > 1
        row: Row = [
            (pad(plain(choice.label, 18), label), "muted"),
            (f"{glyphs.left if several else ' '} ", "accent"),
            (value, "title" if index == self.cursor else "text"),
            (f" {glyphs.here if several else ' '}", "accent"),
        ]
        note = (choice.notes or {}).get(choice.value, "")
        room = width - row_width(row) - 3
        return [*row, (f"  {plain(note, room)}", "faint")] if note and room > 8 else row

    def _turn(self, by: int) -> None:
        choice = self.current
        if choice is not None and len(choice.values) > 1:
            choice.at = (choice.at + by) % len(choice.values)
            self.repaint()
            self.post_message(self.Changed(choice))

    def action_change(self) -> None:
        """The next value."""
        self._turn(1)

    def action_change_back(self) -> None:
        """The value before."""
        self._turn(-1)

    def on_click(self, event: events.Click) -> None:
        """A click on a line chooses it; another one the next value."""
        row = event.y + self.top
        if 0 <= row < len(self.choices):
            if row == self.cursor:
                self._turn(1)
            self.select(row)
