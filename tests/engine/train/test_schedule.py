"""The learning rate over a run."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from engine.config.train import TrainSection
from engine.train.schedule import decay_steps, learning_rate


def rates(steps: int = 100, **train: Any) -> list[float]:
    section = TrainSection.model_validate({"learning_rate": 1.0, "warmup": 0.1, **train})
    return [learning_rate(section, step, steps) for step in range(1, steps + 1)]


@pytest.mark.parametrize("scheduler", ["constant", "linear", "cosine", "wsd"])
def test_it_rises_then_falls_and_never_rests(scheduler: str) -> None:
    found = rates(scheduler=scheduler)
    assert found[:10] == sorted(found[:10])
    assert max(found) == 1.0
    assert all(0 < rate <= 1 for rate in found)
    if scheduler != "constant":
        assert found[10:] == sorted(found[10:], reverse=True)
        assert found[-1] < 0.05


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "wsd"])
def test_it_ends_at_its_floor_and_warms_up_from_zero(scheduler: str) -> None:
    found = rates(scheduler=scheduler, min_learning_rate=0.25)
    assert found[0] < 0.25
    assert max(found) == 1.0
    assert min(found[10:]) == found[-1]
    assert found[-1] == pytest.approx(0.25, abs=0.04)
    assert found[-1] >= 0.25


def test_wsd_is_held_until_it_decays() -> None:
    assert rates(10, scheduler="wsd", warmup=2, decay=3) == pytest.approx([1 / 3, 2 / 3, *[1.0] * 5, 0.75, 0.5, 0.25])
    section = TrainSection(scheduler="wsd")
    assert [decay_steps(section, steps) for steps in (1, 10, 100)] == [1, 2, 20]
    assert rates(4, scheduler="wsd", warmup=3, decay=50) == pytest.approx([0.25, 0.5, 0.75, 0.5])


def test_warmup_in_steps_and_none() -> None:
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=4), 1, 10) == pytest.approx(0.2)
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=0), 1, 10) == 1.0
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=0, scheduler="linear"), 1, 1) == 1.0
    assert learning_rate(TrainSection(learning_rate=1.0, warmup=0, scheduler="wsd"), 1, 1) == 0.5


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"min_learning_rate": 1e-3}, "is above learning_rate"),
        ({"scheduler": "constant", "min_learning_rate": 1e-5}, "`min_learning_rate` is not read"),
        ({"scheduler": "linear", "decay": 0.5}, "`decay` is read only"),
        ({"scheduler": "wsd", "warmup": 0.6, "decay": 0.5}, "more than the whole run together"),
    ],
)
def test_what_would_not_be_read_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TrainSection.model_validate(section)
