"""TensorBoard event files, from the events of a run: written while it trains, or afterwards from its journal.

Both ways go through `Board.see`, so they hold the same. Files are written in the thread that hands over an event: there is
no queue that could fill up and hold a step. A resumed run writes a further file that begins by taking back the steps that
are done again, which is how TensorBoard expects it.
"""

from __future__ import annotations

import os
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.errors import ConfigError, RunError
from engine.runs import events as e
from engine.runs.journal import JournalReader
from engine.runs.paths import RunDir

FOLDER = "tensorboard"
FLUSH_EVERY_S = 5.0
GPU = {"gpu_percent": "gpu/percent", "gpu_celsius": "gpu/celsius", "gpu_watts": "gpu/watts", "gpu_gib": "gpu/GiB"}
HOST = {"cpu_percent": "host/cpu_percent", "host_gib": "host/GiB", "process_gib": "host/process_GiB"}
TAGS = {**GPU, **HOST}
"""Figures of a Hardware event -> tags."""


def require_package(run: RunFile) -> None:
    """Raises ConfigError when a run is to write event files, and the package for it is missing."""
    if run.track.tensorboard:
        _require("track.tensorboard = true")


def _require(what: str) -> None:
    if find_spec("tensorboardX") is None:
        raise ConfigError(
            f"{what} needs the package tensorboardX, which is not installed: `pip install 'luthier[tensorboard]'`, or "
            "`luthier tensorboard RUN` on a machine that has it, from the journal."
        )


class Board:
    """Writes one event file into `folder`."""

    def __init__(self, folder: Path, suffix: str = "") -> None:
        """Raises OSError."""
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2
        from tensorboardX.summary import Summary, text

        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._event, self._summary, self._text = event_pb2, Summary, text
        self._writer = EventsWriter(str(folder / "events"), suffix or f".{os.getpid()}")
        self._one = threading.Lock()
        self._flushed = time.monotonic()
        self._step = 0

    def see(self, event: e.Event) -> None:
        """Write what an event says, if it says anything here. Raises OSError."""
        with self._one:
            match event:
                case e.Hello() if event.resumed_from is not None:
                    self._rewind(event.resumed_from, event.t)
                case e.Step():
                    self._step = event.step
                    self._scalars(event.step, event.t, _of_step(event))
                case e.Eval():
                    self._scalars(event.step, event.t, {"loss/eval": event.loss})
                case e.Hardware():
                    found = {tag: getattr(event, name) for name, tag in TAGS.items()}
                    self._scalars(self._step, event.t, found)
                case e.Sample():
                    self._sample(event)
                case _:
                    return
            if time.monotonic() - self._flushed > FLUSH_EVERY_S:
                self._flushed = time.monotonic()
                self._writer.flush()

    def close(self) -> None:
        """Write what is left. Raises OSError."""
        with self._one:
            self._writer.close()

    def _scalars(self, step: int, t: float, found: dict[str, float | None]) -> None:
        """What is None, because it was not finite or not known, is a gap."""
        values = [self._summary.Value(tag=tag, simple_value=v) for tag, v in found.items() if v is not None]
        if values:
            self._write(step, t, summary=self._summary(value=values))

    def _sample(self, event: e.Sample) -> None:
        tag = " ".join(event.prompt.split())[:60]
        self._write(event.step, event.t, summary=self._text(f"samples/{tag}", event.text))

    def _rewind(self, step: int, t: float) -> None:
        start = self._event.SessionLog(status=self._event.SessionLog.START)
        self._step = step
        self._write(step + 1, t, session_log=start)

    def _write(self, step: int, t: float, **content: Any) -> None:
        self._writer.write_event(self._event.Event(step=step, wall_time=t, **content))


def _of_step(event: e.Step) -> dict[str, float | None]:
    return {
        "loss/train": event.loss,
        "train/learning_rate": event.learning_rate,
        "train/grad_norm": event.grad_norm,
        "train/epoch": event.epoch,
        "speed/tokens_per_s": event.tokens / event.seconds if event.seconds > 0 else None,
        "speed/seconds_per_step": event.seconds,
        "memory/peak_GiB": event.peak_gib,
    }


def folder_of(run: RunDir) -> Path:
    """Where a run's event files lie."""
    return run.path / FOLDER


def write_journal(run: RunDir, out: Path | None = None) -> Path:
    """Write the event files of a run from its journal, into its own folder or into `out/<run>`; return the folder.

    Raises ConfigError where the package is missing, RunError where files are there already or there is nothing to write.
    """
    _require("`luthier tensorboard`")
    folder = folder_of(run) if out is None else out.expanduser().absolute() / run.name
    if any(folder.glob("events.out.tfevents.*")):
        raise RunError(f"{folder} holds event files already; remove them, or name another folder with -o.")
    if not run.journal.is_file():
        raise RunError(f"{run.name} has no journal yet: there is nothing to write.")
    reader = JournalReader(run.journal)
    try:
        board = Board(folder)
        while found := reader.read():
            for event in found:
                board.see(event)
        board.close()
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error
    return folder
