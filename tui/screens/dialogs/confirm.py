"""One question, answered with enter or esc."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, wrap
from tui.widgets.painted import Painted


class Question(Painted):
    """Title, text and the two answers."""

    framed = True

    def __init__(self, heading: str, text: str, yes: str, no: str) -> None:
        super().__init__(id="question")
        self.heading, self.text, self.yes, self.no = heading, text, yes, no

    def title(self) -> Row:
        """What it is about."""
        return [(plain(self.heading, 50), "title")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Text and answers."""
        enter = "enter" if self.glyphs.ascii_only else "⏎"
        answers: Row = [(f"{enter} ", "key"), (self.yes, "text"), ("      esc ", "key"), (self.no, "muted")]
        return [[], *([(line, "text")] for line in wrap(self.text, width)), [], answers, []]


class Confirm(Dialog[bool]):
    """Asks before something is done that cannot be undone."""

    BINDINGS = bindings("dialog", "complete")

    def __init__(self, heading: str, text: str, yes: str, no: str = "leave it as it is") -> None:
        super().__init__()
        self.question = Question(heading, text, yes, no)

    def compose(self) -> ComposeResult:
        """The box."""
        yield self.question

    def on_mount(self) -> None:
        """As high as its text."""
        width = min(64, self.app.size.width - 4)
        self.question.styles.width = width
        self.question.styles.height = len(self.question.paint(width - 4, 99)) + 2

    def action_accept(self) -> None:
        """Yes."""
        self.dismiss(True)
