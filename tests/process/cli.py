"""Running the real commands in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.runs.paths import RunDir
from engine.runs.store import Run

TIMEOUT_S = 120.0


def luthier(*words: str, runs: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    environment = {**os.environ, "LUTHIER_RUNS_DIR": str(runs), "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.run(
        [sys.executable, "-m", "engine", *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=environment,
        cwd=cwd,
        check=False,
    )


def start(run_file: Path, runs: Path, *words: str) -> tuple[RunDir, int]:
    """Start a run detached; return its directory and the pid of its worker."""
    done = luthier("train", str(run_file), "--detach", "--json", *words, runs=runs)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return RunDir(Path(told["path"])), told["pid"]


def wait_for(run_dir: RunDir, what: str, *, step: int = 0) -> Run:
    """Wait until a run is `what` ("step" N, or a state) and return it. Raises AssertionError after a while."""
    run = Run(run_dir)
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run.refresh()
        if (what == "step" and run.view.step >= step) or (run.state == what and not run.alive):
            return run
        assert run.state not in ("failed", "crashed"), run.reason
        time.sleep(0.02)
    raise AssertionError(f"{run_dir.name} is {run.state} at step {run.view.step}, not {what} {step}")


def losses(run_dir: RunDir) -> dict[tuple[str, int], Any]:
    """(type, step) -> (loss, fingerprint of the batch), the last word on each step."""
    out: dict[tuple[str, int], Any] = {}
    for line in run_dir.journal.read_text().splitlines():
        event = json.loads(line)
        if event["type"] in ("step", "eval"):
            out[event["type"], event["step"]] = (event["loss"], event.get("batch"))
    return out
