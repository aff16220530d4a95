"""Starting a worker so that it outlives whoever started it.

New session, stdin from /dev/null, stdout and stderr into `worker.log`. The launcher waits for the worker's first event;
when the process dies instead, the tail of its log is the error.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from engine.errors import RunError, TrainingError
from engine.runs.crash import STARTED, log_tail
from engine.runs.devices import environment_for, usual_device, write_launched
from engine.runs.events import Hello
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held
from engine.runs.paths import RunDir

WORKER_MODULE = "engine.train.worker"
FIRST_EVENT_S = 60.0
QUIET_THREADS = {"GOMP_SPINCOUNT": "3000"}
"""OpenMP threads spin only briefly while they wait. With the default, two processes that compute on one CPU slow each other
down twentyfold; with this, fourfold, and a process alone loses a tenth at most."""


def launch(
    run: RunDir, resume: bool = False, wait_s: float = FIRST_EVENT_S, device: str = ""
) -> subprocess.Popen[bytes]:
    """Start the worker of `run`, on `device` or where it likes, and return its process once it has said hello.

    Raises RunError when a worker is already at work on the run or the directory cannot be written, TrainingError when the
    worker died or stayed silent.
    """
    if is_held(run.lock):
        raise RunError(f"{run.name} is already running. Watch it with `luthier watch {run.name}`.")
    reader = JournalReader(run.journal)
    reader.offset = run.journal.stat().st_size if run.journal.exists() else 0
    try:
        process = _started(run, resume, device)
    except OSError as error:
        raise RunError(f"{run.name} cannot be started: {error.filename or run.path}: {error.strerror}.") from error
    deadline = time.monotonic() + wait_s
    heard = False
    while True:
        ended = process.poll() is not None
        events = reader.read()
        heard = heard or bool(events)  # verifying large checkpoints takes a while, and it says so
        if any(isinstance(event, Hello) and event.pid == process.pid for event in events):
            return process
        if ended and is_held(run.lock):
            raise RunError(f"Another worker was faster: {run.name} is running. `luthier watch {run.name}` shows it.")
        if ended:
            raise TrainingError(_death(run, f"The worker ended at once with code {process.returncode}"))
        if not heard and time.monotonic() > deadline:
            process.kill()  # the run is said to have failed: it must not begin after all
            raise TrainingError(_death(run, f"The worker (pid {process.pid}) said nothing for {wait_s:.0f} s"))
        time.sleep(0.02)


def _started(run: RunDir, resume: bool, device: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", WORKER_MODULE, str(run.path)] + (["--resume"] if resume else [])
    write_launched(run, device or usual_device())
    with run.log.open("ab") as log:
        log.write(f"{STARTED} {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        log.flush()
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=run.path,
            env={**worker_environment(), **environment_for(device)},
        )


def worker_environment() -> dict[str, str]:
    """The environment of a worker: the caller's, with Luthier importable, quiet libraries, and no downloads unasked."""
    root = str(Path(__file__).resolve().parents[2])
    path = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **QUIET_THREADS,
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "true",
        "TRANSFORMERS_VERBOSITY": "error",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def _death(run: RunDir, what: str) -> str:
    tail = log_tail(run)
    return f"{what}. " + (
        "The end of its log:\n" + "\n".join(f"  {line}" for line in tail) if tail else f"Its log {run.log} is empty."
    )
