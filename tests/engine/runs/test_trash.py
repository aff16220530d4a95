"""The trash: away and back in one move, and never a run that lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.store import create_run, list_runs
from engine.runs.trash import discard, empty_trash, in_trash, restore


def make(runs: Path, name: str) -> RunDir:
    run_dir = create_run(runs, name)
    run_dir.config.write_text("name = 1")
    return run_dir


def test_a_run_goes_and_comes_back(tmp_path: Path) -> None:
    run_dir = make(tmp_path, "a")
    place = discard(run_dir.path)
    assert place == tmp_path / ".trash" / "a-1"
    assert list_runs(tmp_path) == []
    assert make(tmp_path, "a").name == "a-2"
    assert restore(tmp_path, "a-1").config.read_text() == "name = 1"
    with pytest.raises(RunError, match="It is empty"):
        restore(tmp_path, "a-1")


def test_its_place_may_be_taken(tmp_path: Path) -> None:
    discard(make(tmp_path, "a").path)
    (tmp_path / "a-1").mkdir()
    (tmp_path / "a-1" / "run.toml").write_text("")
    with pytest.raises(RunError, match="a-1 is there already"):
        restore(tmp_path, "a-1")
    discard(tmp_path / "a-1")
    assert {run.name for run in in_trash(tmp_path)} == {"a-1", "a-1~2"}
    assert restore(tmp_path, "a-1~2").name == "a-1"


def test_only_what_is_in_the_trash_comes_back(tmp_path: Path) -> None:
    outside = make(tmp_path / "elsewhere", "b")
    discard(make(tmp_path / "runs", "a").path)
    for name in ("../../elsewhere/b-1", str(outside.path), ""):
        with pytest.raises(RunError, match="in the trash"):
            restore(tmp_path / "runs", name)
    assert outside.config.is_file()
    assert restore(tmp_path / "runs", "a").name == "a-1"


def test_a_living_run_and_what_is_no_run_stay(tmp_path: Path) -> None:
    run_dir = make(tmp_path, "a")
    lock = RunLock(run_dir.lock)
    with pytest.raises(RunError, match="is running, and is not deleted"):
        discard(run_dir.path)
    lock.release()
    (tmp_path / "mine").mkdir()
    with pytest.raises(RunError, match="no run directory"):
        discard(tmp_path / "mine")


def test_emptying_says_what_it_was(tmp_path: Path) -> None:
    for name in "ab":
        discard(make(tmp_path, name).path)
    assert empty_trash(tmp_path) == (2, 16)
    assert empty_trash(tmp_path) == (0, 0)
