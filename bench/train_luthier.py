"""Luthier in the training benches: a real worker in a process of its own, watched through its journal."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from engine.runs.events import Finished, Step
from engine.runs.journal import JournalReader
from engine.runs.launcher import worker_environment
from engine.runs.paths import RunDir

MIB = 1 << 20
LIBRARIES = (
    "import bitsandbytes, peft, transformers, psutil, engine.train.session;"
    "from transformers import AutoModelForCausalLM;"
    "print(psutil.Process().memory_info().rss)"
)
POLL_S = 0.02
IN_TURNS = """
from bench.turns import Turn
from engine.train.loop import Trainer
turn = Turn({address!r})
def in_turns(do_step, train):
    def step(self, batch):
        turn.wait()
        return do_step(self, batch)
    def whole(self):
        try:
            return train(self)
        finally:
            turn.leave()
    Trainer.do_step, Trainer.train = step, whole
in_turns(Trainer.do_step, Trainer.train)
"""
"""A prelude of workers that take turns with others, see `bench.turns`."""


@dataclass
class Watched:
    """A worker that is at work, and what its journal has said so far."""

    dir: RunDir
    process: subprocess.Popen[bytes]
    steps: list[Step] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    """Processor time of the worker when each step was seen."""
    began: float = 0.0
    """Unix time of the event before the first step."""

    def follow(
        self, on_step: Callable[[Step], None] = lambda step: None, meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Read the journal until the worker ends; return what each step took. Ends the program when the run failed.

        `meanwhile` is called some fifty times a second.
        """
        reader, worker, last = JournalReader(self.dir.journal), psutil.Process(self.process.pid), None
        while True:
            ended, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            for event in reader.read():
                last = event
                if isinstance(event, Step):
                    self.steps.append(event)
                    if not ended:
                        times = worker.cpu_times()
                        self.cpu_s.append(times.user + times.system)
                    on_step(event)
                elif not self.steps:
                    self.began = event.t
            if ended:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                break
            meanwhile()
            time.sleep(POLL_S)
        if not isinstance(last, Finished) or last.outcome != "succeeded":
            log = self.dir.log.read_text()[-2000:] if self.dir.log.exists() else ""
            sys.exit(f"the run failed: {getattr(last, 'reason', last)}\n{log}")
        return self._result(usage.ru_maxrss / MIB)

    def _result(self, peak_gib: float) -> dict[str, Any]:
        times = [self.began, *(step.t for step in self.steps)]
        return {
            "seconds": [end - begin for begin, end in pairwise(times)],
            "cpu_s": [end - begin for begin, end in pairwise([0.0, *self.cpu_s])],
            "loss": [step.loss for step in self.steps],
            "grad_norm": [step.grad_norm for step in self.steps],
            "tokens": [step.tokens for step in self.steps],
            "supervised": [step.supervised_tokens for step in self.steps],
            "peak_gib": peak_gib,
        }


def begin(run_file: Path, runs: Path, overrides: Sequence[str] = (), prelude: str = "") -> Watched:
    """Start a worker on a run file, as `luthier train` does.

    With `prelude`, statements that its process executes first, the worker is started by hand: they measure it, or take away
    what it has no setting for.
    """
    from engine.config.load import dump, load
    from engine.runs.store import create_run
    from engine.train.start import check, start_run

    if not prelude:
        started = start_run(run_file, runs, overrides)
        return Watched(started.dir, started.process)
    run = check(load(run_file, overrides))
    directory = create_run(runs, run.name)
    directory.config.write_text(dump(run))
    code = f"{prelude}\nimport sys\nfrom engine.train.worker import main\nsys.exit(main([{str(directory.path)!r}]))"
    with directory.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=worker_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Watched(directory, process)


def run(run_file: Path, overrides: Sequence[str] = (), prelude: str = "") -> dict[str, Any]:
    """Train to the end in a temporary folder; return what each step took, and the process's highest memory in GiB."""
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as folder:
        return begin(run_file, Path(folder), overrides, prelude).follow()


def libraries_gib() -> float:
    """Resident memory of a process that has imported what a worker imports, in GiB."""
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES], env=worker_environment(), capture_output=True, text=True, check=True
    )
    return int(done.stdout) / (1 << 30)
