"""Making foreign text harmless and visible.

Dataset rows, model output, paths and exception texts may hold control characters that move the cursor, write
the clipboard or reverse the reading order. `visible()` is the one place that decides what they look like; the TUI
wraps it as `tui.text.safe()`, the command line uses it whenever it writes to a terminal.
"""

from __future__ import annotations

import re

# C0 without newline and tab, DEL, C1.
_CONTROL = "".join(chr(c) for c in range(0x20) if chr(c) not in "\n\t") + "\x7f" + "".join(map(chr, range(0x80, 0xA0)))
# Bidirectional overrides and isolates, marks; zero-width characters that hide; line separators; BOM; tags.
# The zero-width joiner stays: emoji and several scripts need it.
_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)

_STAND_IN: dict[int, str] = {}
for _char in _CONTROL:
    _code = ord(_char)
    _STAND_IN[_code] = chr(0x2400 + _code) if _code < 0x20 else "\u2421" if _code == 0x7F else f"⟨{_code:02X}⟩"
for _char in _INVISIBLE:
    _STAND_IN[ord(_char)] = f"⟨{ord(_char):04X}⟩"

# Lone surrogates cannot be encoded; language tags and other "tag" characters are invisible text.
_REST = re.compile("[\ud800-\udfff\U000e0000-\U000e007f]")
_NEEDS_WORK = re.compile("[" + re.escape(_CONTROL + _INVISIBLE) + "\ud800-\udfff\U000e0000-\U000e007f]")


def visible(text: str) -> str:
    """Return `text` with every control, bidi and zero-width character replaced by a visible stand-in.

    Newlines and tabs stay. The result contains no character that a terminal acts upon.
    """
    if not _NEEDS_WORK.search(text):
        return text
    return _REST.sub(lambda m: f"⟨{ord(m.group()):04X}⟩", text.translate(_STAND_IN))


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` visible and on one line: newlines as ⏎, tabs as ⇥, cut with … after `limit` characters."""
    line = visible(text).replace("\n", "⏎").replace("\t", "⇥")
    return line if limit is None or len(line) <= limit else line[: max(0, limit - 1)] + "…"
