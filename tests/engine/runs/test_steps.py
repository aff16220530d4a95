"""Looking one step up in a journal."""

from __future__ import annotations

from pathlib import Path

from engine.runs import events as e
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
