"""The device that a plan is made for: this machine's, or one that is named."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from engine.config.sizes import parse_size, spell_size
from engine.errors import ConfigError
from engine.plan_facts import DeviceFacts

CUDA_CONTEXT = 450 << 20
"""What a process takes of a GPU beside its tensors: the driver's context and the kernels of torch."""
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def this_device(memory_limit: str | None = None) -> DeviceFacts:
    """The device that a run on this machine trains on, and what the run may take of it.

    Of a GPU: what is free, and what this process has already. Without one: of the machine's memory, no more than the limit of the
    control group this process lives in. `memory_limit` (train.memory_limit) lowers it.
    """
    if torch.cuda.is_available():
        kind, name = "cuda", torch.cuda.get_device_name(0)
        free, _ = torch.cuda.mem_get_info(0)
        room = (
            free + torch.cuda.memory_reserved(0) + CUDA_CONTEXT
        )  # the context is there by now, and the plan counts it
    else:
        kind, name = "cpu", "CPU"
        room = min([psutil.virtual_memory().total, *_cgroup_limits()])
    if memory_limit is not None:
        room = min(room, parse_size(memory_limit))
    return DeviceFacts(kind=kind, name=name, bytes=room)


def named_device(text: str, memory_limit: str | None = None) -> DeviceFacts:
    """A GPU with the memory that `text` names: "24GB" is 24 * 10^9 bytes, "24GiB" 24 * 2^30. Raises ConfigError."""
    try:
        room = parse_size(text)
    except ConfigError as error:
        raise ConfigError(f"--device: {error}") from error
    if memory_limit is not None:
        room = min(room, parse_size(memory_limit))
    return DeviceFacts(kind="cuda", name=f"a GPU of {spell_size(parse_size(text))}", bytes=room)


def _cgroup_limits() -> list[int]:
    """Limits of the control group of this process, where it has one."""
    found = []
    for path in CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return found
