"""The queue with real processes: it outlives who queued, and a keeper that was killed is replaced."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs.commands import send
from engine.runs.ending import holder, kill
from engine.runs.paths import RunDir
from engine.runs.queue import cancel, keeper_lives, keeper_lock, move
from engine.runs.store import Run, list_runs
from engine.train.start import queue_run, resume_run
from tests.process.cli import luthier, start, wait_for
from tests.tiny import run_toml

SETTINGS = """
[train]
steps = 4
batch_size = 4
[lora]
rank = 4
[quantization]
bits = 32
[split]
test_size = 4
"""


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs, of which none goes on after the test."""
    folder = tmp_path / "runs"
    yield folder
    if keeper := holder(folder / ".queue" / "keeper.lock"):
        os.kill(keeper, signal.SIGKILL)
    for run_dir in list_runs(folder):
        kill(run_dir.path)


def until_gone(runs: Path) -> None:
    deadline = time.monotonic() + 30
    while keeper_lives(runs):
        assert time.monotonic() < deadline, "the keeper does not end"
        time.sleep(0.05)


def test_queued_runs_start_one_after_another_without_anybody(
    runs: Path, tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    short = run_toml(tmp_path / "short.toml", tiny_model, rows_file, SETTINGS)
    endless = SETTINGS.replace("steps = 4", "steps = 1000000")
    first, _ = start(run_toml(tmp_path / "first.toml", tiny_model, rows_file, endless), runs)

    added = luthier("queue", "add", str(short), "--json", runs=runs)
    assert json.loads(added.stdout)["place"] == 1
    for _ in range(2):
        queue_run(short, runs)
    move(runs, "short-3", -9)
    cancel(runs, "short-1")

    keeper = holder(keeper_lock(runs))
    assert keeper is not None
    os.kill(keeper, signal.SIGHUP)
    os.kill(keeper, signal.SIGKILL)
    until_gone(runs)
    told = json.loads(luthier("queue", "--json", runs=runs).stdout)  # and starts it again
    assert told["devices"] == [{"device": "cpu", "run": "first-1"}]
    assert [waiting["run"] for waiting in told["queue"]] == ["short-3", "short-2"]

    wait_for(first, "step", step=1)
    paused = luthier("pause", "first", "--json", runs=runs)
    at = json.loads(paused.stdout)["step"]
    assert at >= 1
    with pytest.raises(RunError, match="is paused, not ended"):
        resume_run(first)
    send(first.commands, "evaluate")
    assert luthier("continue", "first", runs=runs).returncode == 0
    run = wait_for(first, "step", step=at + 2)
    assert at in run.view.series["eval_loss"].steps
    killed = luthier("stop", "first", "--now", runs=runs)
    assert "first-1 was killed. No checkpoint is there yet" in killed.stderr
    assert "killed on request" in Run(first).load().reason

    last, second = RunDir(runs / "short-2"), RunDir(runs / "short-3")
    done = [wait_for_start(run_dir) and wait_for(run_dir, "succeeded") for run_dir in (second, last)]
    ended, began = done[0].view.updated_t, done[1].view.started_t
    assert ended is not None
    assert began is not None
    assert began >= ended
    until_gone(runs)
    assert not list(runs.glob("*/queued.json"))


def wait_for_start(run_dir: RunDir) -> bool:
    deadline = time.monotonic() + 60
    while Run(run_dir).load().state == "queued":
        assert time.monotonic() < deadline, f"{run_dir.name} never starts"
        time.sleep(0.05)
    return True
