"""The fields of a section, where a value can be turned where it stands, and typed there.

The list decides nothing: it posts what is wanted. The line that is typed into lies over its row; the rest of the list stays.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from tui.rows import Row
from tui.text import cell_len
from tui.widgets.field_above import NEWLINE, TAB, TextLine
from tui.widgets.form_rows import LEAST_VALUE, FieldRows, turnable

__all__ = ["FormFields", "turnable"]

MOST_TYPED = 16_384


class FormFields(FieldRows):
    """The list."""

    class Turned(Message):
        """Another value is wanted: the next one, or the one before."""

        def __init__(self, key: str, by: int) -> None:
            super().__init__()
            self.key, self.by = key, by

    class Typed(Message):
        """A text stands in the field that is typed into; `done`: it is to be taken, and the cursor moves by `move`."""

        def __init__(self, key: str, text: str, done: bool = False, move: int = 0) -> None:
            super().__init__()
            self.key, self.text, self.done, self.move = key, text, done, move

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.input = TextLine(id="field-input", compact=True, max_length=MOST_TYPED)

    def compose(self) -> ComposeResult:
        """The line that is typed into."""
        self.input.display = False
        yield self.input

    # Typing

    @property
    def typing(self) -> bool:
        """Whether a field is typed into."""
        return bool(self.edited)

    def type_into(self, key: str, text: str) -> None:
        """Type into a field, beginning with a text."""
        self.go(key)
        self.edited = key
        with self.prevent(Input.Changed):
            self.input.value = text.replace("\n", NEWLINE).replace("\t", TAB)
        self.input.display = True
        self._place_input()
        self.input.focus()
        self.input.cursor_position = len(self.input.value)
        self.input.select_all()
        self.repaint()

    def end_typing(self) -> None:
        """Put the line away."""
        if not self.edited:
            return
        self.edited = ""
        self.input.display = False
        self.focus()
        self.repaint()

    def _place_input(self) -> None:
        if not self.edited:
            return
        left = 2 + 2 + self.name_width + 3
        styles = self.input.styles
        styles.offset = (left, 1 + self.cursor - self.top)
        styles.width = max(8, self.size.width - left - 2)

    def paint(self, width: int, height: int) -> list[Row]:
        """The list; the line that is typed into goes with its row."""
        rows = super().paint(width, height)
        self._place_input()
        return rows

    @property
    def typed(self) -> str:
        """What stands in the line."""
        return self.input.value.replace(NEWLINE, "\n").replace(TAB, "\t")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.edited:
            self.post_message(self.Typed(self.edited, self.typed))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._done(0)

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        """The cursor went elsewhere: what was typed is taken. Not where only the terminal's window is left."""
        event.stop()
        if self.edited and self.app.app_focus:
            key, text = self.edited, self.typed
            self.edited = ""
            self.input.display = False
            self.post_message(self.Typed(key, text, done=True))

    def _done(self, move: int) -> None:
        if self.edited:
            key, text = self.edited, self.typed
            self.end_typing()
            self.post_message(self.Typed(key, text, done=True, move=move))

    def on_key(self, event: events.Key) -> None:
        """While one types: up, down and tab take what was typed and go to the next field."""
        super().on_key(event)
        moves = {"down": 1, "tab": 1, "up": -1, "shift+tab": -1}
        if self.edited and event.key in moves:
            event.stop()
            event.prevent_default()
            self._done(moves[event.key])

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on an arrow it turns the value; a second one on the same row types."""
        event.stop()
        if self.edited:
            return
        row = event.y - 1 + self.top
        if not 0 <= row < len(self.lines) or not self.selectable(row):
            return
        again = row == self.cursor
        self.focus()
        self.select(row)
        field = self.current
        if not again or field is None:
            return
        start = 2 + 2 + self.name_width
        end = (
            start + 3 + cell_len(self.value_of(field, max(LEAST_VALUE, self.inner[0] - self.name_width - 8), False)[0])
        )
        if turnable(field) and start <= event.x <= start + 2:
            self.post_message(self.Turned(field.key, -1))
        elif turnable(field) and end <= event.x <= end + 2:
            self.post_message(self.Turned(field.key, 1))
        else:
            self.choose()
