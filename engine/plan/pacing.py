"""Timing a few layers without keeping anybody waiting: once for a model, in a process of its own.

    python -P -m engine.plan.pacing        (a question on stdin, the answer on stdout)

A process of its own, because what is timed holds the machine for seconds and, on a GPU, some of its memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from engine.config.runfile import RunFile
from engine.plan.timing import Beat, measure_beat
from engine.plan_facts import DeviceFacts, Load

COMMAND = (sys.executable, "-P", "-m", "engine.plan.pacing")


class _Asked(msgspec.Struct):
    run: dict[str, object]
    folder: str
    load: Load
    kind: str


class Pacing:
    """Layers that were timed, and those that are being timed."""

    def __init__(self, command: Sequence[str] = COMMAND, environment: dict[str, str] | None = None) -> None:
        """`environment` is added to this process's own: which GPU may be seen."""
        self._command, self._environment = list(command), environment or {}
        self._known: dict[str, Beat | None] = {}
        self._at: tuple[str, subprocess.Popen[bytes], IO[bytes]] | None = None

    @staticmethod
    def key(run: RunFile, folder: Path, device: DeviceFacts) -> str:
        """What has the same pace: a model in a number format on a device."""
        said = [run.model.model_dump(mode="json"), run.quantization.model_dump(mode="json"), run.train.method]
        return msgspec.json.encode([str(folder), *said, device.kind, device.name]).decode()

    def knows(self, key: str) -> bool:
        """Whether it was timed, or cannot be."""
        self._hear()
        return key in self._known

    def found(self, key: str) -> Beat | None:
        """The pace; None where it is not known, or too large to be timed."""
        self._hear()
        return self._known.get(key)

    def busy(self, key: str) -> bool:
        """Whether it is being timed."""
        self._hear()
        return self._at is not None and self._at[0] == key

    def begin(self, key: str, run: RunFile, folder: Path, load: Load, kind: str) -> None:
        """Have it timed, unless it is or was; what is timed for another model is given up."""
        if self.knows(key) or self.busy(key):
            return
        self.stop()
        asked = _Asked(run.model_dump(mode="json"), str(folder), load, kind)
        told = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        told.write(msgspec.json.encode(asked))
        told.seek(0)
        process = subprocess.Popen(
            self._command,
            stdin=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self._environment},
        )
        self._at = key, process, told

    def stop(self) -> None:
        """Give up what is being timed."""
        if self._at is not None:
            _, process, told = self._at
            self._at = None
            process.kill()
            process.communicate()
            told.close()

    def _hear(self) -> None:
        if self._at is None or self._at[1].poll() is None:
            return
        key, process, told = self._at
        self._at = None
        out, _ = process.communicate()
        told.close()
        try:
            self._known[key] = msgspec.json.decode(out, type=Beat | None)
        except msgspec.DecodeError:
            self._known[key] = None  # it ended with an error, and would do so again


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main() -> None:
    """Time layers, and print what was found; not for a planner that is gone."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=_Asked)
    beat = measure_beat(RunFile.model_validate(asked.run), Path(asked.folder), asked.load, asked.kind)
    os.write(out, msgspec.json.encode(beat))


if __name__ == "__main__":
    main()
