"""Foreign text on its way to the screen.

Every string that comes from a file, a model, a path or an exception passes `safe` (for widgets that take content),
`plain` (for painted rows) or `toast`. Nothing here parses markup. `Wall` is the second line of defence: whatever
slipped past is made harmless on its way to the terminal.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

from engine.text import one_line, visible

__all__ = ["Wall", "cell_len", "clip", "pad", "plain", "safe", "wrap"]

_ACTS_ON_TERMINAL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]+")
_ASCII_LIKENESS = {
    ord(char): ascii_char
    for chars, ascii_char in (
        ("─━╌┈▔", "-"),
        ("│┃▏▕▌▐", "|"),
        ("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
        ("▁▂▃", "."),
        ("▄▅▆▇█", "#"),
        ("·", "."),
        ("…", "."),
        ("–—", "-"),
        ("‘’", "'"),
        ("“”", '"'),
        ("⟨", "<"),
        ("⟩", ">"),
        ("⏎", "|"),
        ("⇥", ">"),
        ("×✗", "x"),
        ("±≈", "~"),
        ("→▸▶", ">"),
        ("←◂◀⌫", "<"),
        ("↑▲", "^"),
        ("↓▼", "v"),
        ("•★◆", "*"),
        ("✓", "+"),
    )
    for char in chars
}
_TAB = "    "
_PICTURE = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
_LONE_JOINER = re.compile(f"(?<![{_PICTURE}])\u200d|\u200d(?![{_PICTURE}])")
"""A joiner that joins no emoji takes the next letter out of every reckoning of widths."""


def safe(text: str) -> Content:
    """Return `text` as content that is shown literally: no markup, no control characters."""
    return Content(_shown(visible(text)).replace("\t", _TAB))


def _shown(text: str) -> str:
    return _LONE_JOINER.sub("⟨200D⟩", text) if "\u200d" in text else text


def plain(text: str, limit: int | None = None) -> str:
    """Return `text` harmless and on one line, cut with … where it is wider than `limit` cells."""
    line = _shown(one_line(text[: 4 * limit + 64] if limit is not None else text))
    return line if limit is None else clip(line, limit)


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` cut to `width` cells; what was cut shows as `ellipsis`."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[:width]
    return chop_cells(text, room)[0] + ellipsis


def pad(text: str, width: int, right: bool = False) -> str:
    """Return `text` cut or filled with spaces to exactly `width` cells; `right` puts the text at the right edge."""
    text = clip(text, width)
    fill = " " * max(0, width - cell_len(text))
    return fill + text if right else text + fill


def wrap(text: str, width: int, max_lines: int | None = None) -> list[str]:
    """Return harmless lines of at most `width` cells, broken at spaces where there are any."""
    width = max(1, width)
    lines: list[str] = []
    for paragraph in _shown(visible(text)).replace("\t", _TAB).split("\n"):
        lines += _wrap_line(paragraph, width)
        if max_lines is not None and len(lines) > max_lines:
            kept = lines[:max_lines]
            kept[-1] = clip(kept[-1] + "…", width).removesuffix("…").rstrip() + "…"
            return kept
    return lines


def _wrap_line(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line: str | None = None  # nothing yet; an empty one is the beginning of an indentation
    for word in text.split(" "):
        candidate = word if line is None else f"{line} {word}"
        if cell_len(candidate) <= width:
            line = candidate
            continue
        if line is not None and line.strip():
            lines.append(line)
        pieces = _pieces(word, width)
        lines += pieces[:-1]
        line = pieces[-1] if pieces and pieces[-1] else None
    return [*lines, line or ""]


def _pieces(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells; a path is broken behind a slash where that leaves no short line."""
    pieces: list[str] = []
    while cell_len(word) > width:
        piece = chop_cells(word, width)[0]
        if not piece:  # a cell too narrow for its character
            return [*pieces, *chop_cells(word, width)]
        slash = piece.rfind("/") + 1
        piece = piece[:slash] if slash > len(piece) // 2 else piece
        pieces.append(piece)
        word = word[len(piece) :]
    return [*pieces, word]


@lru_cache(4096)
def _stand_in(char: str) -> str:
    code = ord(char)
    return chr(0x2400 + code) if code < 0x20 else "·"


class Wall(LineFilter):
    """Replaces what a terminal would act upon in any segment; in ASCII mode also every other character."""

    def __init__(self, ascii_only: bool = False) -> None:
        super().__init__()
        self.ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with the same cell widths and no dangerous character."""
        return [self._clean(segment) for segment in segments]

    def _clean(self, segment: Segment) -> Segment:
        text, style, control = segment
        if control:
            return segment
        if _ACTS_ON_TERMINAL.search(text):
            text = _ACTS_ON_TERMINAL.sub(lambda match: _stand_in(match.group()), text)
        if self.ascii_only and not text.isascii():
            cells = cell_len(text)  # of the whole: joined signs are narrower than their parts
            text = _NOT_ASCII.sub(_to_ascii, text.translate(_ASCII_LIKENESS))[:cells].ljust(cells)
        return segment if text is segment.text else Segment(text, style)


def _to_ascii(match: re.Match[str]) -> str:
    return "?" * cell_len(match.group())
