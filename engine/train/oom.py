"""Whether an error means that memory ran out: it comes in many shapes, and each library has its own.

Imports nothing of torch, so that any part of the worker can ask.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Callable, Iterator

SAYINGS = (
    "out of memory",  # CUDA's errors, Triton's, NCCL's
    "can't allocate memory",  # DefaultCPUAllocator
    "not enough memory",  # the same on Windows
    "cannot allocate memory",  # ENOMEM: mmap, fork
    "bad_alloc",  # C++
    "could not create a memory object",  # oneDNN
    "could not create a primitive",
    "could not execute a primitive",
    "status_alloc_failed",  # cuBLAS, cuDNN, cuSPARSE
    "cudaerrormemoryallocation",
    "can't start new thread",  # no room for its stack
)
_ASKED = re.compile(r"tried to allocate (\d+(?:\.\d+)?) ?(bytes|[KMGT]i?B)", re.IGNORECASE)
_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that caused it, means that memory ran out."""
    return any(_says_so(one) for one in causes(error))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(saying in text for saying in SAYINGS)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that were raised on the way to it."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        yield at
        seen.add(id(at))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def asked_for(error: BaseException) -> int:
    """Bytes of the allocation that failed; 0 where the error does not tell."""
    for one in causes(error):
        found = _ASKED.search(str(one))
        if found:
            return int(float(found[1]) * _UNITS[found[2][0].lower()])
    return 0


def without_memory(work: Callable[[], object]) -> bool:
    """Do `work` that a run can do without; return whether memory ran out on the way. Its tensors are then free."""
    try:
        work()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        traceback.print_exception(error)
        return True
    return False
