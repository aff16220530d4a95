"""Drafts in a real service: rows while everything is measured, and the batches of a real run."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.runs.paths import RunDir
from engine.service import protocol as p
from tests.process.cli import losses, luthier
from tests.process.service import Service, service
from tests.shared import DATA, GSM8K, needs_shared
from tests.tiny import run_toml, write_rows

SETTINGS = """
[tokens]
max_length = 48
[train]
steps = 4
batch_size = 3
eval_every = 100
save_every = 100
[lora]
rank = 4
"""


def opened(one: Service, **fields: Any) -> tuple[int, p.Drafted]:
    """(id of the request, the first answer) of a draft."""
    number = one.send(p.Draft, **fields)
    while True:
        answer = one.next(number)
        assert not isinstance(answer, p.Failed), answer
        if isinstance(answer, p.Drafted):
            return number, answer


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> RunDir:
    """A run that was trained, with data of its own."""
    folder = tmp_path_factory.mktemp("trained")
    write_rows(folder / "rows.jsonl", 40)
    run_toml(folder / "boats.toml", tiny_model, folder / "rows.jsonl", SETTINGS)
    done = luthier("train", str(folder / "boats.toml"), runs=folder / "runs")
    assert done.returncode == 0, done.stderr
    return RunDir(folder / "runs" / "boats-1")


def test_every_batch_is_the_one_that_was_journaled(run_dir: RunDir, tmp_path: Path) -> None:
    steps = {step: batch for (kind, step), (_, batch) in losses(run_dir).items() if kind == "step"}
    assert sorted(steps) == [1, 2, 3, 4]
    with service(tmp_path / "log") as one:
        _, first = opened(one, path=str(run_dir.path))
        assert first.facts.path == str(run_dir.config)
        for step, fingerprint in steps.items():
            batch = one.ask(p.TokenBatch, p.BatchFound, draft=first.draft, step=step)
            assert (batch.step, batch.fingerprint) == (step, fingerprint)
            rows = {document.row for line in batch.lines for document in line.documents}
            assert {one.ask(p.TokenRow, p.Tokens, draft=first.draft, row=row).split for row in rows} == {"train"}
    done = luthier("inspect", str(run_dir.path), "--batch", "4", "--json", runs=run_dir.path.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["journal"] == {"fingerprint": steps[4], "same": True}


@needs_shared
def test_rows_are_answered_while_everything_is_measured(tmp_path: Path) -> None:
    """The answers are those of the whole, whether they come before, while or after rows are read and measured."""
    table = {
        "model": {"path": str(DATA / "tokenizers" / "smollm2")},
        "data": [{"path": str(GSM8K), "template": "qa"}],
        "tokens": {"max_length": 256},
    }
    chosen = random.Random(0)
    with service(tmp_path / "log") as one:
        number, first = opened(one, table=table)
        assert (first.facts.rows, first.facts.complete) == (2000, False)
        seen: dict[int, p.Tokens] = {}
        measured: list[p.Measured] = []
        progress, rows = 0, 2000
        while not measured or not measured[-1].complete:
            row = chosen.randint(1, rows)
            seen[row] = one.ask(p.TokenRow, p.Tokens, draft=first.draft, row=row)
            while not one.waiting(number).empty():
                answer = one.next(number)
                progress += isinstance(answer, p.Progress)
                if isinstance(answer, p.Drafted):
                    assert answer.facts.complete
                    rows = answer.facts.rows
                elif isinstance(answer, p.Measured):
                    measured.append(answer)
        assert (rows, progress > 2, len(measured)) == (7473, True, 2)
        assert (measured[0].seen, measured[1].seen) == (1900, 7099)
        assert len(seen) > 20
        for row, before in list(seen.items())[:10]:
            after = one.ask(p.TokenRow, p.Tokens, draft=first.draft, row=row)
            assert [t.id for t in after.tokens] == [t.id for t in before.tokens]
            assert after.origin == f"train.jsonl:{row}"
        one.ask(p.CloseDraft, p.Done, draft=first.draft)


def test_a_newer_request_and_closing_end_what_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    many = write_rows(tmp_path / "many.jsonl", 30_000)
    run_file = run_toml(tmp_path / "many.toml", tiny_model, many)
    with service(tmp_path / "log") as one:
        older, first = opened(one, path=str(run_file))
        batch = one.send(p.TokenBatch, draft=first.draft, step=1)
        assert isinstance(one.next(batch), p.Progress)
        newer = one.send(p.Draft, draft=first.draft, changes={"tokens.max_length": 60})
        assert isinstance(one.final(older, p.Cancelled), p.Cancelled)
        assert isinstance(one.final(batch, p.Cancelled), p.Cancelled)
        changed = one.next(newer)
        while not isinstance(changed, p.Drafted):
            assert isinstance(changed, p.Progress)
            changed = one.next(newer)
        assert changed.facts.max_length == 60
        failed = one.ask(p.Draft, p.Failed, draft=first.draft, changes={"tokens.max_length": 4})
        assert "at least 8" in failed.message
        one.ask(p.CloseDraft, p.Done, draft=first.draft)
        assert isinstance(one.final(newer, p.Cancelled), p.Cancelled)
        assert "no open draft" in one.ask(p.TokenRow, p.Failed, draft=first.draft, row=1).message
        assert not one.garbage


def test_what_the_first_draft_needs_can_be_loaded_ahead(tmp_path: Path) -> None:
    with service(tmp_path / "service.log") as one:

        def libraries() -> int:
            return Path(f"/proc/{one.process.pid}/maps").read_text().count("/tokenizers/")

        if not Path("/proc/self/maps").exists():
            pytest.skip("only where a process can be looked into")
        assert not libraries()
        one.ask(p.Warm, p.Done)
        assert libraries()
