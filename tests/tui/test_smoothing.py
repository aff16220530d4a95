"""The growing average is the engine's average."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.runs.series import MovingAverage, Series
from tui.smoothing import Smoother, beta_for


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    average = MovingAverage(beta)
    return [average.push(value) for value in values]


@given(st.lists(st.one_of(st.floats(-100, 100), st.just(math.nan)), max_size=30), st.integers(0, 30))
def test_growing_equals_whole(values: list[float], cut: int) -> None:
    series, smoother = Series(), Smoother(0.9)
    for i, value in enumerate(values):
        series.add(i + 1, value)
        if i == cut:
            smoother.update(series)
    grown = smoother.update(series)
    whole = smooth(values, 0.9)
    assert len(grown) == len(whole)
    for one, other in zip(grown, whole, strict=True):
        assert math.isnan(one) if math.isnan(other) else abs(one - other) < 1e-9


def test_a_series_that_was_cut_back_is_folded_anew() -> None:
    series, smoother = Series(), Smoother(0.9)
    for step in range(1, 11):
        series.add(step, float(step))
    smoother.update(series)
    series.rewind(4)
    for step in range(5, 13):
        series.add(step, 1.0)
    assert list(smoother.update(series)) == list(smooth(series.values, 0.9))


def test_long_runs_are_smoothed_more() -> None:
    assert beta_for(0) == beta_for(50) == 0.5
    assert beta_for(600) == 0.9
    assert beta_for(10**6) == 0.99
