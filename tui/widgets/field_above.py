"""A pane with a line to type in above it. The line can hold line breaks and tabs, too."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input

from tui.widgets.scroller import Scroller
from tui.widgets.search_line import MOST_SOUGHT, TYPING_S

NEWLINE, TAB = "⏎", "⇥"
"""How a line break and a tab stand in the line."""
_JOINERS = ("\u200c", "\u200d")
"""Zero width non-joiner and joiner: letters of some scripts and emoji are made with them, but they count as not printable."""
_MOVES = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}


class FieldAbove(Vertical):
    """A pane with a line to type in above it. A subclass says what is to be done a moment after the last key."""

    DEFAULT_CSS = """
    FieldAbove > Input { height: 1; margin: 0 1; }
    FieldAbove > .-pane { height: 1fr; }
    """
    placeholder = ""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.field: Input = TextLine(placeholder=self.placeholder, compact=True, max_length=MOST_SOUGHT)
        """The line."""
        self._waiting: Timer | None = None

    def pane(self) -> Scroller:
        """What lies below the line; made once."""
        raise NotImplementedError

    def typed(self, text: str) -> None:
        """Something else stands in the line."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Line and pane."""
        yield self.field
        yield self.pane().add_class("-pane")

    def on_descendant_focus(self) -> None:
        """The pane's row is lifted while one types, too: arrows move it."""
        self.set_class(self.field.has_focus, "-led")
        self.pane().repaint()

    def on_descendant_blur(self) -> None:
        """The keys go elsewhere."""
        self.on_descendant_focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(TYPING_S, self._post)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._post()
        self.query_one(Scroller).focus()

    def _post(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self.typed(self.field.value.replace(NEWLINE, "\n").replace(TAB, "\t"))

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the pane while one types."""
        if event.key in _MOVES and self.field.has_focus:
            event.stop()
            event.prevent_default()
            self.query_one(Scroller).step(_MOVES[event.key])


class TextLine(Input):
    """A line that holds line breaks, too: as ⏎, pasted, or typed with ctrl+n."""

    def _on_paste(self, event: events.Paste) -> None:
        """Take every line."""
        event.stop()
        event.prevent_default()
        text = "\n".join(event.text[:MOST_SOUGHT].splitlines())
        self.replace(text.replace("\n", NEWLINE).replace("\t", TAB), *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "ctrl+n":
            event.stop()
            event.prevent_default()
            self.insert_text_at_cursor(NEWLINE)
        elif event.character in _JOINERS:
            event.stop()
            event.prevent_default()
            self.insert_text_at_cursor(event.character)
        else:
            await super()._on_key(event)
