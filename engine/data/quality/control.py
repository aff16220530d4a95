"""Characters that nobody sees: control codes, overrides of the reading direction, zero-width ones, and the mark of a loss."""

from __future__ import annotations

import re
from collections import Counter
from typing import ClassVar

from engine.data.found import RowNumbers
from engine.data.quality.base import Rule, Setting, View, clipped, counted
from engine.data.quality.masking import hidden
from engine.facts import FindingFacts

_C0 = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ALL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 but tab and line ends, DEL, C1
    "\u202a-\u202e\u2066-\u2069"  # overrides, embeddings and isolates of the reading direction
    "\u200b-\u200d\u2060-\u2064\u180e"  # zero-width
    "\ufffd\U000e0000-\U000e007f]"  # the replacement character; tags
)
_JOINED_SCRIPTS = re.compile("[\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefe]")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_NAMES = {
    "\u200b": "zero-width space", "\u200c": "zero-width non-joiner", "\u200d": "zero-width joiner", "\u2060": "word joiner",
    "\u180e": "vowel separator", "\ufffd": "replacement character U+FFFD", "\x7f": "delete",
}  # fmt: skip


class ControlCharacters(Rule):
    """Control codes, direction overrides, zero-width characters out of place, replacement characters."""

    title: ClassVar[str] = "Control and invisible characters"
    why: ClassVar[str] = (
        "Nobody sees them, and the model learns to write them; they can hide text from a reader, and U+FFFD says that a "
        "character was lost."
    )
    cure: ClassVar[str] = "Remove them from the texts, or leave these rows out."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._kinds: Counter[str] = Counter()

    def look(self, row: View) -> None:
        for text in row.texts:
            if (_C0 if text.isascii() else _ALL).search(text) is not None and first_fault(text) is not None:
                self._report(row)
                return

    def _report(self, row: View) -> None:
        kinds: dict[str, str] = {}
        for field, text in row.fields():
            evidence = hidden(text)
            for match in _ALL.finditer(text):
                if not _in_place(text, match.start()):
                    kinds.setdefault(name_of(match[0]), f"{field}: {clipped(evidence, match.start())}")
        self._kinds.update(dict.fromkeys(kinds, 1))
        name, where = next(iter(kinds.items()))
        self.found(row.number, f"{name} in {where}")

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({counted(self._kinds)})"
        return found


def first_fault(text: str) -> int | None:
    """Where the first such character stands, None where there is none."""
    return next((match.start() for match in _ALL.finditer(text) if not _in_place(text, match.start())), None)


def name_of(char: str) -> str:
    """What people call such a character."""
    code = ord(char)
    if char in _NAMES:
        return _NAMES[char]
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "direction override"
    if code >= 0xE0000:
        return "tag character"
    return "zero-width character" if code > 0x2000 else f"control character U+{code:04X}"


def _in_place(text: str, at: int) -> bool:
    """Joiners after letters that join and inside emoji; zero-width spaces in scripts without spaces; tags in flags."""
    char, before = text[at], text[at - 1] if at else ""
    if char == "\u200d":
        return bool(before) and (_EMOJI.match(before) or _JOINED_SCRIPTS.match(before)) is not None
    if char in "\u200b\u200c\u180e":
        return bool(before) and _JOINED_SCRIPTS.match(before) is not None
    if ord(char) >= 0xE0000:
        return any(flag.start() < at < flag.end() for flag in _FLAG.finditer(text, max(0, at - 10), at + 10))
    return False
