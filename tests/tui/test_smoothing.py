"""The growing average is the engine's average."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.series import MovingAverage, Series
from tui.smoothing import Smoother, beta_for


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    average = MovingAverage(beta)
    return [average.push(value) for value in values]


def series_of(values: Sequence[float]) -> Series:
    series = Series()
    for i, value in enumerate(values):
        series.add(i + 1, value)
    return series


def same(one: Sequence[float], other: Sequence[float]) -> bool:
    return np.allclose(one, other, rtol=1e-6, atol=1e-6, equal_nan=True)


@given(st.lists(st.one_of(st.floats(-100, 100), st.just(math.nan)), max_size=30), st.integers(0, 30))
def test_growing_equals_whole(values: list[float], cut: int) -> None:
    series, smoother = Series(), Smoother(0.9)
    for i, value in enumerate(values):
        series.add(i + 1, value)
        if i == cut:
            smoother.update(series)
    grown = smoother.update(series)
    assert len(grown) == len(values)
    assert same(grown, smooth(values, 0.9))


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99, 0.9999])
def test_many_values_at_once_are_the_values_one_by_one(beta: float) -> None:
    """More than a chunk, and blocks of every length: the powers of 0.5 end after 500 values."""
    noise = np.random.default_rng(3)
    values = noise.normal(2.0, 0.5, 70_000)
    values[noise.integers(0, len(values), 200)] = math.nan
    values[20_000:20_400] = math.nan
    series = series_of(values.tolist())
    assert same(Smoother(beta).update(series), smooth(values.tolist(), beta))


def test_what_was_given_out_stays_when_the_series_grows() -> None:
    series, smoother = series_of([float(i) for i in range(100)]), Smoother(0.9)
    before = smoother.update(series)
    kept = before.tolist()
    for step in range(101, 3000):
        series.add(step, 1.0)
    assert len(smoother.update(series)) == 2999
    assert before.tolist() == kept


def test_a_series_that_was_cut_back_is_folded_anew() -> None:
    series, smoother = Series(), Smoother(0.9)
    for step in range(1, 11):
        series.add(step, float(step))
    smoother.update(series)
    series.rewind(4)
    for step in range(5, 13):
        series.add(step, 1.0)
    assert same(smoother.update(series), smooth(series.values, 0.9))


def test_long_runs_are_smoothed_more() -> None:
    assert beta_for(0) == beta_for(50) == 0.5
    assert beta_for(600) == 0.9
    assert beta_for(10**6) == 0.99
