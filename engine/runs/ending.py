"""Ending a run at once, from outside: a SIGKILL to whoever holds its lock.

The kernel says who that is, so no pid file can be wrong. Whatever was done since the newest checkpoint is lost; the
checkpoint is whole. `killed.json` keeps the pid, so that the run can say later that somebody asked for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
import time
from pathlib import Path

import msgspec

from engine.errors import RunError
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.view import RunView

WORKER = "engine.train.worker"
GONE_WITHIN_S = 10.0


class Killed(msgspec.Struct, frozen=True):
    """What a kill leaves behind."""

    pid: int
    t: float


def kill(run_dir: Path, wait_s: float = GONE_WITHIN_S) -> bool:
    """Kill the worker of a run and wait until it is gone. False when none is at work.

    Raises RunError when the holder of its lock is no worker of this machine, or does not go.
    """
    directory = RunDir(run_dir)
    pid = holder(directory.lock)
    if pid is None:
        return False
    if not is_worker(pid, directory):
        raise RunError(
            f"{directory.name} is held by process {pid or 'without a number'}, which is no worker of this machine: it may run on "
            f"another one or in a container. End it there; `luthier status {directory.name} --json` names its host."
        )
    with contextlib.suppress(OSError):  # a full disk is a reason to end a run, and none not to
        (run_dir / "killed.json").write_bytes(msgspec.json.encode(Killed(pid, round(time.time(), 3))) + b"\n")
    try:
        if os.getpgid(pid) == pid:  # a launcher's worker leads a group: its helpers go with it
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise RunError(f"{directory.name} belongs to another user (process {pid}); it cannot be killed.") from error
    deadline = time.monotonic() + wait_s
    while holder(directory.lock) == pid:
        if time.monotonic() > deadline:
            raise RunError(
                f"{directory.name} was killed (process {pid}), and the system has not ended it in {wait_s:.0f} s."
            )
        time.sleep(0.02)
    return True


def holder(lock: Path) -> int | None:
    """The process that holds a lock file; 0 where the system does not say which, None where nobody does."""
    if not is_held(lock):
        return None
    try:
        fd = os.open(lock, os.O_RDWR)
    except OSError:
        return None
    try:
        if sys.platform == "darwin":  # struct flock of fcntl(2): start, length, pid, type, whence
            answer = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET))
            _, _, pid, kind, _ = struct.unpack("qqihh", answer)
        else:
            answer = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            kind, _, _, _, pid = struct.unpack("hhqqi0q", answer)
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else max(0, int(pid))


def is_worker(pid: int, run_dir: RunDir) -> bool:
    """Whether a process of this machine is the worker of that run, by its command line."""
    if pid <= 0:
        return False
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    here = os.path.realpath(run_dir.path)
    return WORKER in words and any(os.path.realpath(word) == here for word in words if os.path.isabs(word))


def was_killed(run_dir: RunDir, pid: int) -> bool:
    """Whether somebody asked for the end of that worker."""
    try:
        return msgspec.json.decode((run_dir.path / "killed.json").read_bytes(), type=Killed).pid == pid
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False


def lost_by_kill(view: RunView) -> str:
    """What a kill costs now, in a sentence."""
    saved = max((checkpoint.step for checkpoint in view.checkpoints), default=None)
    lost = view.step - (saved or 0)
    steps = f"{lost} step{'' if lost == 1 else 's'}"
    if saved is None:
        return f"No checkpoint is there yet: all {steps} are lost." if lost else "Nothing is lost: no step is done yet."
    return (
        f"{steps} since checkpoint {saved} {'is' if lost == 1 else 'are'} lost."
        if lost
        else f"Nothing is lost: checkpoint {saved} holds all."
    )
