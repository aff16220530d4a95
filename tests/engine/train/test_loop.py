"""The loop: what a stop may cost, and what it may not."""

from __future__ import annotations

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


def make_run(folder: Path, model: Path, data: Path) -> RunDir:
    run_dir = RunDir(folder)
    folder.mkdir()
    run_dir.config.write_text(dump(load(run_toml(folder / "source.toml", model, data, SETTINGS))))
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
