"""Traces of files that were written, read or copied wrongly: byte order marks, carriage returns, mojibake."""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

import ftfy
from ftfy.badness import BADNESS_RE

from engine.data.quality.base import Rule, Severity, View, clipped
from engine.data.quality.masking import hidden

BOM = "\ufeff"
_WRONG_ENCODINGS = (
    "cp1252", "latin-1", "cp1250", "cp1253", "cp1254", "cp1257", "iso-8859-2", "mac-roman", "cp437",
)  # fmt: skip
_TRIES = 200  # odd places of a text that are looked at; a drawing of boxes has thousands


class ByteOrderMark(Rule):
    """U+FEFF inside a text: the mark that some editors put before a file."""

    title: ClassVar[str] = "Byte order marks inside texts"
    why: ClassVar[str] = "An invisible character that becomes tokens of its own: the model learns to write it."
    cure: ClassVar[str] = "Remove U+FEFF from the texts, mostly where files were joined; or leave these rows out."

    def look(self, row: View) -> None:
        for text in row.texts:
            if BOM in text:
                self.found(row.number, f"{row.field_of(text)}: {clipped(hidden(text), text.index(BOM))}")
                return


class CarriageReturn(Rule):
    """Lines that end with CR LF, or with CR."""

    title: ClassVar[str] = "Carriage returns"
    severity: ClassVar[Severity] = "note"
    why: ClassVar[str] = (
        "Line ends of Windows become other tokens than those the model knows; mixed with plain ones, it learns to write both."
    )
    cure: ClassVar[str] = "Replace \\r\\n by \\n in the texts before training."

    def look(self, row: View) -> None:
        for text in row.texts:
            if "\r" in text:
                self.found(row.number, f"{row.field_of(text)} has {text.count(chr(13)):,}")
                return


class Mojibake(Rule):
    """UTF-8 that was read as another encoding: "Ã©" for "é", "â€™" for "’"."""

    title: ClassVar[str] = "Wrongly decoded characters (mojibake)"
    why: ClassVar[str] = (
        "The text was read in the wrong encoding once; the model learns to write the broken characters."
    )
    cure: ClassVar[str] = "Repair the texts (ftfy.fix_encoding in Python does), or leave these rows out."

    def look(self, row: View) -> None:
        for text in row.texts:
            if not text.isascii() and suspect(text) and broken(text):
                piece = broken(hidden(text)) or "(hidden)"
                sound = ftfy.fix_encoding(piece)
                self.found(row.number, f"{row.field_of(text)}: {clipped(piece)} should be {clipped(sound)}")
                return


def suspect(text: str) -> bool:
    """Whether two characters stand together as mojibake has them; a quick look that hardly ever misses it."""
    pairs, pattern = _pairs()
    return any(match[0] in pairs for match in pattern.finditer(text)) or "Â " in text or "Ã " in text


def broken(text: str) -> str:
    """The first line that is mojibake, cut around it, or "": odd to look at, and better when decoded anew."""
    tries = 0
    for line in text.split("\n"):
        found = None if line.isascii() else BADNESS_RE.search(line)
        while found is not None and tries < _TRIES:
            piece = line[max(0, found.start() - 40) : found.end() + 40]
            if ftfy.fix_encoding(piece) != piece:
                return piece
            found, tries = BADNESS_RE.search(line, found.end()), tries + 1
    return ""


@cache
def _pairs() -> tuple[frozenset[str], re.Pattern[str]]:
    """First and second byte of UTF-8 characters, as the usual wrong encodings show them; and what finds them fast."""
    letters = "ёђѓєѕіїјљњћќўџґЂЃЄЅІЇЈЉЊЋЌЎЏҐ"  # stand in sound Ukrainian and Serbian too, beside the same first letters
    russian = "".join(char for char in _shown("cp1251", 0x80, 0xBF) if char not in letters)
    shown = [("ВГРСвГ", russian)]
    shown += [(_shown(name, 0xC2, 0xF4), _shown(name, 0x80, 0xBF)) for name in _WRONG_ENCODINGS]
    pairs = frozenset(first + second for firsts, seconds in shown for first in firsts for second in seconds)
    classes = ("".join(sorted({pair[at] for pair in pairs})) for at in (0, 1))
    return pairs, re.compile("".join(f"[{re.escape(chars)}]" for chars in classes))


def _shown(name: str, first: int, last: int) -> str:
    """What an encoding makes of these bytes; a byte that it does not have stays a control character."""
    chars = (bytes([byte]).decode(name, "replace").replace("\ufffd", chr(byte)) for byte in range(first, last + 1))
    return "".join(dict.fromkeys(chars))
