"""The search line below the rows: what is typed, whether it is a regular expression, which column, how many rows match."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from tui.data.model import Source
from tui.keys import bindings
from tui.rows import Row
from tui.text import plain
from tui.widgets.line_input import LineInput
from tui.widgets.painted import Painted, row_width
from tui.widgets.row_view import count_words

TYPING_S = 0.25
MOST_SOUGHT = 8192


class SearchWords(Painted):
    """What stands right of the field."""

    source: Source | None = None
    regex = False
    column = ""
    named = ""
    """The column that stands before a colon in what is typed; it goes before the chosen one."""

    def paint(self, width: int, height: int) -> list[Row]:
        """How it is searched; what came of it."""
        row: Row = [("ctrl+r ", "key"), ("regex" if self.regex else "as typed", "title" if self.regex else "muted")]
        row += [
            ("  tab ", "key"),
            (f"in {plain(column, 16)}" if (column := self.named or self.column) else "in all columns", "muted"),
            ("  ", ""),
        ]
        source = self.source
        if source is not None and source.view.problem:
            return [[*row, (plain(source.view.problem, max(8, width - row_width(row))), "bad")]]
        return [[*row, *(count_words(source) if source and source.wanted.pattern else [])]]


class SearchLine(Horizontal):
    """The line. Posts `Sought` a moment after the last key, and `Left` when one is done with it."""

    BINDINGS = bindings("find")

    class Sought(Message):
        """Something else is looked for."""

        def __init__(self, pattern: str, regex: bool, column: str) -> None:
            super().__init__()
            self.pattern, self.regex, self.column = pattern, regex, column

    class Left(Message):
        """Enter: back to the rows."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns: list[str] = []
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Field and words."""
        yield LineInput(placeholder="text, or column:text", id="sought", compact=True, max_length=MOST_SOUGHT)
        yield SearchWords(id="search-words")

    @property
    def _words(self) -> SearchWords:
        return self.query_one(SearchWords)

    def open(self, source: Source) -> None:
        """Type; what was looked for before is there."""
        self.columns = source.columns
        words_, wanted = self._words, source.wanted
        words_.source, words_.regex, words_.column, words_.named = source, wanted.regex, wanted.column, ""
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = wanted.pattern
        field.cursor_position = len(field.value)
        self.add_class("-open")
        field.focus()
        words_.repaint()

    def close(self) -> None:
        """Put it away."""
        self.remove_class("-open")
        if self._waiting is not None:
            self._waiting.stop()

    def refresh_words(self, source: Source | None) -> None:
        """The numbers changed."""
        if self.has_class("-open"):
            self._words.source = source
            self._words.repaint()

    def action_toggle_regex(self) -> None:
        """A regular expression, or plain text."""
        self._words.regex = not self._words.regex
        self._words.repaint()
        self._post()

    def action_next_column(self) -> None:
        """The next column, or all of them after the last."""
        around = ["", *self.columns]
        here = around.index(self._words.column) if self._words.column in around else 0
        self._words.column = around[(here + 1) % len(around)]
        self._words.repaint()
        self._post()

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(TYPING_S, self._post)

    @on(Input.Submitted)
    def _done(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._post()
        self.post_message(self.Left())

    def _post(self) -> None:
        text = self.query_one(Input).value
        column, colon, rest = text.partition(":")
        self._words.named = column if colon and column in self.columns else ""
        self._words.repaint()
        if self._words.named:
            self.post_message(self.Sought(rest.lstrip(), self._words.regex, column))
        else:
            self.post_message(self.Sought(text, self._words.regex, self._words.column))
