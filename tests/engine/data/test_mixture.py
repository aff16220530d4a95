"""Mixtures: shares kept at every point, nothing repeated before all was seen, the same order whenever it is asked for."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.mixture import Mixture, apportion, interleave, table
from engine.errors import DataError

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=5)


@given(sizes=SIZES, data=st.data())
def test_counts_follow_the_weights_and_every_row_comes_before_any_comes_again(
    sizes: list[int], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.floats(0.1, 10), min_size=len(sizes), max_size=len(sizes)))
    mixture = Mixture(sizes, weights, seed=3)
    assert sum(mixture.counts) == sum(sizes)
    seen = [Counter[int]() for _ in sizes]
    for epoch in range(3):
        for source, row in mixture.order(epoch):
            seen[source][row] += 1
            most, least = max(seen[source].values()), min(seen[source][i] for i in range(sizes[source]))
            assert most - least <= 1, "a row came again before another came"
    assert [sum(counter.values()) for counter in seen] == mixture.drawn(3 * mixture.epoch_rows)


@given(sizes=SIZES, budget=st.integers(1, 400))
def test_the_table_says_what_is_drawn(sizes: list[int], budget: int) -> None:
    weights = [float(i + 1) for i in range(len(sizes))]
    mixture = Mixture(sizes, weights, seed=0)
    order = [pair for epoch in range(budget // mixture.epoch_rows + 1) for pair in mixture.order(epoch)][:budget]
    drawn = Counter(source for source, _ in order)
    times = Counter(order)
    for row in table([str(i) for i in range(len(sizes))], sizes, weights, budget):
        own = [times[(row.source, i)] for i in range(row.rows)]
        assert row.drawn == drawn[row.source] == sum(own)
        assert row.unseen == own.count(0)
        assert row.repeated == sum(count > 1 for count in own)
        assert row.epochs == pytest.approx(row.drawn / row.rows)


def test_any_stretch_has_the_shares() -> None:
    pattern = interleave([700, 200, 100])
    for start in range(0, 900, 50):
        part = Counter(pattern[start : start + 100].tolist())
        assert [round(part[i] / 100, 1) for i in range(3)] == [0.7, 0.2, 0.1]


def test_the_order_is_the_seeds_and_epochs_differ() -> None:
    one, same, other = (Mixture([50, 20], [1, 1], seed) for seed in (1, 1, 2))
    assert one.order(4) == same.order(4) != other.order(4)
    assert one.order(0) != one.order(1)
    straight = Mixture([4, 2], [2, 1], 0, shuffle=False)
    assert [row for source, row in straight.order(0) if source == 0] == [0, 1, 2, 3]


def test_apportioning() -> None:
    assert apportion(10, [0.5, 0.3, 0.2]) == [5, 3, 2]
    assert apportion(10, [0.98, 0.01, 0.01]) == [8, 1, 1]
    assert apportion(1, [0.5, 0.5]) == [1, 0]
    assert apportion(0, [0.5, 0.5]) == [0, 0]
    with pytest.raises(DataError, match=r"data\[1\] of the mixture has no rows"):
        Mixture([3, 0], [1, 1], 0)


def test_tokens_give_their_shares() -> None:
    short, long = table(["short", "long"], [100, 100], [1, 1], 100, tokens=[1000, 3000])
    assert (short.drawn, long.drawn) == (50, 50)
    assert (short.token_share, long.token_share) == (0.25, 0.75)
