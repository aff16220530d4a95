"""Scripts: which letters a text is written in, counted exactly.

A script is a family of letters that readers of one language know: Japanese is told from Chinese by its kana.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

NONE, LATIN, HAN, KANA = 0, 1, 2, 3
SCRIPTS = (
    "", "Latin", "Chinese characters", "Japanese", "Hangul", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari",
    "Bengali", "Gurmukhi", "Gujarati", "Odia", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao",
    "Tibetan", "Burmese", "Georgian", "Armenian", "Ethiopic", "Khmer",
)  # fmt: skip
"""By number."""
_RANGES = (
    ("Latin", 0xAA, 0x24F), ("Latin", 0x1E00, 0x1EFF), ("Latin", 0xFF21, 0xFF5A), ("Greek", 0x370, 0x3FF),
    ("Greek", 0x1F00, 0x1FFF), ("Cyrillic", 0x400, 0x52F), ("Armenian", 0x531, 0x587), ("Hebrew", 0x5D0, 0x5F4),
    ("Arabic", 0x620, 0x6FF), ("Arabic", 0x750, 0x77F), ("Arabic", 0xFB50, 0xFDFF), ("Arabic", 0xFE70, 0xFEFE),
    ("Devanagari", 0x900, 0x97F), ("Bengali", 0x980, 0x9FF), ("Gurmukhi", 0xA00, 0xA7F), ("Gujarati", 0xA80, 0xAFF),
    ("Odia", 0xB00, 0xB7F), ("Tamil", 0xB80, 0xBFF), ("Telugu", 0xC00, 0xC7F), ("Kannada", 0xC80, 0xCFF),
    ("Malayalam", 0xD00, 0xD7F), ("Sinhala", 0xD80, 0xDFF), ("Thai", 0xE00, 0xE7F), ("Lao", 0xE80, 0xEFF),
    ("Tibetan", 0xF00, 0xFFF), ("Burmese", 0x1000, 0x109F), ("Georgian", 0x10A0, 0x10FF), ("Hangul", 0x1100, 0x11FF),
    ("Ethiopic", 0x1200, 0x137F), ("Khmer", 0x1780, 0x17D3), ("Japanese", 0x3041, 0x30FF), ("Japanese", 0xFF66, 0xFF9D),
    ("Hangul", 0x3131, 0x318E), ("Hangul", 0xAC00, 0xD7A3), ("Chinese characters", 0x3400, 0x4DBF),
    ("Chinese characters", 0x4E00, 0x9FFF), ("Chinese characters", 0xF900, 0xFAFF),
    ("Chinese characters", 0x20000, 0x3FFFF),
)  # fmt: skip
_WHOLE = {"Hangul", "Chinese characters"}
_WEIGHTS = [{"Chinese characters": 3, "Japanese": 2, "Hangul": 2}.get(name, 1) for name in SCRIPTS]
"""Letters of an alphabet that one of them stands for."""
LETTERS = 40
"""Letters below which a language is a guess."""
_NO_LETTERS = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalpha()))
_ASCII = bytes(range(128))
_LOOKED_AT = 100_000  # characters of a row; a book shows its script before that
_SOME_KANA, _MUCH_KANA = 0.05, 0.3
_NOTABLE_LATIN = 0.25  # names, code and links are Latin everywhere
_NOTABLE = 0.03
_SPOKEN = 0.1  # a text with this much of other letters is in their language, whatever code stands in it


def script_of(text: str) -> tuple[int, int]:
    """(the script that the text speaks, bits of the scripts that a fair part is written in); NONE of too few letters."""
    text = text[:_LOOKED_AT]
    data = text.encode("utf-8", "surrogatepass")
    latin = len(data.translate(None, _NO_LETTERS))
    if text.isascii():
        return (LATIN, 1 << LATIN) if latin >= LETTERS else (NONE, 0)
    rest = data.translate(None, _ASCII).decode("utf-8", "surrogatepass").encode("utf-32-le", "surrogatepass")
    counts = np.bincount(_table()[np.frombuffer(rest, "<u4")], minlength=len(SCRIPTS)).tolist()
    counts[NONE] = 0
    counts[LATIN] += latin
    return _judged(counts)


def _judged(counts: list[float]) -> tuple[int, int]:
    bits = 0
    if counts[KANA]:  # Japanese is written in both
        share = counts[KANA] / (counts[KANA] + counts[HAN])
        if share >= _MUCH_KANA:
            counts[KANA], counts[HAN] = counts[KANA] + counts[HAN], 0
        elif share >= _SOME_KANA:  # Chinese with Japanese in it, or Japanese of many names
            bits = 1 << KANA
    weighted = [count * weight for count, weight in zip(counts, _WEIGHTS, strict=True)]
    total = sum(weighted)
    if total < LETTERS:
        return NONE, 0
    for script, weight in enumerate(weighted):
        if weight and weight >= total * (_NOTABLE_LATIN if script == LATIN else _NOTABLE):
            bits |= 1 << script
    other = max(range(LATIN + 1, len(weighted)), key=weighted.__getitem__)
    return (other if weighted[other] >= total * _SPOKEN else LATIN), bits


@cache
def _table() -> NDArray[np.uint8]:
    """Code point -> number of its script, NONE for what is no letter."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for name, first, last in _RANGES:
        number = SCRIPTS.index(name)
        if name in _WHOLE:
            table[first : last + 1] = number
        else:
            for code in range(first, last + 1):
                if unicodedata.category(chr(code))[0] in "LM":
                    table[code] = number
    return table
