"""What a run may take of its device, and the guard that makes an allocation beyond it fail.

An allocation that fails can be answered by smaller micro-batches; a process that the kernel kills cannot. Invariant: nothing but
this process, and what it starts, is limited, and a limit is there only between `guard` and `release`.

On a GPU torch's allocator keeps the limit. On a CPU it is RLIMIT_DATA of Linux, which counts private writable memory whether
it is used or not: memory of tensors, and not files that are only read. It is set relative to what the process has once the
model is loaded, so that the figure is about resident memory.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from engine.config.runfile import RunFile
from engine.config.sizes import parse_size, spell_size
from engine.errors import ResourceError
from engine.plan.device import CUDA_CONTEXT, group_limits, this_device
from engine.plan_facts import DeviceFacts

SHARE = 0.95
"""Of the machine's memory that is free, so much may be taken where the run file does not say: the kernel needs some to work."""
LEAST_ROOM = 16 << 20
"""A run that has less than this to move in cannot even fail in words."""
WORDS = 64 << 20
"""Room to say what happened in when memory has run out."""


class MemoryLimit:
    """The memory that one run may take of `device`. `facts` say how much it is, for the plan."""

    def __init__(self, run: RunFile, device: torch.device) -> None:
        """Raises ConfigError where train.memory_limit names no amount."""
        self.asked = run.train.memory_limit
        self.device = device
        self._smaller = "a smaller model" if run.quantization.bits == 4 else "quantization.bits = 4 or a smaller model"
        self.facts = self._facts()
        self._room: int | None = None
        self._before = -1

    def _facts(self) -> DeviceFacts:
        facts = this_device(self.asked)
        if self.device.type == "cuda":
            return facts
        free = int(SHARE * psutil.virtual_memory().available) + int(psutil.Process().memory_info().rss)
        groups = [int(SHARE * size) for size in group_limits()]
        return DeviceFacts(kind=facts.kind, name=facts.name, bytes=min(facts.bytes, free, *groups))

    @property
    def bytes(self) -> int:
        """Most bytes the run may take."""
        return self.facts.bytes

    def sentence(self) -> str:
        """What is allowed and why, for people."""
        why = f'train.memory_limit = "{self.asked}"' if self.asked else "what this machine has"
        return f"{spell_size(self.bytes)} are allowed ({why})"

    def guard_gpu(self) -> None:
        """Keep the limit on a GPU, for loading too. On a CPU nothing happens: see `guard_process`."""
        if self.device.type != "cuda" or self.asked is None:
            return
        total = torch.cuda.get_device_properties(self.device).total_memory
        share = (parse_size(self.asked) - CUDA_CONTEXT) / total
        torch.cuda.set_per_process_memory_fraction(min(1.0, max(0.0, share)), self.device)

    def guard_process(self) -> None:
        """Keep the limit on a CPU from now on, when the model is there and its layers have been run once.

        Loading maps whole files, which would count as taken. Raises ResourceError when nothing is left to train in.
        """
        if self.device.type == "cuda" or sys.platform != "linux":
            return
        has = psutil.Process().memory_info()
        left = self.bytes - has.rss
        if left < LEAST_ROOM:
            cure = "Raise train.memory_limit" if self.asked else "Use a machine with more memory"
            raise ResourceError(
                f"Out of memory before the first step: the process has {spell_size(has.rss)} once the model is loaded, and "
                f"{self.sentence()}. {cure}, or start a new run with {self._smaller}."
            )
        self._before, _ = resource.getrlimit(resource.RLIMIT_DATA)
        self._room = has.data + left
        _set_soft_limit(self._room, self._before)

    @contextmanager
    def lifted(self, more: int | None = WORDS) -> Iterator[None]:
        """`more` bytes of room for the time of the block: to say that memory ran out takes some. With None the guard is away,
        for files that are read whole."""
        if self._room is not None:
            _set_soft_limit(self._before if more is None else self._room + more, self._before)
        try:
            yield
        finally:
            if self._room is not None:
                _set_soft_limit(self._room, self._before)

    def release(self) -> None:
        """Take the guard of a process away."""
        if self._room is not None:
            self._room = None
            _set_soft_limit(self._before, self._before)


def _set_soft_limit(wanted: int, most: int) -> None:
    """Set RLIMIT_DATA of this process, which can be raised again, to `wanted` bytes but no more than `most`."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [size for size in (wanted, most, hard) if size != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds, default=resource.RLIM_INFINITY), hard))
