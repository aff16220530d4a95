"""The device a run trains on, and how much memory it took."""

from __future__ import annotations

import os
import resource
import sys

import psutil
import torch

GIB = 1 << 30


def choose_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def describe(device: torch.device) -> str:
    """Name and memory of a device, for people."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / GIB:.1f} GiB"
    return f"CPU, {os.cpu_count()} cores, {psutil.virtual_memory().total / GIB:.1f} GiB"


def peak_gib(device: torch.device) -> float:
    """Highest memory use so far: allocated on a GPU, resident of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB
