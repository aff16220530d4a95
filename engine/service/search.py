"""Looking for a pattern in rows: in the values as they are shown, not in the bytes of the file.

`Needle` says beforehand which rows of a block of bytes cannot match, so that most are never parsed. It never rules out a row
that matches: what it finds is looked at again.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.data.export import json_text
from engine.errors import DataError

ROW_LIMIT_S = 0.5
"""A regular expression may take so long for one row."""
_STRUCTURE = re.compile(r'[\x00-\x20\x7f"\\/,:\[\]{}\ud800-\udfff]')
_WORTH_BYTES = 500
_NUMBER_ONLY = re.compile(r"[0-9.e+-]*")
Test = Callable[[str], bool]


def plain_test(pattern: str) -> Test:
    """Whether a text holds the pattern, case aside."""
    folded = pattern.casefold()
    return lambda text: folded in text.casefold()


def regex_test(pattern: str) -> Test:
    """Whether a text holds a match. Raises DataError for a pattern that is none, and while searching for one that takes too long.

    With the `regex` package each text has `ROW_LIMIT_S`; it comes with transformers. Without it the standard library searches,
    which cannot be interrupted.
    """
    try:
        engine = importlib.import_module("regex")
    except ImportError:
        return _standard_test(pattern)
    try:
        compiled = engine.compile(pattern)
    except engine.error as error:
        raise _no_pattern(pattern, error) from None

    def holds(text: str) -> bool:
        try:
            return compiled.search(text, timeout=ROW_LIMIT_S, concurrent=True) is not None
        except TimeoutError:
            raise DataError(
                f"The regular expression {pattern!r} takes more than {ROW_LIMIT_S} seconds for one row. Repetitions "
                "within repetitions, such as (a+)+, are the usual cause; write it without."
            ) from None

    return holds


def _standard_test(pattern: str) -> Test:
    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError) as error:
        raise _no_pattern(pattern, error) from None
    return lambda text: search(text) is not None


def _no_pattern(pattern: str, error: Exception) -> DataError:
    return DataError(f"{pattern!r} is no regular expression: {error}. Mend it, or search for it as plain text.")


def holds(test: Test, values: Mapping[str, Any], field: str) -> bool:
    """Whether a row matches: in one column, or in any."""
    if field:
        return field in values and test(json_text(values[field]))
    return any(test(json_text(value)) for value in values.values())


class Needle:
    """The part of a plain pattern that must stand in the bytes of every row that holds it."""

    def __init__(self, pattern: str) -> None:
        parts = ("".join(char if _keeps_its_bytes(char) else " " for char in pattern.casefold())).split()
        part = max((part for part in parts if not _NUMBER_ONLY.fullmatch(part)), key=len, default="")
        self.useful = bool(part)
        """Without such a part every row has to be looked at: numbers may be written in several ways, 100 and 1e2."""
        self._part = part.encode()
        self._doubtful = _relatives(part)

    def places(self, block: bytes) -> list[int] | None:
        """Where rows of this block may match, in no order; None where there are too many such places to be worth it."""
        doubtful = _escapes(block)
        if not block.isascii():
            for mark in self._doubtful:
                if mark[:1] in block:  # one byte is found much faster than several
                    doubtful += _all(mark, block)
        if len(doubtful) * _WORTH_BYTES > len(block):
            return None
        return doubtful + _all(self._part, block.lower())


def _escapes(block: bytes) -> list[int]:
    r"""Where \uXXXX may stand for any character."""
    bytes_N = np.frombuffer(block, dtype=np.uint8)  # noqa: N806
    slashes = np.flatnonzero(bytes_N == 0x5C)
    following = np.minimum(slashes + 1, len(block) - 1)
    found: list[int] = slashes[bytes_N[following] == 0x75].tolist()
    return found


def _all(mark: bytes, block: bytes) -> list[int]:
    found, at = [], -1
    while (at := block.find(mark, at + 1)) >= 0:
        found.append(at)
    return found


def _keeps_its_bytes(char: str) -> bool:
    """Whether lower-cased bytes show this folded character as itself: it has no case, or is ASCII that JSON writes plainly."""
    return not _STRUCTURE.match(char) and (char.isascii() or char not in _folds())


def _relatives(part: str) -> list[bytes]:
    """The first two bytes of characters outside ASCII that become one of these letters when case is put aside: ſ, which is an
    s, or the Kelvin sign."""
    others = {other for char in part if char.isascii() for other in _folds().get(char, ())}
    return sorted({other.encode()[:2] for other in others})


@functools.cache
def _folds() -> dict[str, set[str]]:
    """Folded character -> characters outside ASCII, itself aside, whose folding holds it."""
    found: dict[str, set[str]] = {}
    for code in range(0x80, sys.maxunicode + 1):
        if 0x3400 <= code < 0xA640 or 0xAC00 <= code < 0xFB00 or code > 0x1F000:
            continue  # ideographs, Hangul, private use, surrogates, emoji: without case
        char = chr(code)
        folded = char.casefold()
        if folded != char:
            for part in folded:
                found.setdefault(part, set()).add(char)
    return found
