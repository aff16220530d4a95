"""A module of the benches at work in a process of its own, so that its memory can be told."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO

from engine.runs.launcher import worker_environment


@dataclass
class Child:
    """A module at work in a process with a worker's environment."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def finish(self) -> int:
        """Wait for its end; return its highest resident memory in KiB. Ends the program when it failed."""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            self.log.seek(0)
            sys.exit(f"{self.process.args} failed:\n{self.log.read().decode(errors='replace')[-3000:]}")
        return usage.ru_maxrss


def child(module: str, *arguments: str) -> Child:
    """Start a module."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=worker_environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    return Child(process, log)
