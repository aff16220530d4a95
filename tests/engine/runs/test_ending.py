"""Ending a run at once: only a worker of this machine and of this run is ever killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs.ending import holder, kill, lost_by_kill
from engine.runs.events import Checkpoint, Hello, Step
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run, create_run
from engine.runs.view import RunView
from engine.runs.worked import worked_so_far

HOLD = """
import sys
from pathlib import Path
from engine.runs.lock import RunLock
lock = RunLock(Path(sys.argv[2]) / "run.lock")
print("held", flush=True)
sys.stdin.read()
"""


def hold(run_dir: RunDir, called: str) -> subprocess.Popen[str]:
    """A process that holds the lock and is called so on its command line."""
    words = [sys.executable, "-c", HOLD, called, str(run_dir.path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_worker_is_killed_and_the_run_says_so(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, "a")
    run_dir.config.write_text("")
    assert holder(run_dir.lock) is None
    assert not kill(run_dir.path)
    worker = hold(run_dir, "engine.train.worker")
    journal = Journal(run_dir.journal)
    journal.append(Hello(run="a-1", pid=worker.pid, host="here"))
    journal.close()
    assert holder(run_dir.lock) == worker.pid
    assert kill(run_dir.path)
    assert worker.wait(10) == -9
    assert "it was killed on request" in Run(run_dir).load().reason


def test_a_full_disk_saves_no_worker(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, "a")
    (run_dir.path / "killed.json").mkdir()  # it cannot be written
    worker = hold(run_dir, "engine.train.worker")
    assert kill(run_dir.path)
    assert worker.wait(10) == -9


def test_a_clock_that_was_set_back_takes_no_work_away(tmp_path: Path) -> None:
    times = iter([100.0, 40.0, 50.0, 53.0])
    journal = Journal(tmp_path / "events.jsonl", clock=lambda: next(times))
    for event in (Hello(run="a", pid=1, host=""), Step(step=1, epoch=0, loss=1.0)) * 2:
        journal.append(event)
    journal.close()
    assert worked_so_far(journal.path) == 3.0


def test_nobody_else_is_killed(tmp_path: Path) -> None:
    run_dir, other = create_run(tmp_path, "a"), create_run(tmp_path, "b")
    stranger = hold(run_dir, "an editor")
    with pytest.raises(RunError, match=f"held by process {stranger.pid}, which is no worker"):
        kill(run_dir.path)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    elsewhere = hold(other, "engine.train.worker")
    os.rename(other.path, tmp_path / "moved")
    with pytest.raises(RunError, match="no worker of this machine"):
        kill(tmp_path / "moved")
    assert elsewhere.poll() is None
    elsewhere.kill()
    elsewhere.wait()


def test_what_a_kill_costs() -> None:
    view = RunView("a")
    assert lost_by_kill(view) == "Nothing is lost: no step is done yet."
    for step in range(1, 4):
        view.apply(Step(step=step, epoch=0.0, loss=1.0, seq=step, t=step))
    assert lost_by_kill(view) == "No checkpoint is there yet: all 3 steps are lost."
    view.apply(Checkpoint(step=2, path="step-2", seq=4, t=4))
    assert lost_by_kill(view) == "1 step since checkpoint 2 is lost."
    view.apply(Checkpoint(step=3, path="step-3", seq=5, t=5))
    assert lost_by_kill(view) == "Nothing is lost: checkpoint 3 holds all."


def test_the_time_of_all_workers_is_added_up(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert worked_so_far(path) == 0
    lines = [
        '{"type":"hello","run":"a","pid":1,"host":"h","v":1,"seq":0,"t":100.0}',
        '{"type":"step","step":1,"v":1,"seq":1,"t":110.5}',
        '{"type":"phase","name":"verifying checkpoints","v":1,"seq":2,"t":500.0}',
        '{"type":"hello","run":"a","pid":2,"host":"h","v":1,"seq":3,"t":501.0}',
        '{"type":"step","step":1,"v":1,"seq":4,"t":503.0}',
        "torn",
    ]
    path.write_text("\n".join(lines) + "\n")
    assert worked_so_far(path) == 12.5
