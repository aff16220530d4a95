"""The device a run trains on, how much memory it took, and giving back what is no longer needed."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

GIB = 1 << 30
FORGET_PEAK = "5"
"""What Linux wants to read in clear_refs to begin the highest resident size anew (proc(5))."""

M_MMAP_THRESHOLD = -3
"""Name of a setting in malloc.h: blocks from this size on come from the kernel by themselves, and go back to it."""
LARGE_BLOCK = 1 << 20


def choose_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def describe(device: torch.device) -> str:
    """Name and memory of a device, for people."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / GIB:.1f} GiB"
    return f"CPU, {os.cpu_count()} cores, {psutil.virtual_memory().total / GIB:.1f} GiB"


def gpu_identity(device: torch.device) -> str:
    """How the driver calls the GPU that a run is on, "GPU-…", whatever its number here is; empty for a CPU."""
    if device.type != "cuda":
        return ""
    uuid = str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))
    return uuid if not uuid or uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"


def peak_gib(device: torch.device) -> float:
    """Highest memory use so far: allocated on a GPU, resident of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    return _highest_resident() / GIB


def _highest_resident() -> int:
    """Bytes. Linux counts for the program (VmHWM of proc(5)); getrusage would begin at what the process had that started it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return 1024 * int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])


def in_use(device: torch.device) -> int:
    """Bytes that are taken now: by the allocator of a GPU, resident of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return int(psutil.Process().memory_info().rss)


def forget_peak(device: torch.device) -> None:
    """Let `peak_gib` begin anew at what is in use, where the system can: after an attempt that failed."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text(FORGET_PEAK)
    except OSError:
        return


def give_back(device: torch.device) -> None:
    """Return memory that nothing refers to any more to the device: cycles, the allocator's cache, holes in the heap."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    trim = _malloc("malloc_trim")
    if trim is not None:
        trim(0)


def save_memory() -> None:
    """Let the allocator of a CPU give blocks of 1 MiB and more back as soon as they are free, where it is glibc's.

    As glibc is set, such blocks share a heap with small ones that stay, and what lies between them is lost: up to as much again
    as a step holds. Pages come from the kernel anew then, which costs a tenth to a quarter of a step.
    """
    tune = _malloc("mallopt")
    if tune is not None and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        tune(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _malloc(name: str) -> Any:
    """A function of glibc's allocator; None where there is another one (musl, macOS)."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
