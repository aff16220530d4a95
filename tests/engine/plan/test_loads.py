"""The heaviest micro-batch: found from lengths, and the same as by looking at every batch of the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.config.tokens import TokensSection
from engine.config.train import TrainSection
from engine.plan.loads import CLOSE, heaviest, heaviest_batch, load_of
from engine.tokens.batches import BatchPlan
from tests.engine.tokens.test_batches import examples

LENGTHS = np.random.default_rng(3).integers(3, 60, 70).tolist()

WAYS: list[dict[str, Any]] = [
    {},
    {"packing": "bfd"},
    {"packing": "wrapped", "truncation": "right"},
    {"padding_side": "left"},
    {"padding": "max_length"},
    {"pad_to_multiple_of": 8},
    {"group_by_length": True},
]


def plan_of(
    tokens: dict[str, Any], lengths: list[int] = LENGTHS, weights: tuple[float, ...] = (), **train: Any
) -> BatchPlan:
    section = TrainSection(**{"batch_size": 4, "grad_accumulation": 2, "epochs": 3.0, **train})
    return BatchPlan(examples(lengths), section, TokensSection(**tokens), 64, 0, weights)


@pytest.mark.parametrize("tokens", WAYS, ids=lambda w: "-".join(map(str, w.values())) or "padded")
@pytest.mark.parametrize("size", [4, 3, 1])
def test_no_micro_batch_of_the_run_has_more_cells(tokens: dict[str, Any], size: int) -> None:
    plan = plan_of(tokens)
    every = [micro for step in range(1, plan.steps + 1) for micro in plan.batch(step).micro_batches(size)]
    most = max(micro.ids.size for micro in every)
    load = heaviest(plan, size)
    assert CLOSE * most <= load.rows * load.width <= most
    heavy = heaviest_batch(plan, size)
    assert any(heavy.fingerprint == micro.fingerprint for micro in every)
    assert load == load_of(heavy)
    rivals = [load_of(micro) for micro in every if micro.ids.size == load.rows * load.width]
    assert load.supervised >= max(rival.supervised for rival in rivals) or tokens.get("packing")


def test_a_later_epoch_counts_where_the_first_one_splits_the_longest_from_its_like() -> None:
    """The longest row may lie in the incomplete last batch of one epoch and in a whole one of the next."""
    lengths = [5] * 8 + [50]
    found = [heaviest(plan_of({}, lengths, epochs=1.0, seed=seed)).rows for seed in range(12)]
    assert 1 in found  # there are orders with the longest row alone
    assert all(heaviest(plan_of({}, lengths, epochs=8.0, seed=seed)).rows == 4 for seed in range(12))


def test_a_run_that_ends_early_is_not_charged_for_what_it_never_sees() -> None:
    plan = plan_of({}, [5] * 30 + [60], steps=1, epochs=None, shuffle=False)
    assert heaviest(plan).width == 5


def test_labels_decide_between_micro_batches_of_one_size() -> None:
    plan = plan_of({"padding": "max_length"})
    every = [micro for step in range(1, plan.steps + 1) for micro in plan.batch(step).micro_batches(4)]
    first = [load_of(micro).supervised for micro in every[:16] if len(micro.ids) == 4]
    assert heaviest(plan).supervised >= max(first)


def test_mixtures_are_walked_epoch_by_epoch() -> None:
    data = examples(LENGTHS)
    data.sources[:] = [0 if length < 30 else 1 for length in LENGTHS]
    section = TrainSection(batch_size=2, grad_accumulation=2, epochs=4.0)
    plan = BatchPlan(data, section, TokensSection(packing="bfd"), 64, 0, (0.5, 0.5))
    every = [m.ids.size for step in range(1, plan.steps + 1) for m in plan.batch(step).micro_batches(2)]
    load = heaviest(plan)
    assert CLOSE * max(every) <= load.rows * load.width <= max(every)
