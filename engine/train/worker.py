"""The worker: one process, one run. Started by the launcher, it outlives everybody.

    python -m engine.train.worker RUN_DIR [--resume]

It takes the run's lock, says hello before it imports anything heavy, prepares, trains, and its last event says how it
ended. It writes only into its run directory.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import platform
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import engine
from engine.config.load import load
from engine.errors import ExitCode, LuthierError
from engine.runs.commands import CommandReader
from engine.runs.crash import boot_id, oom_kills
from engine.runs.events import Finished, Hello, Outcome, Phase
from engine.runs.journal import Journal
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.worked import worked_so_far
from engine.train.checkpoint import disk_is_full, newest
from engine.train.control import Control, StopRequested
from engine.train.hardware import Watch
from engine.train.oom import is_out_of_memory
from engine.train.tracking import Tracking

if TYPE_CHECKING:
    from engine.train.session import Session

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "tokenizers", "safetensors")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the worker; return its exit code."""
    parser = argparse.ArgumentParser(prog="engine.train.worker")
    parser.add_argument("run", type=Path)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args(argv)
    faulthandler.enable()
    run_dir = RunDir(arguments.run.absolute())
    try:
        lock = RunLock(run_dir.lock)
    except LuthierError as error:
        print(error, file=sys.stderr)  # noqa: T201 - goes to worker.log, which the launcher shows
        return error.exit_code
    journal = Journal(run_dir.journal)
    control = Control(CommandReader(run_dir.commands), journal)
    control.listen()
    beside = Beside(Watch(journal), Tracking(run_dir, journal))
    try:
        return _work(run_dir, journal, control, beside, arguments.resume)
    finally:
        beside.stop()
        journal.close()
        lock.release()


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes on beside the training; it ends before the journal has its last word."""

    watch: Watch
    tracking: Tracking

    def stop(self) -> None:
        """End both. The second time nothing happens."""
        self.watch.stop()
        self.tracking.stop()


def _work(run_dir: RunDir, journal: Journal, control: Control, beside: Beside, resume: bool) -> int:
    """Say hello, train, say how it ended."""
    began = time.monotonic()
    saved, earlier = None, 0.0
    if resume:
        earlier = worked_so_far(run_dir.journal)
        journal.append(Phase(name="verifying checkpoints"))
        saved = newest(run_dir.checkpoints)
    step, code, reason = saved.step if saved else 0, ExitCode.DONE, ""
    hello = journal.append(_hello(run_dir, step if resume else None), sync=True)
    beside.watch.start()
    journal.append(Phase(name="loading libraries"))
    outcome: Outcome = "succeeded"
    control.preparing = True
    session: Session | None = None
    try:
        run = load(run_dir.config)
        beside.tracking.start(run, hello)
        if os.path.isdir(run.model.path):
            os.environ["HF_HUB_OFFLINE"] = "1"  # all is here: nothing may be fetched, compiled kernels least of all
        from engine.train import session as heavy  # here, so that hello does not wait for torch

        session = heavy.Session(run_dir, run, journal, control, saved, resume)
        beside.watch.gpu = session.gpu
        try:
            session.prepare()
            whole = session.train()
            outcome, reason = ("succeeded", session.reason) if whole else ("stopped", control.stop_reason)
        finally:
            step = session.step
    except StopRequested:
        when = f"before it went on from step {saved.step}" if saved else "before the first step"
        outcome, reason = "stopped", f"{control.stop_reason}, {when}"
    except LuthierError as error:
        outcome, reason, code = "failed", str(error), error.exit_code
    except Exception as error:  # noqa: BLE001 - the border of the process: everything must end in a word
        outcome, reason, code = "failed", *_unexpected(error, session)
    control.preparing = False
    beside.stop()
    journal.append(
        Finished(
            outcome=outcome, step=step, reason=reason, code=code, seconds=round(earlier + time.monotonic() - began, 3)
        ),
        sync=True,
    )
    return code


def _unexpected(error: Exception, session: Session | None) -> tuple[str, ExitCode]:
    """Words and exit code for an error that nobody foresaw; the traceback goes to the log."""
    traceback.print_exc()
    if is_out_of_memory(error):
        what = str(session.shortage(error)) if session else f"Out of memory before anything was loaded: {error}"
        return what, ExitCode.RESOURCES
    if disk_is_full(error):
        return "The disk is full. Make room, then resume: what was saved is whole.", ExitCode.RESOURCES
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} (the traceback is in worker.log)", ExitCode.TRAINING_FAILED


def _hello(run_dir: RunDir, resumed_from: int | None) -> Hello:
    versions = {"luthier": engine.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return Hello(
        run=run_dir.name,
        pid=os.getpid(),
        host=socket.gethostname(),
        versions=versions,
        resumed_from=resumed_from,
        boot_id=boot_id(),
        oom_kills=oom_kills(),
    )


if __name__ == "__main__":
    sys.exit(main())
