"""A field above a list of boxes: the space bar is no letter of it, but turns the box under the cursor."""

from __future__ import annotations

from textual import events
from textual.message import Message

from tui.widgets.line_input import LineInput


class TurningInput(LineInput):
    """The field. Posts `Turned` for the space bar."""

    class Turned(Message):
        """The box under the cursor is to be turned."""

    def on_key(self, event: events.Key) -> None:
        """Take the space bar before the field does."""
        if event.key == "space":
            event.stop()
            event.prevent_default()
            self.post_message(self.Turned())
