"""The learning rate over a run."""

from __future__ import annotations

import pytest

from engine.config.train import TrainSection
from engine.train.schedule import learning_rate


@pytest.mark.parametrize("scheduler", ["constant", "linear", "cosine"])
def test_it_rises_then_falls_and_never_rests(scheduler: str) -> None:
    train = TrainSection(learning_rate=1.0, warmup=0.1, scheduler=scheduler)  # type: ignore[arg-type]
    rates = [learning_rate(train, step, 100) for step in range(1, 101)]
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == 1.0
    assert all(0 < rate <= 1 for rate in rates)
    if scheduler != "constant":
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert rates[-1] < 0.02


def test_warmup_in_steps_and_none() -> None:
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=4), 1, 10) == pytest.approx(0.2)
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=0), 1, 10) == 1.0
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=0, scheduler="linear"), 1, 1) == 1.0
