"""card, delete, queue, ask: what they change, what they say, and when they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.app import main
from engine.runs import queue
from engine.runs.card import Card, read_card
from engine.runs.events import Finished, Hello, Phase, Step
from engine.runs.journal import Journal
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.store import create_run


@pytest.fixture(autouse=True)
def no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started here."""
    monkeypatch.setattr(queue, "ensure_keeper", lambda runs: False)
    monkeypatch.setattr("engine.cli.card_verbs.ensure_keeper", lambda runs: False)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def make(runs: Path, name: str = "a", finished: bool = True) -> RunDir:
    run_dir = create_run(runs, name)
    run_dir.config.write_text("")
    journal = Journal(run_dir.journal)
    journal.append(Hello(run=run_dir.name, pid=1, host="here"))
    journal.append(Step(step=1, epoch=0.1, loss=1.0))
    if finished:
        journal.append(Finished(outcome="succeeded", step=1))
    journal.close()
    return run_dir


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a verb says on both streams."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    told = capsys.readouterr()
    assert end.value.code == 0, told.err
    return told.out + told.err


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert end.value.code == 2
    return capsys.readouterr().err


def test_a_card_is_changed_by_what_is_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = make(runs)
    said(capsys, "card", "a", "--title", "First try", "--tag", "good", "--tag", "small", "--note", "rank 4")
    said(capsys, "card", "a", "--untag", "small", "--tag", "good", "--archive")
    assert read_card(run_dir) == Card(title="First try", note="rank 4", tags=("good",), archived=True)
    assert "First try" in said(capsys, "card", "a")
    said(capsys, "card", "a", "--unarchive", "--title", "")
    assert json.loads(said(capsys, "card", "a", "--json"))["archived"] is False


def test_deleted_runs_come_back_until_the_trash_is_emptied(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(runs), make(runs, "b")
    assert "a-1 is in the trash" in said(capsys, "delete", "a", "b")
    assert [run["run"] for run in json.loads(said(capsys, "delete", "--json"))["trash"]] != []
    assert "a-1 is back." in said(capsys, "delete", "--restore", "a")
    assert "one thing at a time" in refused(capsys, "delete", "a", "--empty")
    assert "1 run is gone for good" in said(capsys, "delete", "--empty")
    assert (runs / "a-1").is_dir()


def test_the_queue_is_listed_moved_and_cancelled(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        run_dir = create_run(runs, name)
        run_dir.config.write_text("")
        queue.enqueue(runs, run_dir.path)
    said(capsys, "queue", "move", "b", "first")
    told = json.loads(said(capsys, "queue", "--json"))
    assert [waiting["run"] for waiting in told["queue"]] == ["b-1", "a-1"]
    assert told["devices"] == [{"device": "cpu", "run": None}]
    assert "in place 2 of 2" in said(capsys, "status", "a")
    listed = json.loads(said(capsys, "runs", "--json"))["runs"]
    assert [run["run"] for run in listed][:2] == ["b-1", "a-1"], "as they will start"
    assert "waits in the queue" in refused(capsys, "pause", "a")
    assert "will not start" in said(capsys, "queue", "cancel", "a")
    assert "is back in the queue" in said(capsys, "delete", "--restore", "a")
    assert "queued" in said(capsys, "runs")


def test_what_does_not_run_cannot_be_asked(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = make(runs)
    for words in (("pause",), ("continue",), ("ask", "a", "sample"), ("stop", "--now")):
        assert "a-1 does not run: it succeeded" in refused(capsys, *words)
    assert not run_dir.commands.exists()


def test_a_living_run_is_asked(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = make(runs, finished=False)
    lock = RunLock(run_dir.lock)
    assert "a-1 is not paused" in refused(capsys, "continue")
    journal = Journal(run_dir.journal)
    journal.append(Phase(name="paused"))
    journal.close()
    assert "is paused after step 1" in said(capsys, "pause")
    command = json.loads(said(capsys, "ask", "a", "sample", "--json"))
    lock.release()
    (line,) = run_dir.commands.read_text().splitlines()
    assert json.loads(line)["id"] == command["id"]
    assert json.loads(line)["command"] == "sample"
