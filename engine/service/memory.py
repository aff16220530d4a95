"""Keeping the process small: what was used for a moment goes back to the system.

The C library of most Linux machines keeps freed memory in several heaps, one for some threads each, in case it is wanted again.
A service that holds much for a second and little for hours does better without. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h of the GNU C library
_LARGE_BYTES = 1 << 20
_HEAPS = 2


def economise() -> None:
    """From now on, large pieces are given back when they are freed, and threads share two heaps."""
    library = _library()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Give freed memory back now; some milliseconds, after long work."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@contextmanager
def uncollected(keeping: bool = False) -> Iterator[None]:
    """Meanwhile nobody looks for cycles among objects: with a hundred thousand rows that stops everybody for a tenth of a second.

    With `keeping`, what was made lives long, and is not looked at later either.
    """
    _Collecting.pause()
    try:
        yield
    finally:
        _Collecting.go_on(keeping)


def look_again() -> None:
    """What was kept is gone: the next search for cycles is among all objects."""
    gc.unfreeze()


class _Collecting:
    """Whether cycles are looked for: while nobody minds."""

    _lock = threading.Lock()
    _minding = 0

    @classmethod
    def pause(cls) -> None:
        with cls._lock:
            cls._minding += 1
            gc.disable()

    @classmethod
    def go_on(cls, keeping: bool) -> None:
        with cls._lock:
            cls._minding -= 1
            if keeping:
                gc.freeze()
            if not cls._minding:
                gc.enable()


@cache
def _library() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
