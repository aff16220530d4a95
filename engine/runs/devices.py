"""The devices that runs are spread over, by the names that a worker's environment understands. Light: no torch.

GPUs come from the driver (NVML) and $CUDA_VISIBLE_DEVICES; where there is none, there is one device, "cpu".
"""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path

import msgspec

from engine.errors import RunError
from engine.runs.paths import RunDir

CPU = "cpu"
VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
FIRST_WORD_S = 20.0


class Launched(msgspec.Struct, frozen=True, kw_only=True):
    """Where the newest worker of a run was started: `launch.json` in its directory."""

    device: str = ""
    """As in `devices`; empty where it cannot be told which one it takes."""
    host: str = ""
    t: float = 0.0


_decoder = msgspec.json.Decoder(Launched)


def devices() -> list[str]:
    """Names of the devices of this machine that a run may have: "0", "1", … or "cpu"."""
    names = _gpu_names()
    visible = os.environ.get(VISIBLE)
    if visible is None:
        return [str(number) for number in range(len(names))] or [CPU]
    chosen = []
    for name in (part.strip() for part in visible.split(",")):
        if not name or (name.lstrip("-").isdigit() and not 0 <= int(name) < max(1, len(names))):
            break  # CUDA sees none from the first wrong one on
        chosen.append(name)
    return chosen if names and chosen else [CPU]


def require_device(device: str) -> None:
    """Raises RunError when this machine has no `device`; any that is free, "", it always has."""
    if device and device not in (known := devices()):
        raise RunError(f"There is no device {device!r} here. Choose {' or '.join(known)}, or none for the first.")


def usual_device() -> str:
    """The device that a run takes when nobody chooses: the first. Empty where GPUs differ, for CUDA has an order of its own."""
    known = devices()
    alike = len(set(_gpu_names())) <= 1 or os.environ.get(ORDER) == "PCI_BUS_ID"
    return known[0] if len(known) == 1 or alike else ""


def environment_for(device: str) -> dict[str, str]:
    """What a worker's environment says to run on `device`; nothing for ""."""
    if not device:
        return {}
    if device == CPU:
        return {VISIBLE: ""}
    numbered = VISIBLE not in os.environ  # then the name is a number of the driver's
    return {VISIBLE: device, **({ORDER: "PCI_BUS_ID"} if numbered else {})}


@cache
def _gpu_names() -> tuple[str, ...]:
    """Names of the GPUs that the driver knows, in its order; none without a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - no package, no library, no driver, no right to ask: there is no GPU to run on
        return ()
    try:
        count = pynvml.nvmlDeviceGetCount()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)]
        return tuple(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles)
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def launch_path(run_dir: RunDir) -> Path:
    """The file."""
    return run_dir.path / "launch.json"


def write_launched(run_dir: RunDir, device: str) -> None:
    """Note where a worker is started. Raises OSError."""
    noted = Launched(device=device, host=socket.gethostname(), t=round(time.time(), 3))
    launch_path(run_dir).write_bytes(msgspec.json.encode(noted) + b"\n")


def is_starting(run_dir: RunDir) -> bool:
    """Whether a worker was started a moment ago that has not said a word yet: it holds no lock then."""
    try:
        launched = launch_path(run_dir).stat().st_mtime
    except OSError:
        return False
    if not 0 <= time.time() - launched < FIRST_WORD_S:
        return False
    try:
        return run_dir.journal.stat().st_mtime < launched
    except OSError:
        return True


def read_launched(run_dir: RunDir) -> Launched:
    """Where the newest worker was started; an empty one where nothing tells."""
    try:
        return _decoder.decode(launch_path(run_dir).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Launched()
