"""Noise on the embeddings: in training steps only, of the right size, the same however a batch is cut."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.runs.events import Eval, Sample, Step
from engine.tokens.collate import Padding, collate
from engine.tokens.prepare import Prepared
from engine.tokens.sequences import whole
from engine.train import checkpoint
from engine.train.neftune import Neftune
from tests.engine.train.training import CPU, events_of, prepared, run_file, same, trainer_of, weights_of

WIDTH = 64


@pytest.fixture(scope="module")
def rows(tiny_model: Path, rows_file: Path) -> Prepared:
    return prepared(run_file(tiny_model, rows_file))


def noisy(rows: Prepared, model: Path, alpha: float, **sections: Any) -> Any:
    train = {"neftune_alpha": alpha, "warmup": 0, **sections.pop("train", {})}
    return run_file(model, rows.sources[0].source.path, train=train, **sections)


@pytest.mark.parametrize("side", ["left", "right"])
def test_its_size_is_that_of_the_paper_row_by_row(rows: Prepared, side: Any) -> None:
    """alpha / sqrt(L D) for each row's own length, packed or not; nothing in the padding; new with each step and seed."""
    lines = [[whole(rows.train, i) for i in line] for line in ([0, 1], [2], [3])]
    batch = collate(rows.train, lines, Padding(2, side=side, multiple=64))
    like = torch.ones(*batch.ids.shape, WIDTH)
    noise = Neftune(torch.nn.Identity(), 0.0, 7, CPU)
    noise.alpha = 10.0
    found = noise.noise(batch, 3, like)
    assert not found[torch.from_numpy(batch.documents) == 0].any()
    for line, numbers in enumerate([[1, 2], [1], [1]]):
        for number in numbers:
            part = found[line][torch.from_numpy(batch.documents[line]) == number]
            bound = 10.0 / math.sqrt(part.numel())
            assert part.numel() == WIDTH * len(rows.train.ids([0, 1, 2, 3][line + number - (line == 0)]))
            assert 0.99 * bound < float(part.abs().max()) <= bound
            assert float(part.mean()) == pytest.approx(0, abs=bound / 10)
    assert torch.equal(noise.noise(batch, 3, like), found)
    assert not torch.equal(noise.noise(batch, 4, like), found)
    noise.seed = 8
    assert not torch.equal(noise.noise(batch, 3, like), found)


def test_it_changes_training_and_neither_evaluation_nor_samples(
    rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    """With a learning rate that moves nothing, only the losses of steps can differ."""
    sections = {"train": {"steps": 2, "learning_rate": 1e-30}, "eval": {"samples": ["What does the boat carry?"]}}
    for alpha in (0.0, 30.0):
        trainer_of(noisy(rows, tiny_model, alpha, **sections), tmp_path / str(alpha), rows).train()
    plain, with_noise = tmp_path / "0.0", tmp_path / "30.0"
    for kind, field in ((Eval, "loss"), (Sample, "text")):
        one, other = ([getattr(event, field) for event in events_of(folder, kind)] for folder in (plain, with_noise))
        assert one == other
        assert one
    one, other = ([step.loss for step in events_of(folder, Step)] for folder in (plain, with_noise))
    assert all(abs(a - b) > 1e-3 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("size", "times"), [(4, 2), (1, 8), (3, 1)])
def test_the_cut_of_a_global_batch_changes_nothing(
    size: int, times: int, rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    batch, losses, gradients = None, [], []
    for name, (batch_size, accumulation) in {"whole": (8, 1), "cut": (size, times)}.items():
        cut = {"batch_size": batch_size, "grad_accumulation": accumulation}
        trainer = trainer_of(noisy(rows, tiny_model, 20.0, train=cut), tmp_path / name, rows)
        batch = batch or trainer.plan.batch(1)
        losses.append(float(trainer.gradients(batch)[0]))
        gradients.append([weight.grad.clone() for weight in trainer.weights if weight.grad is not None])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_a_resume_has_the_same_noise_and_dropout(rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    sections = {"train": {"steps": 4, "save_every": 2}, "lora": {"rank": 4, "dropout": 0.1}}
    run = noisy(rows, tiny_model, 10.0, **sections)
    whole_run = trainer_of(run, tmp_path / "whole", rows)
    assert whole_run.train()
    resumed = trainer_of(run, tmp_path / "resumed", rows)
    half = checkpoint.verify(checkpoint.folder_of(tmp_path / "whole" / "checkpoints", 2))
    assert half is not None
    resumed.restore(half)
    assert resumed.train()
    assert same(weights_of(resumed), weights_of(whole_run))


def test_it_draws_nothing_from_the_random_state_of_dropout(rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(noisy(rows, tiny_model, 10.0), tmp_path, rows)
    before = torch.get_rng_state()
    trainer.gradients(trainer.plan.batch(1))
    assert torch.equal(torch.get_rng_state(), before)
