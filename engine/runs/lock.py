"""Liveness: who holds `run.lock` is alive. Not a pid, not a timer.

The kernel drops a POSIX record lock when its holder ends, however it ends. Such a lock is also dropped when
its process closes *any* descriptor of the file; a process therefore remembers the locks it holds and never opens
those files again.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from engine.errors import RunError

_OWN: set[str] = set()
"""Real paths of the lock files that this process holds."""


class RunLock:
    """The exclusive lock of a worker on its run directory; hold the object as long as the run lives."""

    def __init__(self, path: Path, patience_s: float = 2.0) -> None:
        """Take the lock. Raises RunError when another worker holds it.

        `patience_s` covers the instant in which a viewer tests the lock.
        """
        self._name = os.path.realpath(path)
        if self._name in _OWN:
            raise RunError(f"{path.parent.name} is held by this process already.")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _OWN.add(self._name)
                return
            except OSError:
                if time.monotonic() >= deadline:
                    os.close(self._fd)
                    raise RunError(
                        f"Another worker is at work on {path.parent.name}: its lock is held. "
                        f"Watch it with `luthier watch {path.parent.name}`, or stop it first."
                    ) from None
                time.sleep(0.05)

    def release(self) -> None:
        """Give the lock back (the kernel does it too when the process ends)."""
        _OWN.discard(self._name)
        os.close(self._fd)


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock. A shared lock is tried, so viewers do not disturb each other."""
    if os.path.realpath(path) in _OWN:
        return True
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
