"""What the machine does while a worker lives: a `Hardware` event every few seconds, from a thread of its own.

It reads counters that the driver and the system keep anyway, and touches neither torch nor random numbers: a run that is
watched is the same run to the bit. What cannot be read is None, and nothing that goes wrong here ends a run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import psutil

from engine.runs.events import Hardware
from engine.runs.journal import Journal

EVERY_S = 5.0
HANGS_S = 5.0
"""A driver that does not answer for so long when the run ends is not waited for."""
FIRST_S = 1.0
GIB = 1 << 30
T = TypeVar("T")


class Watch:
    """Journals readings from `start` to `stop`; of a GPU too once `gpu` is set."""

    def __init__(self, journal: Journal, every_s: float = EVERY_S) -> None:
        self.journal, self.every_s = journal, every_s
        self.gpu = ""
        """Identity of the GPU that the run is on, as the driver has it ("GPU-…"); empty on a CPU and while unknown."""
        self._gpu = Gpu()
        self._process = psutil.Process()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hardware", daemon=True)

    def start(self) -> None:
        """Begin; the first reading comes after a second."""
        self._thread.start()

    def stop(self) -> None:
        """End before the journal has its last word."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(HANGS_S)

    def _run(self) -> None:
        _or_none(psutil.cpu_percent)  # it tells what was used since the last call of the same thread
        wait = min(FIRST_S, self.every_s)
        while not self._end.wait(wait):
            wait = self.every_s
            seen = self.read()
            if self._end.is_set():  # it took so long that the journal may have had its last word
                return
            try:
                self.journal.append(seen)
            except OSError:  # a full disk: the thread that trains says so when it has something to write
                continue

    def read(self) -> Hardware:
        """One reading."""
        memory = _or_none(psutil.virtual_memory)
        return Hardware(
            **self._gpu.read(self.gpu),
            cpu_percent=_or_none(psutil.cpu_percent),
            host_gib=None if memory is None else round((memory.total - memory.available) / GIB, 3),
            host_total_gib=None if memory is None else round(memory.total / GIB, 3),
            process_gib=_or_none(lambda: round(self._process.memory_info().rss / GIB, 3)),
        )


class Gpu:
    """One GPU through NVML, opened at the first reading; without a driver it has no figures."""

    def __init__(self) -> None:
        self._known: str | None = None
        self._nvml: Any = None
        self._handle: Any = None

    def read(self, gpu: str) -> dict[str, Any]:
        """The figures of a GPU, those that it has; none for ""."""
        if gpu != self._known:
            self._known = gpu
            self._handle = self._open(gpu) if gpu else None
        if self._handle is None:
            return {}
        nvml, handle = self._nvml, self._handle
        memory = _or_none(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        return {
            "gpu_percent": _or_none(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
            "gpu_celsius": _or_none(lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            "gpu_watts": _or_none(lambda: round(nvml.nvmlDeviceGetPowerUsage(handle) / 1000, 1)),
            "gpu_gib": None if memory is None else round(memory.used / GIB, 3),
            "gpu_total_gib": None if memory is None else round(memory.total / GIB, 3),
        }

    def _open(self, gpu: str) -> Any:
        try:
            import pynvml
        except ImportError:
            return None
        self._nvml = pynvml
        if _or_none(lambda: (pynvml.nvmlInit(),)) is None:
            return None
        for name in (gpu, gpu.replace("GPU-", "MIG-", 1)):  # torch calls both by the same bare number
            handle = _or_none(partial(pynvml.nvmlDeviceGetHandleByUUID, name))
            if handle is not None:
                return handle
        return None


def _or_none(reading: Callable[[], T]) -> T | None:
    """A reading, or None where this machine does not give it: drivers and containers hide some."""
    try:
        return reading()
    except Exception:  # noqa: BLE001 - NVML and psutil have many words for "not here"
        return None
