"""Looking one step up in a journal, without folding all of it: a journal may hold a hundred thousand of them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from engine.runs.events import Step, decode

_BITE = 4 << 20


def find_step(journal: Path, step: int) -> Step | None:
    """The newest event of a step: a resumed run does some of its steps again. None where it was not done yet.

    A line that cannot be read, and a journal that is not there, are passed over.
    """
    sought = re.compile(rb'"step":%d[,}]' % step)
    found: Step | None = None
    try:
        with journal.open("rb") as file:
            rest = b""
            while bite := file.read(_BITE):
                whole, newline, rest = (rest + bite).rpartition(b"\n")
                if newline:
                    found = _newest(whole, sought) or found
    except OSError:
        return found
    return found


def _newest(lines: bytes, sought: re.Pattern[bytes]) -> Step | None:
    found: Step | None = None
    for match in sought.finditer(lines):
        start = lines.rfind(b"\n", 0, match.start()) + 1
        end = lines.find(b"\n", match.end())
        try:
            event = decode(lines[start : end if end >= 0 else len(lines)])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(event, Step):
            found = event
    return found
