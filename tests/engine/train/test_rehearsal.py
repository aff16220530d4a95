"""The rehearsal: it takes what a step takes, and leaves nothing behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.plan.loads import heaviest_batch
from engine.runs.events import Phase
from engine.train.loop import Trainer
from engine.train.optimizer import trainable
from engine.train.rehearsal import NAME, _as_it_was, rehearse
from tests.engine.train.training import CPU, events_of, prepared, run_file, same, trainer_of, weights_of

OPTIMIZERS = ["adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "lion", "lion_8bit", "adafactor"]
NOISY = {"rank": 64, "dropout": 0.3}
"""Adapters large enough for 8-bit state, and a draw in every layer."""


def two_steps(trainer: Trainer) -> list[tuple[float, float]]:
    found = [trainer.do_step(trainer.plan.batch(trainer.step + 1)) for _ in range(2)]
    return [(result.loss, result.grad_norm) for result in found]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.filterwarnings("ignore:Paged optimizers")
def test_a_run_with_it_is_the_run_without_it(tmp_path: Path, tiny_model: Path, rows_file: Path, optimizer: str) -> None:
    """To the last bit, with everything that draws or decays, whatever the optimiser."""
    train = {"optimizer": optimizer, "weight_decay": 0.1, "neftune_alpha": 5, "grad_accumulation": 2}
    run = run_file(tiny_model, rows_file, train=train, lora=NOISY)
    data = prepared(run)
    plain, rehearsed = trainer_of(run, tmp_path / "plain", data), trainer_of(run, tmp_path / "rehearsed", data)
    torch.manual_seed(5)
    expected = two_steps(plain)
    torch.manual_seed(5)
    before = weights_of(rehearsed)
    rehearse(rehearsed)
    assert same(before, weights_of(rehearsed))
    assert not rehearsed.optimizer.state
    assert two_steps(rehearsed) == expected
    assert same(weights_of(plain), weights_of(rehearsed))
    phases = [event.name for event in events_of(tmp_path / "rehearsed", Phase)]
    assert phases == [NAME]


def test_a_full_fine_tune_is_untouched_too(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    run = run_file(tiny_model, rows_file, train={"method": "full", "weight_decay": 0.1})
    trainer = trainer_of(run, tmp_path)
    before = weights_of(trainer)
    rehearse(trainer)
    assert same(before, weights_of(trainer))


def test_gradients_that_are_no_numbers_move_nothing(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    trainer = trainer_of(run_file(tiny_model, rows_file), tmp_path)
    before, real = weights_of(trainer), trainer.loss.sum
    trainer.loss.sum = lambda batch: real(batch) * math.nan  # type: ignore[method-assign]
    rehearse(trainer)
    assert same(before, weights_of(trainer))


@pytest.mark.parametrize("accumulation", [1, 2])
def test_it_takes_what_the_heaviest_step_takes(
    tmp_path: Path, tiny_model: Path, rows_file: Path, accumulation: int
) -> None:
    """One micro-batch, the heaviest, with gradients there where a step accumulates; then the longest held-out rows."""
    trainer = trainer_of(run_file(tiny_model, rows_file, train={"grad_accumulation": accumulation}), tmp_path)
    heaviest, real, seen = heaviest_batch(trainer.plan), trainer.loss.sum, []

    def sum_of(batch: Any) -> Any:
        with_gradient = [p.grad is not None for p in trainer.weights]
        seen.append(
            (batch.ids.shape, batch.fingerprint, torch.is_grad_enabled(), any(with_gradient), all(with_gradient))
        )
        return real(batch)

    trainer.loss.sum = sum_of  # type: ignore[method-assign]
    rehearse(trainer)
    accumulates = accumulation > 1
    assert seen[0] == (heaviest.ids.shape, heaviest.fingerprint, True, accumulates, accumulates)
    longest = int(trainer.data.test.lengths.max())
    assert seen[1][0] == (4, longest)
    assert seen[1][2:4] == (False, False)
    assert len(seen) == 2
    assert all(p.grad is None for p in trainable(trainer.model).values())


def test_a_resumed_run_rehearses_before_it_is_put_back(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    run = run_file(tiny_model, rows_file, lora=NOISY)
    data = prepared(run)
    first = trainer_of(run, tmp_path / "run", data)
    two_steps(first)
    saved = first.save()
    expected = two_steps(first)
    resumed = trainer_of(run, tmp_path / "resumed", data)
    rehearse(resumed)
    resumed.restore(saved)
    assert two_steps(resumed) == expected
    assert same(weights_of(first), weights_of(resumed))


def test_rotary_embeddings_forget_the_longest_row() -> None:
    """With a dynamic base they remember the longest sequence they saw, which would change shorter ones after it."""
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    config = LlamaConfig(
        hidden_size=64, num_attention_heads=4, max_position_embeddings=16, rope_parameters=rope, num_hidden_layers=1
    )
    model = torch.nn.Sequential(LlamaRotaryEmbedding(config))
    before, longest = model[0].inv_freq.clone(), model[0].max_seq_len_cached
    with _as_it_was(model, CPU):
        model[0](torch.zeros(1, 64, 64), torch.arange(64)[None])
        assert model[0].max_seq_len_cached == 64
        assert not torch.equal(model[0].inv_freq, before)
    assert model[0].max_seq_len_cached == longest
    assert torch.equal(model[0].inv_freq, before)
