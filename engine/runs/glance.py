"""A first look at a very long journal: its beginning, its end, and steps from evenly spaced places between them.

It takes milliseconds where reading everything takes seconds, and shows the whole length of the curve. It is no more than
that: spikes, evaluations and what was said between the places are missing until the journal was read.
"""

from __future__ import annotations

import os
from itertools import pairwise

from engine.runs.blocks import Bulk
from engine.runs.events import UNREADABLE, Step, decode
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.store import Run

LONG_BYTES = 16 << 20
"""A journal from this size on is worth a first look; what is shorter is read as fast."""
_PLACES = 600
_HEAD_BYTES = _TAIL_BYTES = 256 << 10
_LEAST_LOOK = 4 << 10


def glance(directory: RunDir) -> Run | None:
    """The run as it looks from afar, its reader at the end; None where the journal is not long, or cannot be read."""
    run = Run(directory)
    try:
        fd = os.open(directory.journal, os.O_RDONLY)
    except OSError:
        return None
    try:
        size = os.fstat(fd).st_size
        if size < LONG_BYTES:
            return None
        run.alive = is_held(directory.lock)
        _look(run, fd, size)
    except OSError:
        return None
    finally:
        os.close(fd)
    run.view.thinned = True
    return run


def _look(run: Run, fd: int, size: int) -> None:
    head = os.pread(fd, _HEAD_BYTES, 0)
    head = head[: head.rfind(b"\n") + 1]
    for item in Bulk().decode(head, len(head)):
        run.view.fold(item)
    start, end = len(head), size - _TAIL_BYTES
    look = max(_LEAST_LOOK, 3 * len(head) // max(1, head.count(b"\n")))
    places = [start + (end - start) * i // _PLACES for i in range(_PLACES + 1)]
    for place, following in pairwise(places):
        event = _step_in(os.pread(fd, min(look, following - place), place))
        if event is not None:
            run.view.skip_to(event)
    run.reader = JournalReader(run.dir.journal)
    run.reader.offset = end
    data = os.pread(fd, _TAIL_BYTES, end)
    first = data.find(b"\n") + 1
    run.reader.offset = end + data.rfind(b"\n") + 1
    for item in Bulk().decode(data[first:], data.rfind(b"\n") + 1 - first):
        run.view.fold(item)


def _step_in(data: bytes) -> Step | None:
    """The first whole line that is a step."""
    lines = data.split(b"\n")
    for line in lines[1:-1]:
        if b'"type":"step"' in line:
            try:
                event = decode(line)
            except UNREADABLE:
                continue
            if isinstance(event, Step):
                return event
    return None
