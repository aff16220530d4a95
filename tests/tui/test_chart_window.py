"""The window of a chart: it stays within its bounds whatever is done to it, and what was zoomed comes back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.chart_window import Bounds, Window

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
usual = st.builds(
    lambda low, width, share: Bounds(low, low + width, low + share * width, width / 1000),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e9),
    st.floats(0, 1),
)
doings = st.lists(st.tuples(st.sampled_from(["zoom", "pan", "hold", "follow", "move"]), numbers, numbers), max_size=12)


def do(window: Window, bounds: Bounds, what: str, one: float, other: float) -> Window:
    match what:
        case "zoom":
            return window.zoomed(one, bounds, None if math.isnan(other) else other)
        case "pan":
            return window.panned(one, bounds)
        case "hold" if math.isfinite(one):
            return window.holding(one, bounds)
        case "move" if math.isfinite(one):
            return window.moved_to(one, bounds, other > 0)
        case "follow":
            return window.following()
    return window


@given(numbers, numbers, numbers, numbers, doings)
def test_nothing_leads_out_of_the_bounds(
    low: float, high: float, newest: float, least: float, acts: list[tuple[str, float, float]]
) -> None:
    low, high = (math.copysign(min(abs(v), 1e15), v) if not math.isnan(v) else v for v in (low, high))
    bounds = Bounds(low, high, newest, least)
    assert bounds.low < bounds.high
    window = Window()
    for act in acts:
        window = do(window, bounds, *act)
        start, end = window.shown(bounds)
        slack = 1e-9 * max(abs(bounds.low), abs(bounds.high))
        assert start < end
        assert start >= bounds.low - slack
        assert end <= bounds.high + slack


@given(usual, st.floats(0.05, 0.95), st.floats(1.1, 8.0), st.floats(0, 1))
def test_zooming_in_and_out_again_comes_back(bounds: Bounds, share: float, factor: float, where: float) -> None:
    before = Window().zoomed(4, bounds, bounds.low + share * bounds.width)
    low, high = before.shown(bounds)
    at = low + where * (high - low)
    after = before.zoomed(factor, bounds, at).zoomed(1 / factor, bounds, at)
    assert after.shown(bounds) == pytest.approx((low, high), abs=bounds.width * 1e-6 + 1e-6)


@given(usual, st.floats(0.1, 0.9))
def test_zooming_out_ends_with_everything(bounds: Bounds, share: float) -> None:
    window = Window().zoomed(50, bounds, bounds.low + share * bounds.width)
    for _ in range(10):
        window = window.zoomed(0.5, bounds)
    assert window.whole
    assert window.shown(bounds) == (bounds.low, bounds.high)


@given(usual, st.floats(1.5, 100))
def test_a_window_that_follows_holds_the_newest(bounds: Bounds, factor: float) -> None:
    low, high = Window().zoomed(factor, bounds).shown(bounds)
    assert low - 1e-6 * bounds.width <= bounds.newest <= high + 1e-6 * bounds.width


@given(usual, st.floats(1.5, 100), st.lists(st.floats(0, 0.002), max_size=20))
def test_a_window_that_follows_moves_in_leaps(bounds: Bounds, factor: float, growth: list[float]) -> None:
    window, newest = Window().zoomed(factor, bounds), bounds.newest
    windows = set()
    for part in growth:
        newest = min(bounds.high, newest + part * bounds.width)
        windows.add(window.shown(Bounds(bounds.low, bounds.high, newest, bounds.least)))
    assert len(windows) <= 2 + 8 * factor * sum(growth)


def test_panning_to_the_end_follows_again() -> None:
    bounds = Bounds(0, 1000, 800, 4)
    window = Window().zoomed(10, bounds)
    assert window.follow
    back = window.panned(-0.5, bounds)
    assert not back.follow
    assert back.shown(bounds)[0] < window.shown(bounds)[0]
    assert back.panned(0.6, bounds).follow
    assert back.following().shown(bounds) == window.shown(bounds)
    assert Window().panned(0.5, bounds) == Window()


def test_what_is_looked_for_is_brought_into_view() -> None:
    bounds = Bounds(0, 1000, 1000, 4)
    window = Window(400, 100, False)
    assert window.holding(450, bounds) == window
    assert window.holding(390, bounds).shown(bounds) == (390, 490)
    assert window.holding(600, bounds).shown(bounds) == (500, 600)
    assert Window().holding(5, bounds).whole


def test_there_is_a_narrowest_window() -> None:
    bounds = Bounds(0, 1000, 1000, 4)
    window = Window()
    for _ in range(40):
        window = window.zoomed(2, bounds, 500)
    assert window.width == 4
