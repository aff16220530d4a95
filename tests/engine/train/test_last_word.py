"""The worker's last word: why it ended, how long all workers of the run took together."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.runs.events import Finished, Hello, Step
from engine.runs.journal import Journal, JournalReader
from engine.runs.paths import RunDir
from engine.train import session, worker
from engine.train.control import StopRequested
from tests.tiny import run_toml


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)}
    yield
    faulthandler.disable()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A run whose worker is asked to stop while it prepares."""

    class Stopped:
        step = 0
        gpu = ""

        def __init__(self, *_: Any) -> None: ...

        def prepare(self) -> None:
            raise StopRequested

    monkeypatch.setattr(session, "Session", Stopped)
    run_toml(tmp_path / "run.toml", tmp_path / "model", tmp_path / "rows.jsonl")
    return RunDir(tmp_path)


def last_word(run_dir: RunDir) -> Finished:
    event = JournalReader(run_dir.journal).read_all()[-1]
    assert isinstance(event, Finished)
    return event


def test_a_stop_before_the_first_step(run_dir: RunDir) -> None:
    assert worker.main([str(run_dir.path)]) == 0
    assert last_word(run_dir).reason == "asked to stop, before the first step"


def test_a_stop_while_a_resumed_run_prepares(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1000.0, 1060.0])
    journal = Journal(run_dir.journal, clock=lambda: next(times))
    journal.append(Hello(run="a", pid=1, host="here"))
    journal.append(Step(step=4, epoch=0.1, loss=1.0))
    journal.close()
    monkeypatch.setattr(worker, "newest", lambda checkpoints: SimpleNamespace(step=4))
    assert worker.main([str(run_dir.path), "--resume"]) == 0
    said = last_word(run_dir)
    assert said.reason == "asked to stop, before it went on from step 4"
    assert 60 <= said.seconds < 90
