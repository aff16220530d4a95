"""The text of a row that is tokenized. It follows the cursor of the tokens, and moving in it moves that.

What is trained has a bar at its left edge, what is cut is struck through: both by the tokens, not by what the template meant.
"""

from __future__ import annotations

from bisect import bisect_right

from textual import events
from textual.message import Message

from engine.service.protocol import Tokens
from engine.token_facts import TokenFact
from tui.rows import Row
from tui.text import plain, wrap
from tui.tokens.textlines import Stretch, TextLine, char_at, column_of, line_of, painted, text_lines
from tui.widgets.scroller import Scroller

_BAR = 2
_MARK_INKS = {"trained": "train", "cut": "faint strike"}
ROLE_INK = {
    "template": "faint",
    "assistant": "text",
    "user": "text",
    "system": "muted",
    "tool": "muted",
    "text": "text",
}


class RenderedText(Scroller):
    """The text that is tokenized. Posts `Sought` with a character that one moved to."""

    class Sought(Message):
        """A token at a character is wanted, or one some tokens on (`by`)."""

        def __init__(self, char: int = -1, by: int = 0) -> None:
            super().__init__()
            self.char, self.by = char, by

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.row: Tokens | None = None
        self.token: TokenFact | None = None
        self._lines: list[TextLine] = []
        self._made_for: tuple[object, ...] = ()
        self._marks: list[Stretch] = []
        """What is trained, and what is in no sequence."""
        self._goal: int | None = None
        self._kept = False

    def show(self, row: Tokens | None, token: TokenFact | None) -> None:
        """Show a row's text with a token's characters lifted."""
        if row is not self.row:
            self.top = 0
        if token is not self.token and not self._kept:
            self._goal = None
        self.row, self.token, self._kept = row, token, False
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("rendered text", "title")]

    def badge(self) -> Row:
        """Through which template it went."""
        return [(plain(self.row.template, 20), "muted")] if self.row is not None else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        row = self.row
        key = (row, width)
        if self._made_for != key:
            self._made_for = key
            self._lines = text_lines(row.text, width - 1 - _BAR) if row is not None and row.text else []
            self._marks = marks_of(row) if row is not None else []
        return len(self._lines)

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines around the token."""
        row, token = self.row, self.token
        if self.count(width) and row is not None and token is not None and token.end > token.start:
            first = line_of(self._lines, token.start - row.text_start)
            if first > self.top + height - 2:
                self.top = first - height + 2
            if first < self.top + 1:
                self.top = max(0, first - 1)
        return super().paint(width, height)

    def empty(self, width: int) -> list[Row]:
        """There is no text."""
        row = self.row
        if row is None:
            return []
        if row.state == "refused":
            return [[(line, "muted")] for line in wrap("Its template cannot write it.", width)]
        return [[(line, "muted")] for line in wrap("The row comes as token ids: there is no text.", width)]

    def line(self, index: int, width: int) -> Row:
        """One line, with a bar where something of it is learned."""
        row = self.row
        assert row is not None
        line = self._lines[index]
        base = row.text_start
        inside = [s for s in row.segments if s.start < line.end + base and s.end > line.start + base]
        stretches = [Stretch(s.start - base, s.end - base, ROLE_INK.get(s.role, "text")) for s in inside]
        marked = [s for s in self._marks if s.start < line.end and s.end > line.start]
        stretches += marked
        token = self.token
        if token is not None and token.end > token.start:
            stretches.append(Stretch(token.start - base, token.end - base, "here"))
        learned = any(stretch.ink == _MARK_INKS["trained"] for stretch in marked)
        bar = (f"{self.glyphs.trained} ", "train") if learned else ("  ", "")
        out: Row = [bar, *painted(row.text, line, stretches)]
        if (
            token is not None
            and token.start <= line.end + base < token.end
            and row.text[line.end : line.end + 1] == "\n"
        ):
            out.append((self.glyphs.enter, "here"))
        return out

    # Moving

    def move(self, by: int) -> None:
        """Some tokens on, or back."""
        self.post_message(self.Sought(by=by))

    def step(self, rows: int) -> None:
        """Some lines down, or up, to the token that is there."""
        row, token = self.row, self.token
        if row is None or token is None or not self.count(self.inner[0]):
            self.move_window(rows)
            return
        here = line_of(self._lines, token.start - row.text_start)
        if self._goal is None:
            self._goal = column_of(row.text, self._lines[here], token.start - row.text_start)
        target = min(max(0, here + rows), len(self._lines) - 1)
        if target == here:
            self.post_message(self.Sought(by=1 if rows > 0 else -1))
            return
        self._kept = True
        self.post_message(self.Sought(char_at(row.text, self._lines[target], self._goal) + row.text_start))

    def move_window(self, rows: int) -> None:
        """Scroll without a cursor."""
        super().move_to(self.top + rows)

    def to_start(self) -> None:
        """To the first token."""
        self.post_message(self.Sought(by=-(1 << 40)))

    def to_end(self) -> None:
        """To the last token."""
        self.post_message(self.Sought(by=1 << 40))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on the token there."""
        index = event.y - 1 + self.top
        if self.row is not None and 0 <= index < len(self._lines):
            char = char_at(self.row.text, self._lines[index], max(0, event.x - 2 - _BAR))
            self.post_message(self.Sought(char + self.row.text_start))


def marks_of(row: Tokens) -> list[Stretch]:
    """Characters of the text that are trained or cut, by the tokens that stand for them."""
    found: list[Stretch] = []
    for token in row.tokens:
        ink = _MARK_INKS.get(token.mark)
        if ink is None or token.end <= token.start:
            continue
        start, end = token.start - row.text_start, token.end - row.text_start
        if found and found[-1].ink == ink and found[-1].end >= start - 1:  # a blank between them belongs to the next
            found[-1] = found[-1]._replace(end=max(end, found[-1].end))
        else:
            found.append(Stretch(start, end, ink))
    return found


def token_at(row: Tokens, char: int) -> int:
    """Position of the token that holds a character, or of the next one behind it."""
    starts = [token.start if token.end > token.start else -1 for token in row.tokens]
    for index in range(1, len(starts)):  # added tokens stand for no character: they lie where the one before them does
        starts[index] = max(starts[index], starts[index - 1])
    index = max(0, bisect_right(starts, char) - 1)
    while index and row.tokens[index - 1].start <= char < row.tokens[index - 1].end:
        index -= 1  # the first of those that spell it together
    return row.start + index
