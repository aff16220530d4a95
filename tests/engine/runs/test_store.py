"""Runs on disk: names, states, commands, locks, causes of death."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs.commands import CommandReader, send
from engine.runs.crash import boot_id
from engine.runs.events import Checkpoint, Finished, Hello, Plan, Step
from engine.runs.journal import Journal
from engine.runs.lock import RunLock, is_held
from engine.runs.paths import RunDir
from engine.runs.store import Run, create_run, find_run, list_runs

HOLD = """
import sys
from pathlib import Path
from engine.runs.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def make(runs: Path, name: str, steps: int = 3, finished: bool = False, host: str = "elsewhere") -> RunDir:
    run_dir = create_run(runs, name)
    run_dir.config.write_text("")
    journal = Journal(run_dir.journal)
    journal.append(Hello(run=run_dir.name, pid=1, host=host, boot_id="another"))
    journal.append(Plan(steps=10, steps_per_epoch=10, batch_size=1))
    for step in range(1, steps + 1):
        journal.append(Step(step=step, epoch=0.0, loss=1.0))
    if steps:
        journal.append(Checkpoint(step=steps, path=f"step-{steps:08d}"))
    if finished:
        journal.append(Finished(outcome="succeeded", step=steps))
    journal.close()
    return run_dir


def test_names_are_numbered_and_found_by_their_start(tmp_path: Path) -> None:
    assert [make(tmp_path, "a").name, make(tmp_path, "a").name, make(tmp_path, "b").name] == ["a-1", "a-2", "b-1"]
    assert find_run(tmp_path, "b").name == "b-1"
    assert find_run(tmp_path, str(tmp_path / "a-1")).name == "a-1"
    assert {r.name for r in list_runs(tmp_path)} == {"a-1", "a-2", "b-1"}
    with pytest.raises(RunError, match="fits 2 runs"):
        find_run(tmp_path, "a")
    with pytest.raises(RunError, match="Did you mean"):
        find_run(tmp_path, "a-11x")
    with pytest.raises(RunError, match="no runs"):
        find_run(tmp_path / "empty", None)


def test_states(tmp_path: Path) -> None:
    assert Run(make(tmp_path, "done", finished=True)).load().state == "succeeded"
    crashed = Run(make(tmp_path, "dead")).load()
    assert crashed.state == "crashed"
    assert "Ended after step 3 of 10" in crashed.reason
    assert "checkpoint 3 is there" in crashed.reason


def test_a_held_lock_means_alive_and_dies_with_its_holder(tmp_path: Path) -> None:
    run_dir = make(tmp_path, "live")
    assert not is_held(run_dir.lock)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run_dir.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert Run(run_dir).load().state == "running"
    with pytest.raises(RunError, match="Another worker"):
        RunLock(run_dir.lock, patience_s=0.1)
    holder.kill()
    holder.wait()
    assert Run(run_dir).load().state == "crashed"


def test_looking_at_ones_own_lock_does_not_lose_it(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "run.lock")
    assert is_held(tmp_path / "run.lock")
    probe = (
        "import sys; from pathlib import Path; from engine.runs.lock import is_held; print(is_held(Path(sys.argv[1])))"
    )
    seen = subprocess.run([sys.executable, "-c", probe, str(tmp_path / "run.lock")], capture_output=True, text=True)
    assert seen.stdout.strip() == "True"
    lock.release()
    assert not is_held(tmp_path / "run.lock")


def test_causes_of_death(tmp_path: Path) -> None:
    import socket

    rebooted = make(tmp_path, "x", host=socket.gethostname())
    if boot_id():
        assert "the machine was restarted since" in Run(rebooted).load().reason
    rebooted.log.write_text("Traceback (most recent call last):\nValueError: odd\n")
    assert "its log ends with: ValueError: odd" in Run(rebooted).load().reason
    rebooted.log.write_text(
        "Traceback (most recent call last):\nValueError: old\n=== worker started x\nTraceback\n"
        + "  frame\n" * 40
        + "KeyError: new\n"
    )
    assert "its log ends with: KeyError: new" in Run(rebooted).load().reason
    rebooted.log.write_text("Traceback (most recent call last):\nValueError: old\n=== worker started x\nfine\n")
    assert "ValueError" not in Run(rebooted).load().reason
    unborn = create_run(tmp_path, "unborn")
    unborn.config.write_text("")
    assert "before its first word" in Run(unborn).load().reason


def test_commands_arrive_once_and_only_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    send(path, "stop")
    reader = CommandReader(path)
    assert reader.poll() == []
    sent = send(path, "checkpoint")
    with path.open("ab") as file:
        file.write(b'{"command":"explode","id":"x","t":0}\nnonsense\n{"command":"st')
    assert [c.id for c in reader.poll()] == [sent.id]
    assert reader.poll() == []
