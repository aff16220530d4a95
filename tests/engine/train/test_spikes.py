"""Loss spikes: found where they are, and not where a loss is only noisy, constant, falling, or at another level."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from engine.runs.events import Step, Warning_
from engine.train import checkpoint
from engine.train.spikes import LEAST, MOST, Spikes
from tests.engine.train.training import events_of, run_file, trainer_of, view_of


def found(losses: Iterable[float], tokens: int = 200) -> list[int]:
    """Steps, from 1, at which a spike begins."""
    spikes = Spikes()
    return [step for step, loss in enumerate(losses, 1) if spikes.see(loss, tokens)]


def noisy(steps: int, level: float, spread: float, seed: int = 0) -> list[float]:
    generator = random.Random(seed)
    return [generator.gauss(level, spread) for _ in range(steps)]


def test_a_spike_is_found_at_its_step() -> None:
    losses = noisy(100, 1.5, 0.1)
    losses[60] = 4.0
    assert found(losses) == [61]
    losses[61:64] = [5.0, 6.0, 4.0]
    assert found(losses) == [61], "a stretch of high losses is one spike"
    losses[80] = 4.0
    assert found(losses) == [61, 81]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("level", "spread"), [(2.0, 0.3), (1.2, 0.2), (0.05, 0.02), (8.0, 0.05)])
def test_noise_is_none(level: float, spread: float, seed: int) -> None:
    assert not found(noisy(1000, level, spread, seed))


def test_constant_falling_and_shifted_losses() -> None:
    assert not found([1.0] * 100)
    assert found([1.0] * 50 + [1.15]) == [], "above a constant loss, but hardly"
    assert found([1.0] * 50 + [2.0]) == [51]
    assert not found([8 * math.exp(-step / 20) + 1 for step in range(200)])
    sawtooth = noisy(60, 2.0, 0.1) + noisy(60, 1.2, 0.1) + noisy(60, 0.5, 0.1)
    assert not found(sawtooth), "an epoch that begins lower"
    assert found(noisy(80, 1.0, 0.05) + noisy(200, 2.5, 0.05)) == [81], "a level that has risen is told once"


def test_the_first_steps_are_not_judged() -> None:
    assert not found([1.0] * (LEAST - 1) + [9.0])
    assert found([1.0] * LEAST + [9.0]) == [LEAST + 1]


def test_the_mean_of_few_tokens_may_stray() -> None:
    """The loss of ten tokens has five times the spread of that of 250."""
    losses = noisy(50, 1.5, 0.1)
    for tokens, told in ((250, True), (10, False)):
        spikes = Spikes()
        for loss in losses:
            spikes.see(loss, 250)
        assert (spikes.see(3.0, tokens) is not None) == told


def test_what_is_not_finite_or_has_no_token_is_passed_over() -> None:
    spikes = Spikes()
    for _ in range(20):
        spikes.see(1.0, 100)
    before = spikes.state()
    assert spikes.see(math.nan, 100) is None
    assert spikes.see(math.inf, 100) is None
    assert spikes.see(0.0, 0) is None
    assert spikes.state() == before


def test_the_state_goes_on_exactly() -> None:
    losses = noisy(200, 1.5, 0.2)
    for step in (50, 90, 91, 130):
        losses[step] = 6.0
    whole, first = Spikes(), Spikes()
    all_of_them = [whole.see(loss, 100) for loss in losses]
    before = [first.see(loss, 100) for loss in losses[:91]]
    again = Spikes.of(json.loads(json.dumps(first.state())))
    assert before + [again.see(loss, 100) for loss in losses[91:]] == all_of_them
    assert again.told == 3


def test_no_more_than_a_bounded_number_is_told() -> None:
    spikes, said = Spikes(), []
    for _ in range(MOST + 5):
        for loss in [1.0] * 12 + [9.0]:
            spike = spikes.see(loss, 100)
            if spike:
                said.append(spikes.warning(spike, "run-1", 7, 1.0, ["a:1"]))
    codes = [warning.code for warning in said if warning is not None]
    assert codes == ["loss_spike"] * MOST + ["loss_spikes"]
    assert said[-1] is None


def test_a_run_marks_the_rows_of_a_spike_and_a_resume_marks_them_once(
    tiny_model: Path, rows_file: Path, tmp_path: Path
) -> None:
    """One row of forty is of another world; once the others are known, it stands out."""
    data = tmp_path / "rows.jsonl"
    odd = json.dumps({"question": "What?", "answer": "0x7f#%&@!~^zq" * 4})
    lines = rows_file.read_text().splitlines()
    data.write_text("\n".join([*lines[:30], odd, *lines[30:]]) + "\n")
    train = {"method": "full", "steps": 40, "batch_size": 1, "shuffle": False, "learning_rate": 5e-3, "save_every": 15}
    run = run_file(tiny_model, data, train=train, split={"test_size": 0})
    trainer = trainer_of(run, tmp_path / "run")
    assert trainer.train()
    (said,) = events_of(tmp_path / "run", Warning_)
    (step,) = [event for event in events_of(tmp_path / "run", Step) if event.step == 31]
    assert (said.code, said.step) == ("loss_spike", 31)
    assert said.rows == step.rows
    assert step.rows[0].endswith("rows.jsonl:31")
    assert f"loss spike at step 31: {step.loss:.4f}" in said.message
    assert said.hint == "`luthier inspect run --batch 31` shows its rows"
    (mark,) = view_of(tmp_path / "run").marks
    assert (mark.step, mark.code, list(mark.rows)) == (31, "loss_spike", said.rows)

    resumed = trainer_of(run, tmp_path / "resumed")
    half = checkpoint.verify(checkpoint.folder_of(tmp_path / "run" / "checkpoints", 30))
    assert half is not None
    resumed.restore(half)
    assert resumed.train()
    assert [event.message for event in events_of(tmp_path / "resumed", Warning_)] == [said.message]
