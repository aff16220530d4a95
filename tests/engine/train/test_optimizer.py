"""The optimisers: which weights they change by how much, and that their whole state survives a checkpoint."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from engine.config.train import TrainSection
from engine.errors import RunError
from engine.runs.events import Step, Warning_
from engine.tokens.prepare import Prepared
from engine.train import checkpoint
from engine.train.optimizer import make_optimizer, optimizer_tensors, restore_optimizer, set_rate, trainable
from tests.engine.train.training import CPU, events_of, prepared, run_file, same, trainer_of, weights_of

OPTIMIZERS = ("adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "lion", "lion_8bit", "adafactor")
BIG = {"rank": 64, "dropout": 0.1}
"""Adapters some of whose matrices are large enough for 8-bit state, and dropout that draws random numbers."""


@pytest.fixture(scope="module")
def rows(tiny_model: Path, rows_file: Path) -> Prepared:
    return prepared(run_file(tiny_model, rows_file))


def run_with(rows: Prepared, model: Path, optimizer: str, lora: dict[str, Any] = BIG, **train: Any) -> Any:
    return run_file(model, rows.sources[0].source.path, lora=lora, train={"optimizer": optimizer, **train})


def small_model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(80, 64), torch.nn.LayerNorm(64), torch.nn.Linear(64, 2))


def descend(optimizer: torch.optim.Optimizer, model: torch.nn.Module, steps: int) -> list[float]:
    """Losses of full-batch regression."""
    torch.manual_seed(1)
    x, y = torch.randn(32, 80), torch.randn(32, 2)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    name: str, rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    run = run_with(rows, tiny_model, name, weight_decay=0.01, learning_rate=1e-3, save_every=3, eval_every=6)
    whole = trainer_of(run, tmp_path / "whole", rows)
    before = weights_of(whole)
    assert whole.train()
    assert not same(weights_of(whole), before)

    resumed = trainer_of(run, tmp_path / "resumed", rows)
    half = checkpoint.verify(checkpoint.folder_of(tmp_path / "whole" / "checkpoints", 3))
    assert half is not None
    resumed.restore(half)
    assert resumed.train()
    losses = [step.loss for step in events_of(tmp_path / "whole", Step)]
    assert [step.loss for step in events_of(tmp_path / "resumed", Step)] == losses[3:]
    assert same(weights_of(resumed), weights_of(whole))
    states = [optimizer_tensors(trainer.model, trainer.optimizer) for trainer in (resumed, whole)]
    assert same(*states)
    assert all(tensor.dtype != torch.uint8 for tensor in states[0].values()) != name.endswith("8bit")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_descends(name: str, rows: Prepared, tiny_model: Path) -> None:
    model = small_model()
    run = run_with(rows, tiny_model, name, learning_rate=1e-3)
    losses = descend(make_optimizer(model, run, CPU), model, 30)
    assert losses[-1] < 0.7 * losses[0]


def test_eight_bits_are_for_large_weights_and_their_code_books_are_saved_once(
    rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    trainer = trainer_of(run_with(rows, tiny_model, "adamw_8bit"), tmp_path, rows)
    trainer.do_step(trainer.plan.batch(1))
    saved = load_file(trainer.save().path / checkpoint.OPTIMIZER)
    assert {key for key in saved if key.startswith("/")} == {"/qmap1", "/qmap2"}
    for name, weight in trainable(trainer.model).items():
        large = weight.numel() >= 4096
        assert saved[f"{name}/state1"].dtype == (torch.uint8 if large else torch.float32)
        assert (f"{name}/absmax2" in saved) == large
        assert saved[f"{name}/step"].item() == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_for_matrices(name: str, rows: Prepared, tiny_model: Path) -> None:
    """Without a gradient to follow, decay alone moves a weight: by rate x decay of itself."""
    model = small_model()
    run = run_with(rows, tiny_model, name, weight_decay=0.5, learning_rate=0.1)
    optimizer = make_optimizer(model, run, CPU)
    before = {name: weight.detach().clone() for name, weight in trainable(model).items()}
    for weight in trainable(model).values():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    for key, weight in trainable(model).items():
        expected = before[key] * (0.95 if weight.ndim == 2 else 1.0)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_an_adafactor_step_is_as_long_as_the_learning_rate_says(scale: float, rows: Prepared, tiny_model: Path) -> None:
    """However long the gradient is, and where a matrix begins at zero, as B does: relative to it there would be no step."""
    model = torch.nn.Linear(50, 40, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimizer = make_optimizer(model, run_with(rows, tiny_model, "adafactor", learning_rate=1e-3), CPU)
    model.weight.grad = torch.randn(40, 50, generator=torch.Generator().manual_seed(0)) * scale
    optimizer.step()
    assert float(model.weight.detach().square().mean().sqrt()) == pytest.approx(1e-3, rel=0.1)


def test_adafactor_survives_a_gradient_of_zeros(rows: Prepared, tiny_model: Path) -> None:
    """A's gradient in the first step, since B is zero."""
    model = small_model()
    optimizer = make_optimizer(model, run_with(rows, tiny_model, "adafactor"), CPU)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    assert all(weight.isfinite().all() for weight in model.parameters())


def test_b_matrices_learn_faster_and_the_journal_tells_the_base_rate(
    rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    run = run_with(rows, tiny_model, "adamw", {"rank": 4, "plus_ratio": 16.0}, warmup=0, scheduler="constant")
    trainer = trainer_of(run, tmp_path, rows)
    before = weights_of(trainer)
    assert trainer.do_step(trainer.plan.batch(1)).learning_rate == 1e-2
    trainer.do_step(trainer.plan.batch(2))  # A has no gradient in the first step
    moved = {name: (weight - before[name]).abs().max() for name, weight in weights_of(trainer).items()}
    assert {group["lr"] for group in trainer.optimizer.param_groups} == {1e-2, 16e-2}
    for name, distance in moved.items():
        assert (distance > 0.15) == ("lora_B" in name)


def test_paged_on_a_cpu_is_said_once_in_words_and_changes_no_number(
    rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    weights = []
    for name in ("paged_adamw_8bit", "adamw_8bit"):
        trainer = trainer_of(run_with(rows, tiny_model, name, steps=2), tmp_path / name, rows)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Paged optimizers")
            trainer.train()
        weights.append(weights_of(trainer))
    assert same(*weights)
    said = [event.message for event in events_of(tmp_path / "paged_adamw_8bit", Warning_)]
    assert said == ["train.optimizer = 'paged_adamw_8bit' keeps its state in ordinary memory on a CPU"]
    assert not events_of(tmp_path / "adamw_8bit", Warning_)


def test_betas_are_the_usual_ones_of_each_and_can_be_given(rows: Prepared, tiny_model: Path) -> None:
    for name, usual in (("adamw", (0.9, 0.999)), ("lion", (0.9, 0.99)), ("adamw_8bit", (0.9, 0.999))):
        optimizer = make_optimizer(small_model(), run_with(rows, tiny_model, name), CPU)
        assert tuple(optimizer.defaults["betas"]) == usual
        optimizer = make_optimizer(small_model(), run_with(rows, tiny_model, name, betas=[0.8, 0.95]), CPU)
        assert tuple(optimizer.defaults["betas"]) == (0.8, 0.95)
    with pytest.raises(ValidationError, match="`betas` is not read"):
        TrainSection(optimizer="adafactor", betas=[0.9, 0.999])


def test_state_of_other_weights_is_refused(rows: Prepared, tiny_model: Path) -> None:
    model = small_model()
    optimizer = make_optimizer(model, run_with(rows, tiny_model, "adamw"), CPU)
    set_rate(optimizer, 1.0)
    with pytest.raises(RunError, match=r"state of 'elsewhere\.weight'"):
        restore_optimizer(model, optimizer, {"elsewhere.weight/step": torch.tensor(1.0)})
