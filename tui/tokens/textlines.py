"""Text on lines whose characters are known by number, so that a token's characters can be found on the screen.

Invariant: the lines hold every character once, in order; the newline between two lines belongs to neither.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from tui.rows import Row
from tui.text import cell_len, plain
from tui.tokens.pieces import apart_from_before

_SIMPLE_END = "\x7f"


class TextLine(NamedTuple):
    """Characters `start` to before `end` of a text."""

    start: int
    end: int


class Stretch(NamedTuple):
    """Characters that have one ink."""

    start: int
    end: int
    ink: str


def text_lines(text: str, width: int) -> list[TextLine]:
    """Break a text into lines of at most `width` cells: where it has newlines, at blanks, and inside words that are too long."""
    width = max(1, width)
    lines: list[TextLine] = []
    at = 0
    for paragraph in text.split("\n"):
        lines += _broken(paragraph, at, width)
        at += len(paragraph) + 1
    return lines


def _broken(paragraph: str, start: int, width: int) -> list[TextLine]:
    if len(paragraph) <= width and paragraph.isascii() and paragraph.isprintable():
        return [TextLine(start, start + len(paragraph))]
    sizes = None if paragraph.isascii() and paragraph.isprintable() else [size_of(char) for char in paragraph]
    lines: list[TextLine] = []
    at, count = 0, len(paragraph)
    while at < count:
        end = at + width if sizes is None else _reach(sizes, at, width)
        if end >= count:
            end = count
        else:
            blank = paragraph.rfind(" ", at, end)
            end = blank + 1 if blank > at else max(end, at + 1)
        lines.append(TextLine(start + at, start + end))
        at = end
    return lines or [TextLine(start, start)]


def _reach(sizes: list[int], at: int, width: int) -> int:
    """One past the last character that fits."""
    used = 0
    for index in range(at, len(sizes)):
        used += sizes[index]
        if used > width:
            return max(index, at + 1)
    return len(sizes)


def size_of(char: str) -> int:
    """Cells of a character as it is shown."""
    return 1 if " " <= char < _SIMPLE_END else cell_len(plain(char))


def line_of(lines: list[TextLine], char: int) -> int:
    """The line on which a character is; that of the newline is the line before it."""
    return max(0, bisect_right(lines, (char, 1 << 60)) - 1)


def painted(text: str, line: TextLine, stretches: list[Stretch], ground: str = "text") -> Row:
    """A line in pieces. Later stretches lie over earlier ones; what is in none has the ink `ground`."""
    edges = {line.start, line.end}
    inside = [stretch for stretch in stretches if stretch.start < line.end and stretch.end > line.start]
    for stretch in inside:
        edges |= {max(line.start, stretch.start), min(line.end, stretch.end)}
    ordered = sorted(edges)
    row: Row = []
    for first, last in pairwise(ordered):
        ink = next((stretch.ink for stretch in reversed(inside) if stretch.start <= first < stretch.end), ground)
        shown = plain(text[first:last])
        if row and row[-1][1] == ink:
            row[-1] = (row[-1][0] + shown, ink)
        else:
            row.append((apart_from_before(shown) if row else shown, ink))
    return row


def column_of(text: str, line: TextLine, char: int) -> int:
    """The column in which a character of a line begins."""
    return sum(size_of(each) for each in text[line.start : min(char, line.end)])


def char_at(text: str, line: TextLine, column: int) -> int:
    """The character of a line that lies in a column, or its last one."""
    used = 0
    for index in range(line.start, line.end):
        used += size_of(text[index])
        if used > column:
            return index
    return max(line.start, line.end - 1)
