"""Packing, order and rectangles."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.tokens import TokensSection
from engine.config.train import TrainSection
from engine.templates.base import Rendered
from engine.tokens.batches import BatchPlan, group, wrap
from engine.tokens.collate import Batch, Padding, collate
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.examples import Examples
from engine.tokens.packing import pack
from engine.tokens.sequences import whole


def examples(lengths: list[int]) -> Examples:
    rendered, none = Rendered((), True, True), np.zeros(0, dtype=np.int32)
    out = []
    for i, length in enumerate(lengths):
        ids = np.arange(length, dtype=np.int32) + 100 * i
        labels = ids.copy()
        labels[: max(1, length // 2)] = IGNORE
        out.append(Encoded(f"d:{i}", rendered, ids, labels, none, none, 0, len(ids), 0, ()))
    return Examples((row, 0, sequence) for row, sequence in enumerate(out))


def laid(data: Examples, lines: list[list[int]], padding: Padding) -> Batch:
    return collate(data, [[whole(data, i) for i in line] for line in lines], padding)


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
    plan = BatchPlan(data, train, TokensSection(packing=packing), 32, 0)
    again = BatchPlan(data, train, TokensSection(packing=packing), 32, 0)
    for epoch in range(2):
        steps = range(1 + epoch * plan.steps_per_epoch, 1 + (epoch + 1) * plan.steps_per_epoch)
        seen = [origin for step in steps for line in plan.batch(step).origins for origin in line]
        assert sorted(seen) == sorted(data.origins)
    assert plan.steps == 2 * plan.steps_per_epoch
    backwards = [again.batch(step).fingerprint for step in range(plan.steps, 0, -1)]
    assert backwards[::-1] == [plan.batch(step).fingerprint for step in range(1, plan.steps + 1)]
    other = BatchPlan(data, train.model_copy(update={"seed": 1}), TokensSection(packing=packing), 32, 0)
    assert other.batch(1).fingerprint != plan.batch(1).fingerprint
    with pytest.raises(IndexError):
        plan.batch(plan.steps + 1)


def test_a_packed_sequence_keeps_its_rows_apart() -> None:
    batch = laid(examples([4, 3, 2]), [[0, 1], [2]], Padding(9))
    assert batch.documents.tolist() == [[1, 1, 1, 1, 2, 2, 2], [1, 1, 0, 0, 0, 0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2], [0, 1, 0, 0, 0, 0, 0]]
    assert batch.labels[0, 4] == IGNORE, "no row predicts the beginning of the next"
    assert batch.ids[1, 2:].tolist() == [9] * 5
    assert batch.packed
    assert batch.tokens == 9


def test_micro_batches_hold_the_same_tokens_without_the_padding() -> None:
    batch = laid(examples([8, 7, 2, 1, 1]), [[0], [1], [2], [3], [4]], Padding(0))
    parts = batch.micro_batches(2)
    assert [p.ids.shape for p in parts] == [(2, 8), (2, 2), (1, 1)]
    assert sum(p.supervised_tokens for p in parts) == batch.supervised_tokens
    assert sum(p.tokens for p in parts) == batch.tokens


def test_a_packed_mixture_has_as_many_batches_as_its_epochs_need() -> None:
    lengths = np.random.default_rng(1).integers(5, 60, 50).tolist()
    both = examples(lengths)
    both.sources = [0] * 40 + [1] * 10
    train = TrainSection(batch_size=1, epochs=6.0)
    plan = BatchPlan(both, train, TokensSection(packing="bfd"), 64, 0, [0.3, 0.7])
    seen = [[origin for line in plan.batch(step).origins for origin in line] for step in range(1, plan.steps + 1)]
    assert plan.mixture is not None
    at = 0
    for epoch in range(3):
        wanted = sorted(f"d:{row + 40 * source}" for source, row in plan.mixture.order(epoch))
        shown: list[str] = []
        while len(shown) < len(wanted):
            shown, at = shown + seen[at], at + 1
        assert sorted(shown) == wanted
    resumed = BatchPlan(both, train, TokensSection(packing="bfd"), 64, 0, [0.3, 0.7])
    assert resumed.batch(plan.steps).fingerprint == plan.batch(plan.steps).fingerprint


@pytest.mark.parametrize("packing", ["none", "bfd"])
@pytest.mark.parametrize("epochs", [2.0, 2.4])
def test_what_a_mixture_draws_is_counted_as_it_is_drawn(packing: str, epochs: float) -> None:
    both = examples([5 + i % 19 for i in range(61)])
    both.sources = [0] * 40 + [1] * 21
    train = TrainSection(batch_size=4, epochs=epochs)
    plan = BatchPlan(both, train, TokensSection(packing=packing), 64, 0, [0.3, 0.7])
    rows = [row for step in range(1, plan.steps + 1) for line in plan.batch(step).rows for row in line]
    truth = [sum(row < 40 for row in rows), sum(row >= 40 for row in rows)]
    slack = 0 if packing == "none" else 5
    assert all(abs(said - seen) <= slack for said, seen in zip(plan.drawn(), truth, strict=True))
    assert BatchPlan(both, train, TokensSection(packing=packing), 64, 0).drawn() == []


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("multiple", "least", "width"), [(1, 0, 7), (8, 0, 8), (1, 12, 12)])
def test_padding_stands_where_it_is_asked_for(side: Any, multiple: int, least: int, width: int) -> None:
    data = examples([4, 3, 2, 1])
    batch = laid(data, [[0, 1], [2], [3]], Padding(9, side, multiple, least))
    assert batch.ids.shape == (3, width)
    filled = batch.documents > 0
    assert (batch.ids[~filled] == 9).all()
    assert (batch.labels[~filled] == IGNORE).all()
    assert (batch.positions[~filled] == 0).all()
    assert batch.needs_positions
    for line, indices in enumerate([[0, 1], [2], [3]]):
        cells = np.flatnonzero(filled[line])
        assert np.array_equal(batch.ids[line, cells], np.concatenate([data.ids(i) for i in indices]))
        assert np.array_equal(cells, np.arange(len(cells)) + (width - len(cells) if side == "left" else 0))
    parts = batch.micro_batches(1)
    assert [part.ids.shape[1] for part in parts] == [Padding(9, side, multiple, least).width(n) for n in (7, 2, 1)]
    assert batch.cells(1) == sum(part.ids.size for part in parts)
    assert [p.supervised_tokens for p in parts] == [int((batch.labels[i] != IGNORE).sum()) for i in range(3)]


def test_rows_of_one_length_need_no_positions() -> None:
    assert not laid(examples([3, 3]), [[0], [1]], Padding(0, "left")).needs_positions
    assert not laid(examples([3, 2]), [[0], [1]], Padding(0)).needs_positions


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(8, 32))
def test_wrapping_loses_nothing_and_keeps_the_order(lengths: list[int], width: int) -> None:
    lines = wrap(list(range(len(lengths))), lengths, width)
    sizes = [sum(stop - start for _, start, stop in line) for line in lines]
    assert all(size == width for size in sizes[:-1])
    assert 0 < sizes[-1] <= width
    assert [(i, t) for line in lines for i, start, stop in line for t in range(start, stop)] == [
        (i, t) for i, length in enumerate(lengths) for t in range(length)
    ]


def test_a_wrapped_text_that_goes_on_is_not_predicted_from_nothing() -> None:
    data = examples([5, 9])
    plan = BatchPlan(data, TrainSection(batch_size=2, shuffle=False), TokensSection(packing="wrapped"), 8, 0)
    batch = plan.batch(1)
    assert batch.documents.tolist() == [[1] * 5 + [2] * 3, [1] * 6 + [0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2], [0, 1, 2, 3, 4, 5, 0, 0]]
    assert batch.labels[1].tolist() == [IGNORE, 104, 105, 106, 107, 108, IGNORE, IGNORE]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=300), st.integers(1, 7))
def test_grouping_keeps_every_row_and_pads_less(lengths: list[int], size: int) -> None:
    order = random.Random(0).sample(range(len(lengths)), len(lengths))
    grouped = group(order, [lengths[i] for i in order], size, random.Random(1))
    assert sorted(grouped) == sorted(order)

    def waste(rows: list[int]) -> int:
        parts = [[lengths[i] for i in rows[at : at + size]] for at in range(0, len(rows), size)]
        return sum(max(part) * len(part) - sum(part) for part in parts)

    if len(lengths) <= 50 * size and not len(lengths) % size:  # one stretch: sorted batches are the best there are
        assert waste(grouped) <= waste(order)


def test_grouped_batches_come_in_the_seeds_order_and_hold_rows_of_one_length() -> None:
    lengths = np.random.default_rng(0).integers(4, 60, 400).tolist()
    data = examples(lengths)
    train = TrainSection(batch_size=4, grad_accumulation=2)
    grouped = BatchPlan(data, train, TokensSection(group_by_length=True), 64, 0)
    plain = BatchPlan(data, train, TokensSection(), 64, 0)
    assert (
        grouped.batch(3).fingerprint
        == BatchPlan(data, train, TokensSection(group_by_length=True), 64, 0).batch(3).fingerprint
    )
    cells, tokens = grouped.cells()
    assert tokens == plain.cells()[1] == sum(lengths)
    assert 1 - tokens / cells < 0.03 < 0.2 < 1 - tokens / plain.cells()[0]
    first = [max(grouped.batch(step).ids.shape[1] for step in (at,)) for at in range(1, 11)]
    assert first != sorted(first, reverse=True), "not from long to short"
