"""Plans of bins: nothing is lost, nothing is too long, and they are full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokens.packing import _best_fit, pack

CAPACITY = 64
SIZES = st.lists(st.integers(1, CAPACITY), min_size=1, max_size=150)


def fill(lengths: list[int] | np.ndarray, capacity: int) -> float:
    return float(np.sum(lengths)) / (len(pack(lengths, capacity)) * capacity)


@given(SIZES)
def test_never_more_bins_than_best_fit(lengths: list[int]) -> None:
    bins = pack(lengths, CAPACITY)
    assert sorted(i for items in bins for i in items) == list(range(len(lengths)))
    assert all(0 < sum(lengths[i] for i in items) <= CAPACITY for items in bins)
    assert len(bins) <= _best_fit(np.sort(np.array(lengths))[::-1], CAPACITY)[1]


@pytest.mark.parametrize(("mean", "spread", "capacity"), [(5.1, 0.6, 2048), (4.7, 0.8, 2048), (6.5, 0.9, 4096)])
def test_rows_of_usual_lengths_fill_999_of_1000(mean: float, spread: float, capacity: int) -> None:
    generator = np.random.default_rng(0)
    lengths = np.clip(np.exp(generator.normal(mean, spread, 20_000)), 40, capacity).astype(int)
    assert fill(lengths, capacity) > 0.999


def test_equal_lengths_keep_their_order() -> None:
    assert pack([3, 3, 3, 3], 6) == [[0, 1], [2, 3]]


def test_what_leaves_nothing_free_is_preferred() -> None:
    """Best fit would lay 46 + 44 and 36 + 34 + 20, and have 20 left."""
    lengths = [46, 44, 36, 34, 20, 20]
    assert _best_fit(np.array(lengths), 100)[1] == 3
    assert [[lengths[i] for i in items] for items in pack(lengths, 100)] == [[46, 34, 20], [44, 36, 20]]
