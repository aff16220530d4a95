"""The loop: what a stop may cost, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import dump, load
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.train.checkpoint import newest
from engine.train.control import Control
from engine.train.session import Session
from tests.tiny import run_toml

SETTINGS = (
    "[train]\nsteps = 6\nbatch_size = 4\neval_every = 2\nsave_every = 3\nlearning_rate = 1e-2\n[split]\ntest_size = 4\n"
)


def make_run(folder: Path, model: Path, data: Path, extra: str = "") -> RunDir:
    run_dir = RunDir(folder)
    folder.mkdir()
    run_dir.config.write_text(dump(load(run_toml(folder / "source.toml", model, data, SETTINGS + extra))))
    return run_dir


def work(run_dir: RunDir, resume: bool = False, stop_at: int | None = None) -> bool:
    """Train in this process; ask for a stop when `stop_at` steps are done."""
    journal = Journal(run_dir.journal)
    control = Control(CommandReader(run_dir.commands), journal)
    saved = newest(run_dir.checkpoints) if resume else None
    session = Session(run_dir, load(run_dir.config), journal, control, saved, resume)
    session.prepare()
    poll = control.poll

    def stopping() -> None:
        poll()
        if session.step == stop_at:
            control._wanted.add("stop")

    control.poll = stopping  # type: ignore[method-assign]
    whole = session.train()
    journal.close()
    return whole


def evaluations(run_dir: RunDir) -> dict[float, float]:
    series = Run(run_dir).load().view.series["eval_loss"]
    return dict(zip(series.steps, series.values, strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_file: Path) -> RunDir:
    run_dir = make_run(tmp_path_factory.mktemp("loop") / "whole", tiny_model, rows_file)
    assert work(run_dir)
    return run_dir


@pytest.mark.parametrize("stop_at", [2, 3, 4])
def test_a_stop_costs_no_evaluation(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path, stop_at: int
) -> None:
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file)
    assert not work(run_dir, stop_at=stop_at)
    saved = newest(run_dir.checkpoints)
    assert saved is not None
    assert saved.step == stop_at
    assert stop_at not in evaluations(run_dir)
    assert work(run_dir, resume=True)
    assert evaluations(run_dir) == evaluations(whole)
    assert set(evaluations(whole)) == {0, 2, 4, 6}


def test_a_stop_in_the_last_step_is_a_whole_run(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file)
    assert work(run_dir, stop_at=6)
    assert evaluations(run_dir) == evaluations(whole)


@pytest.mark.parametrize("side", ["left", "right"])
def test_where_the_padding_stands_changes_no_loss(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path, side: str
) -> None:
    """The whole way, held-out rows included: padded on one side to a multiple, in micro-batches of another size."""
    extra = f'[tokens]\npadding_side = "{side}"\npad_to_multiple_of = 32\n'
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file, extra)
    text = run_dir.config.read_text()
    run_dir.config.write_text(
        text.replace("batch_size = 4", "batch_size = 2").replace("accumulation = 1", "accumulation = 2")
    )
    assert work(run_dir)
    assert load(run_dir.config).train.grad_accumulation == 2
    for name in ("loss", "eval_loss"):
        one, other = (Run(r).load().view.series[name].values for r in (run_dir, whole))
        assert len(one) == len(other) >= 4
        assert list(one) == pytest.approx(list(other), abs=1e-4)


def test_a_last_line_of_a_single_token_is_no_trouble(tmp_path: Path, tiny_model: Path, tiny_tokenizer: Any) -> None:
    """Wrapped text leaves what is left, and one token alone has nothing to be predicted from."""
    texts = ["The lamp in the harbour burns all night.", "A boat carries salt and rope to the island."]
    data = tmp_path / "text.jsonl"
    data.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    total = sum(len(tiny_tokenizer(text)["input_ids"]) + 1 for text in texts)  # each ends with EOS
    width = next(n for n in range(8, total) if total % n == 1)
    run_dir = RunDir(tmp_path / "run")
    run_dir.path.mkdir()
    settings = f'[tokens]\npacking = "wrapped"\nmax_length = {width}\n[train]\nbatch_size = 1\n[split]\ntest_size = 0\n'
    run_dir.config.write_text(dump(load(run_toml(run_dir.path / "source.toml", tiny_model, data, settings))))
    assert work(run_dir)
    steps = [e for e in map(json.loads, run_dir.journal.read_text().splitlines()) if e["type"] == "step"]
    assert sum(step["tokens"] for step in steps) == total
    assert (steps[-1]["tokens"], steps[-1]["supervised_tokens"], steps[-1]["loss"]) == (1, 0, 0.0)


def test_a_full_fine_tune_is_seeded(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    import torch

    from engine.train.adapters import make_trainable

    run = load(
        run_toml(tmp_path / "full.toml", tiny_model, rows_file, '[train]\nmethod = "full"\n[quantization]\nbits = 32\n')
    )
    drawn: list[Any] = []
    for _ in range(2):
        torch.manual_seed(torch.seed())
        make_trainable(torch.nn.Linear(2, 2), run)
        drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
