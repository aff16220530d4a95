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
GROUPS, GROUP_TREE = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""Where Linux says which control groups a process is in, and what they allow."""


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
        room = min([psutil.virtual_memory().total, *group_limits(GROUPS, GROUP_TREE)])
    if memory_limit is not None:
        room = min(room, parse_size(memory_limit))
    return DeviceFacts(kind=kind, name=name, bytes=room)


def watched_device(gpu: str, memory_limit: str | None = None) -> DeviceFacts:
    """`this_device` for a process that lives long and must take nothing of the GPU: the driver is asked, nothing is begun on it.

    `gpu` is its number or its UUID, as in $CUDA_VISIBLE_DEVICES; "" or "cpu" for none.
    """
    if gpu in ("", "cpu"):
        return this_device(memory_limit)
    import pynvml

    pynvml.nvmlInit()
    by_number = gpu.isdigit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(int(gpu)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(gpu)
    name, room = str(pynvml.nvmlDeviceGetName(handle)), int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    if memory_limit is not None:
        room = min(room, parse_size(memory_limit))
    return DeviceFacts(kind="cuda", name=name, bytes=room)


def named_device(text: str, memory_limit: str | None = None) -> DeviceFacts:
    """A GPU with the memory that `text` names: "24GB" is 24 * 10^9 bytes, "24GiB" 24 * 2^30. Raises ConfigError."""
    try:
        room = parse_size(text)
    except ConfigError as error:
        raise ConfigError(f"--device: {error}") from error
    if memory_limit is not None:
        room = min(room, parse_size(memory_limit))
    return DeviceFacts(kind="cuda", name=f"a GPU of {spell_size(parse_size(text))}", bytes=room)


def group_limits(told: Path = GROUPS, root: Path = GROUP_TREE) -> list[int]:
    """Limits of the control groups this process is in, the nested ones that job schedulers make among them, in bytes.

    Version 2 has one tree, version 1 one for each resource (cgroups(7)).
    """
    found = []
    try:
        lines = told.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        tree, name = (root / kinds, "memory.limit_in_bytes") if kinds else (root, "memory.max")
        group = tree / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                text = (folder / name).read_text().strip()
            except OSError:
                text = ""  # the tree is not shown this far up
            if text.isdigit():  # "max" is none
                found.append(int(text))
            if folder == tree:
                break
    return found
