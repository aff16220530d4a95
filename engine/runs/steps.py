"""Looking one step up in a journal, without reading all of it: a journal may hold a million of them.

A few hundred places are looked at first. Between two of them lie the steps of their numbers, and, as the sequence numbers
tell how many lines there are, a resume can lead no further beyond them than there are lines too many. Only the stretches
that can hold the step are read, the newest first.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.runs.events import UNREADABLE, Step, decode

_PLACES = 256
_STRETCH = 256 << 10
"""Bytes that are read at once rather than looked at in places."""
_LOOK = 16 << 10
_STEP_LINE = re.compile(rb'\n(\{"type":"step"[^\n]*\n)')


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    seq: int
    step: int


def find_step(journal: Path, step: int) -> Step | None:
    """The newest event of a step: a resumed run does some of its steps again. None where it was not done yet.

    A line that cannot be read, and a journal that is not there, are passed over.
    """
    try:
        fd = os.open(journal, os.O_RDONLY)
    except OSError:
        return None
    try:
        sought = re.compile(rb'"step":%d[,}]' % step)
        for start, stop in _stretches(fd, os.fstat(fd).st_size, step):
            if (found := _newest(os.pread(fd, stop - start, start), sought)) is not None:
                return found
    except OSError:
        pass
    finally:
        os.close(fd)
    return None


def _stretches(fd: int, size: int, step: int) -> list[tuple[int, int]]:
    """Where the step can be, the newest first; each begins and ends with a line."""
    count = min(_PLACES, size // _STRETCH)
    looks = [_look(fd, size * i // count) for i in range(1, count)] if count else []
    places = [_Place(0, -1, 0), *(place for place in looks if place is not None)]
    found = [(places[-1].offset, size)]
    for before, after in reversed(list(pairwise(places))):
        ascent, lines = after.step - before.step, after.seq - before.seq
        beyond = lines - ascent
        if after.offset > before.offset and (
            beyond < 0 or lines < 0 or before.step - beyond <= step <= after.step + beyond
        ):
            found.append((before.offset, after.offset))
    return [piece for start, stop in found for piece in _pieces(fd, start, stop)]


def _pieces(fd: int, start: int, stop: int) -> list[tuple[int, int]]:
    """A stretch in pieces that memory can bear, the newest first; each ends with a line."""
    cuts = [stop]
    while cuts[-1] - start > 16 * _STRETCH:
        at = cuts[-1] - 8 * _STRETCH
        line = os.pread(fd, _LOOK, at).find(b"\n")
        cuts.append(at + line + 1 if line >= 0 else start)
    return [(after, before) for before, after in pairwise([*cuts, start])]


def _look(fd: int, offset: int) -> _Place | None:
    """The first step that begins behind a place; None where there is none near."""
    for line in _STEP_LINE.finditer(os.pread(fd, _LOOK, offset)):
        event = _decoded(line[1])
        if event is not None:
            return _Place(offset + line.start(1), event.seq, event.step)
    return None


def _newest(lines: bytes, sought: re.Pattern[bytes]) -> Step | None:
    for match in reversed(list(sought.finditer(lines))):
        start = lines.rfind(b"\n", 0, match.start()) + 1
        end = lines.find(b"\n", match.end())
        event = _decoded(lines[start : end if end >= 0 else len(lines)])
        if event is not None:
            return event
    return None


def _decoded(line: bytes) -> Step | None:
    try:
        event = decode(line)
    except UNREADABLE:
        return None
    return event if isinstance(event, Step) else None
