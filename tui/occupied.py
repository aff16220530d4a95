"""Whether the device that a run would take is busy with another run: asked before a second one starts beside it."""

from __future__ import annotations

from pathlib import Path

from engine.runs.devices import usual_device
from engine.runs.queue import ANY, busy_devices


def busy_with(runs_dir: Path, device: str = "") -> str:
    """Such as "cpu is busy with train-1"; "" where `device`, or the usual one, is free. Reads the runs: for a thread."""
    wanted = device or usual_device()
    busy = busy_devices(runs_dir)
    for taken in (wanted, ANY):
        if taken in busy:
            called = "A device" if taken == ANY or not wanted else f"GPU {wanted}" if wanted.isdigit() else wanted
            return f"{called} is busy with {busy[taken]}"
    if not wanted and busy:  # which one it would take cannot be told
        return f"{', '.join(busy.values())} {'is' if len(busy) == 1 else 'are'} running"
    return ""
