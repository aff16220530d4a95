"""The line in which one types what to find in a list: it lies over the footer, and the list follows every letter."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from tui.find import MOST_WANTED, Findable
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import clip, plain
from tui.widgets.line_input import LineInput
from tui.widgets.painted import Painted, fit


class Prompt(Painted):
    """The sign at the beginning of a line."""

    def __init__(self, sign: str) -> None:
        super().__init__(id="prompt")
        self.sign = sign

    def paint(self, width: int, height: int) -> list[Row]:
        """One cell."""
        return [[(self.sign, "strong")]]


class FindWords(Painted):
    """What stands right of the field: how it is read, and how much was found."""

    said = ""
    wrong = False
    regex = False

    def paint(self, width: int, height: int) -> list[Row]:
        """One row; what was found comes first."""
        row: Row = [(" " + plain(self.said, 44), "bad" if self.wrong else "text"), ("   ctrl+r ", "key")]
        return [fit([*row, ("regex" if self.regex else "words", "title" if self.regex else "muted")], width)]


class FindLine(Dialog[None]):
    """Looks in one list. enter keeps the search, esc takes it back."""

    CSS_PATH = "lines.tcss"
    BINDINGS = [*bindings("dialog", "accept", "complete"), *bindings("search", "find", "find_next", "find_previous")]
    AUTO_FOCUS = "#wanted"

    def __init__(self, target: Findable) -> None:
        super().__init__()
        self.target = target
        finder = target.finder
        self.regex = bool(finder and finder.regex)
        self._before = finder.wanted if finder else ""
        self._start = target.row_here()

    def compose(self) -> ComposeResult:
        """The line."""
        with Horizontal(id="line"):
            yield Prompt("/")
            yield LineInput(self._before, placeholder="find", id="wanted", compact=True, max_length=MOST_WANTED)
            yield FindWords(id="line-words")

    def on_mount(self) -> None:
        """What was looked for is replaced by what is typed."""
        self._say()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.value != (self.target.finder.wanted if self.target.finder else ""):
            self._look()

    def _look(self) -> None:
        self.target.look_for(self.query_one(Input).value, self.regex, self._start)
        self._say()

    def _say(self) -> None:
        words, finder = self.query_one(FindWords), self.target.finder
        active = finder is not None and finder.active
        words.said = clip(finder.count(self.target.row_here()), 44) if finder is not None and active else ""
        words.wrong = bool(finder and (finder.problem or (active and not finder.rows)))
        words.regex = self.regex
        words.repaint()

    def action_toggle_regex(self) -> None:
        """Read it the other way."""
        self.regex = not self.regex
        self._look()

    @on(Input.Submitted)
    def _done(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Look for nothing, back to where one was."""
        self.target.look_for("", self.regex, self._start)
        self.target.clear_search()
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click beside the line is done with it."""
        if event.widget is self:
            self.dismiss(None)
