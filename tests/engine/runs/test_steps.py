"""Looking one step up in a journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.runs import events as e
from engine.runs import steps
from engine.runs.journal import Journal
from engine.runs.steps import find_step


def test_a_step_is_found_in_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert find_step(path, 1) is None
    journal = Journal(path, lambda: 1.0)
    for step in range(1, 40):
        journal.append(e.Step(step=step, epoch=0.1, loss=1.0, batch=f"f{step}"))
        journal.append(e.Eval(step=step, loss=1.0))
    journal.append(e.Step(step=7, epoch=0.1, loss=1.0, batch="again"))
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"type":"step","step":9,"torn')
    assert find_step(path, 9).batch == "f9"  # type: ignore[union-attr]
    assert find_step(path, 7).batch == "again"  # type: ignore[union-attr] # a resumed run did it again
    assert find_step(path, 39).batch == "f39"  # type: ignore[union-attr]
    assert find_step(path, 40) is None


def test_steps_of_a_resumed_run_are_found_in_a_large_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest event of every step, whichever worker did it, without reading more than a part of the file."""
    monkeypatch.setattr(steps, "_STRETCH", 4096)
    monkeypatch.setattr(steps, "_LOOK", 2048)
    path = tmp_path / "events.jsonl"
    journal = Journal(path, lambda: 1.0)
    newest: dict[int, str] = {}
    for worker, (first, last) in enumerate([(1, 900), (850, 1300), (1290, 1310), (400, 700), (500, 2000)]):
        journal.append(e.Hello(run="r", pid=worker, host="h", resumed_from=first - 1 if worker else None))
        for step in range(first, last + 1):
            newest[step] = f"{worker}-{step}"
            journal.append(e.Step(step=step, epoch=0.1, loss=1.0, batch=newest[step], rows=["a.jsonl:1"] * 4))
            if step % 7 == 0:
                journal.append(e.Log(message="a word"))
            if step % 50 == 0:
                journal.append(e.Eval(step=step, loss=1.0))
    journal.close()
    for step, batch in list(newest.items())[::11]:
        found = find_step(path, step)
        assert found is not None
        assert found.batch == batch
    assert find_step(path, 2001) is None
    assert find_step(path, 0) is None

    asked: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, count, at: asked.append(count) or pread(fd, count, at))
    monkeypatch.setattr(steps, "_PLACES", 64)
    assert find_step(path, 1800) is not None
    whole = [count for count in asked if count != 2048]
    assert sum(whole) < path.stat().st_size / 4
