"""A question with more than one way on: enter takes the first, a letter another, esc none."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult

from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, wrap
from tui.widgets.painted import Painted

Way = tuple[str, str, str]
"""Key ("enter" for the first), what it does, and the answer."""


class Crossing(Painted):
    """Title, text and the ways."""

    framed = True

    def __init__(self, heading: str, text: str, ways: tuple[Way, ...], no: str) -> None:
        super().__init__(id="question")
        self.heading, self.text, self.ways, self.no = heading, text, ways, no

    def title(self) -> Row:
        """What it is about."""
        return [(plain(self.heading, 50), "title")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Text and ways."""
        rows: list[Row] = [[], *([(line, "text")] for line in wrap(self.text, width)), []]
        enter = "enter" if self.glyphs.ascii_only else "⏎"
        for key, label, _ in self.ways:
            shown = enter if key == "enter" else key
            rows.append([(shown.ljust(6), "key"), (label, "text")])
        return [*rows, [("esc   ", "key"), (self.no, "muted")], []]


class Ways(Dialog[str]):
    """Answers with the way that was taken."""

    BINDINGS = bindings("dialog", "complete")

    def __init__(self, heading: str, text: str, ways: tuple[Way, ...], no: str) -> None:
        super().__init__()
        self.ways = ways
        self.question = Crossing(heading, text, ways, no)

    def compose(self) -> ComposeResult:
        """The box."""
        yield self.question

    def on_mount(self) -> None:
        """As high as its text."""
        width = min(64, self.app.size.width - 4)
        self.question.styles.width = width
        self.question.styles.height = len(self.question.paint(width - 4, 99)) + 2

    def action_accept(self) -> None:
        """The first way."""
        self.dismiss(self.ways[0][2])

    def on_key(self, event: events.Key) -> None:
        """The letter of a way."""
        for key, _, answer in self.ways[1:]:
            if event.key == key:
                event.stop()
                self.dismiss(answer)
