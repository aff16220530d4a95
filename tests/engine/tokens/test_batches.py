"""Packing, order and rectangles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.train import TrainSection
from engine.templates.base import Rendered
from engine.tokens.batches import BatchPlan, collate
from engine.tokens.encode import IGNORE, Encoded
from engine.tokens.examples import Examples
from engine.tokens.packing import pack


def examples(lengths: list[int]) -> Examples:
    rendered, none = Rendered((), True, True), np.zeros(0, dtype=np.int32)
    out = []
    for i, length in enumerate(lengths):
        ids = np.arange(length, dtype=np.int32) + 100 * i
        labels = ids.copy()
        labels[: max(1, length // 2)] = IGNORE
        out.append(Encoded(f"d:{i}", rendered, ids, labels, none, none, 0, ()))
    return Examples((0, sequence) for sequence in out)


@given(st.lists(st.integers(1, 50), max_size=200))
def test_packing_loses_nothing_and_fits(lengths: list[int]) -> None:
    bins = pack(lengths, 50)
    assert sorted(i for items in bins for i in items) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in items) <= 50 for items in bins)
    assert len(bins) <= max(1, -(-sum(lengths) // 25)) if lengths else not bins  # best fit is never worse than twice


def test_packing_is_tight_and_refuses_what_cannot_fit() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(20, 400, 5000).tolist()
    bins = pack(lengths, 1024)
    assert sum(lengths) / (len(bins) * 1024) > 0.995
    with pytest.raises(ValueError, match="does not fit"):
        pack([9], 8)


@pytest.mark.parametrize("packing", ["none", "bfd"])
def test_an_epoch_shows_each_row_once_and_the_order_is_the_seeds(packing: str) -> None:
    data = examples([3 + i % 9 for i in range(50)])
    train = TrainSection(batch_size=4, grad_accumulation=2, epochs=2.0)
    plan = BatchPlan(data, train, packing, 32, 0)
    again = BatchPlan(data, train, packing, 32, 0)
    for epoch in range(2):
        steps = range(1 + epoch * plan.steps_per_epoch, 1 + (epoch + 1) * plan.steps_per_epoch)
        seen = [origin for step in steps for row in plan.batch(step).rows for origin in row]
        assert sorted(seen) == sorted(data.origins)
    assert plan.steps == 2 * plan.steps_per_epoch
    backwards = [again.batch(step).fingerprint for step in range(plan.steps, 0, -1)]
    assert backwards[::-1] == [plan.batch(step).fingerprint for step in range(1, plan.steps + 1)]
    other = BatchPlan(data, train.model_copy(update={"seed": 1}), packing, 32, 0)
    assert other.batch(1).fingerprint != plan.batch(1).fingerprint
    with pytest.raises(IndexError):
        plan.batch(plan.steps + 1)


def test_a_packed_sequence_keeps_its_rows_apart() -> None:
    batch = collate(examples([4, 3, 2]), [[0, 1], [2]], padding=9)
    assert batch.documents.tolist() == [[1, 1, 1, 1, 2, 2, 2], [1, 1, 0, 0, 0, 0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2], [0, 1, 0, 0, 0, 0, 0]]
    assert batch.labels[0, 4] == IGNORE, "no row predicts the beginning of the next"
    assert batch.ids[1, 2:].tolist() == [9] * 5
    assert batch.packed
    assert batch.tokens == 9


def test_micro_batches_hold_the_same_tokens_without_the_padding() -> None:
    batch = collate(examples([8, 7, 2, 1, 1]), [[0], [1], [2], [3], [4]], padding=0)
    parts = batch.micro_batches(2)
    assert [p.ids.shape for p in parts] == [(2, 8), (2, 2), (1, 1)]
    assert sum(p.supervised_tokens for p in parts) == batch.supervised_tokens
    assert sum(p.tokens for p in parts) == batch.tokens


def test_a_packed_mixture_has_as_many_batches_as_its_epochs_need() -> None:
    lengths = np.random.default_rng(1).integers(5, 60, 50).tolist()
    both = examples(lengths)
    both.sources = [0] * 40 + [1] * 10
    train = TrainSection(batch_size=1, epochs=6.0)
    plan = BatchPlan(both, train, "bfd", 64, 0, [0.3, 0.7])
    seen = [[origin for row in plan.batch(step).rows for origin in row] for step in range(1, plan.steps + 1)]
    assert plan.mixture is not None
    at = 0
    for epoch in range(3):
        wanted = sorted(f"d:{row + 40 * source}" for source, row in plan.mixture.order(epoch))
        shown: list[str] = []
        while len(shown) < len(wanted):
            shown, at = shown + seen[at], at + 1
        assert sorted(shown) == wanted
    resumed = BatchPlan(both, train, "bfd", 64, 0, [0.3, 0.7])
    assert resumed.batch(plan.steps).fingerprint == plan.batch(plan.steps).fingerprint
