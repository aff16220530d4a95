"""How long the workers of a run have lived, from its journal: also of those that had no last word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_HELLO = re.compile(rb'^\{"type":"hello".*?"t":(\d+(?:\.\d+)?(?:e\+?\d+)?)\}$', re.MULTILINE)
_TIME = re.compile(rb'"t":(\d+(?:\.\d+)?(?:e\+?\d+)?)\}$')
_BEFORE_HELLO = b'"name":"verifying checkpoints"'
"""A worker that resumes says this before its hello."""
_BITE = 4 << 20


def worked_so_far(journal: Path) -> float:
    """Seconds between the first and the last event of each worker, added up; 0 where there is no journal.

    Lines are searched and not decoded: a journal may hold millions of them.
    """
    total, began, last = 0.0, None, 0.0
    for lines in _bites(journal):
        start = 0
        for hello in _HELLO.finditer(lines):
            last = _last_time(lines[start : hello.start()], last)
            total += max(0.0, last - began) if began is not None else 0.0
            began = last = float(hello[1])
            start = hello.end()
        last = _last_time(lines[start:], last)
    return total + (max(0.0, last - began) if began is not None else 0.0)


def _bites(journal: Path) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time."""
    try:
        with journal.open("rb") as file:
            rest = b""
            while bite := file.read(_BITE):
                lines, newline, rest = (rest + bite).rpartition(b"\n")
                if newline:
                    yield lines
    except OSError:
        return


def _last_time(lines: bytes, otherwise: float) -> float:
    """Time of the last of these lines that is not about the next worker."""
    for line in reversed(lines[-(64 << 10) :].splitlines()):
        if _BEFORE_HELLO not in line and (found := _TIME.search(line)):
            return float(found[1])
    return otherwise
