"""Charts: nothing is lost, nothing breaks, a million points are quick."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.canvas import fold
from tui.plot import Curve, Flags, Plot, Style, draw, spark
from tui.ticks import compact, linear_ticks, log_ticks, moment, nice_ceiling, nice_step, time_ticks


def text(plot: Plot) -> list[str]:
    return ["".join(piece for piece, _ in row) for row in plot.rows]


def curve(y: list[float], ink: str = "train", mark: str = "") -> Curve:
    return Curve(np.arange(1, len(y) + 1, dtype=float), np.array(y, dtype=float), ink, mark)


numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(numbers, max_size=40),
    st.integers(1, 70),
    st.integers(1, 20),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), numbers),
)
def test_any_numbers_at_any_size(
    y: list[float], width: int, height: int, log_y: bool, ascii_only: bool, full: bool, cursor: float | None
) -> None:
    if cursor is not None and not np.isfinite(cursor):
        cursor = None
    style = Style(log_y=log_y, ascii_only=ascii_only, full=full, cursor_x=cursor)
    plot = draw([curve(y), curve(y, "eval", "o")], width, height, style)
    lines = text(plot)
    assert len(lines) == height
    assert all(len(line) == width for line in lines)
    assert "\u2800" not in "".join(lines)
    if ascii_only:
        assert "".join(lines).isascii()


def test_one_spike_among_a_million_is_drawn_quickly() -> None:
    x = np.arange(1_000_000, dtype=float)
    y = np.full(1_000_000, 2.0)
    y[123_456] = 3.0
    draw([Curve(x, y, "raw")], 200, 50, Style(full=True))
    start = time.perf_counter()
    plot = draw([Curve(x, y, "raw")], 200, 50, Style(full=True))
    assert time.perf_counter() - start < 0.1  # 5 ms on an idle machine
    column = plot.left + plot.column_of(123_456)
    assert any(line[column] not in " ┈" for line in text(plot)[:12]), "in the upper quarter"


@given(
    st.lists(st.one_of(st.floats(-1e3, 1e3, width=32), st.just(float("nan"))), min_size=1, max_size=60),
    st.integers(2, 30),
    st.floats(-10, 60),
    st.floats(1, 80),
    st.sampled_from(["f4", "f8"]),
)
def test_columns_hold_what_falls_into_them(y: list[float], count: int, start: float, width: float, kind: str) -> None:
    xs, ys = np.arange(len(y), dtype=kind), np.array(y, dtype=kind)
    spans = fold(xs, ys, (start, start + width), count)
    each = width / (count - 1)
    found = {int(c): (lo, hi) for c, lo, hi in zip(spans.column, spans.low, spans.high, strict=True)}
    points = [(x, v) for x, v in zip(xs, ys, strict=True) if np.isfinite(v) and start <= x <= start + width]
    for x, value in points:
        near = {round((x - start) / each + shift) for shift in (-0.01, 0.0, 0.01)}
        assert any(c in found and found[c][0] <= value <= found[c][1] for c in near)
    assert len(found) <= len(points)
    for i in range(
        len(spans.column) - 1
    ):  # joined: no gap between the last point of one column and the first of the next
        a, b = spans.last[i], spans.first[i + 1]
        if len(set(y)) == len(y):
            first, last = (int(np.flatnonzero(ys == v)[0]) for v in (a, b))
            assert spans.joined[i] == (not np.isnan(ys[first:last]).any())


def test_times_are_in_words() -> None:
    assert [label for _, label in time_ticks(0, 40, 4)] == ["0", "10 s", "20 s", "30 s", "40 s"]
    assert [label for _, label in time_ticks(0, 7200, 4)] == ["0", "30 min", "1 h", "1 h 30", "2 h"]
    assert [label for _, label in time_ticks(60, 120, 4)] == ["1:00", "1:15", "1:30", "1:45", "2:00"]
    assert [label for _, label in time_ticks(0, 3 * 86400, 3)] == ["0", "1 d", "2 d", "3 d"]
    assert time_ticks(5, 5, 3) == []
    assert moment(93_784) == "1 d 2 h"


def test_a_window_cuts_lines_at_its_edges_and_shows_few_points_as_dots() -> None:
    x, y = np.array([0.0, 10.0, 20.0, 30.0]), np.array([1.0, 2.0, 1.0, 2.0])
    plot = draw([Curve(x, y, "train", dot="•")], 60, 12, Style(x_range=(5.0, 25.0), grid=False))
    lines = text(plot)
    assert sum(line.count("•") for line in lines) == 2
    assert any(line[plot.left] != " " for line in lines[: plot.lines])
    assert any(line[-1] != " " for line in lines[: plot.lines])
    assert plot.y_range[0] < 1.5 < plot.y_range[1]


def test_signs_stand_where_they_belong() -> None:
    x, y = np.arange(100.0), np.linspace(2, 1, 100)
    flags = [
        Flags(np.array([50.0]), "x", "bad", "bottom"),
        Flags(np.array([20.0]), "!", "warn", "top"),
        Flags(np.array([30.0, 500.0]), "s", "memory", "floor"),
        Flags(np.array([99.0]), "b", "eval", "value", np.array([1.0])),
    ]
    plot = draw([Curve(x, y, "train")], 60, 12, Style(grid=False), flags)
    lines = text(plot)
    assert lines[plot.lines - 1][plot.left + plot.column_of(50)] == "x"
    assert lines[0][plot.left + plot.column_of(20)] == "!"
    assert lines[plot.lines].count("s") == 1
    assert lines[plot.lines][plot.left + plot.column_of(30)] == "s"
    assert "b" in lines[plot.lines - 1]


def test_gaps_stay_gaps_and_take_no_part_in_the_range() -> None:
    y = [2.0] * 10 + [np.nan] * 10 + [2.0] * 10
    plot = draw([curve(y)], 60, 8, Style(grid=False))
    drawn = {x for line in text(plot)[:6] for x, char in enumerate(line[plot.left :]) if char != " "}
    assert plot.column_of(5) in drawn
    assert plot.column_of(25) in drawn
    assert plot.column_of(15) not in drawn
    assert plot.y_range[0] >= 0


def test_a_first_step_spike_does_not_flatten_the_rest_and_is_said() -> None:
    y = [50.0] + [2.0 - i / 1000 for i in range(500)]
    plot = draw([curve(y)], 80, 20)
    assert plot.above == 50.0
    assert plot.y_range[1] < 3
    assert "▲" in text(plot)[0]
    whole = draw([curve(y)], 80, 20, Style(full=True))
    assert whole.above is None
    assert whole.y_range[1] >= 50


def test_a_usual_training_curve_is_shown_whole() -> None:
    steps = np.arange(1, 1201, dtype=float)
    plot = draw([Curve(steps, 1.8 + 8 * np.exp(-steps / 150), "train")], 90, 20)
    assert plot.above is None


@pytest.mark.parametrize("y", [[3.0], [0.0, 0.0, 0.0], [1e300, -1e300], [5e-324, 1e-323], [-4.0, -2.0]])
def test_odd_ranges_have_increasing_bounds(y: list[float]) -> None:
    low, high = draw([curve(y)], 40, 10).y_range
    assert low < high


def test_non_negative_numbers_have_no_axis_below_zero() -> None:
    assert draw([curve([0.0, 0.5, 0.001])], 60, 12).y_range[0] == 0.0


def test_evaluations_are_told_apart_without_colour() -> None:
    train, held_out = curve([3.0, 2.0, 1.0] * 10), curve([2.5] * 30, "eval", "◆")
    assert "◆" in "".join(text(draw([train, held_out], 60, 12)))


def test_a_steep_line_has_no_holes() -> None:
    plot = draw([curve([0.0, 10.0, 0.0, 10.0])], 20, 10, Style(axes=False))
    for line in text(plot):
        assert line.strip(), "every row is crossed"


def test_an_area_reaches_the_bottom_in_its_own_ink() -> None:
    filled = Curve(np.array([0.0, 1.0]), np.array([1.0, 1.0]), "rate", fill="rate-fill")
    plot = draw([filled], 10, 4, Style(axes=False, from_zero=True))
    assert {ink for _, ink in plot.rows[-1]} == {"rate-fill"}
    assert any(ink == "rate" for _, ink in plot.rows[0])


def test_the_cursor_is_a_line_that_gives_way_to_the_data() -> None:
    plot = draw([curve([1.0, 2.0, 3.0])], 40, 10, Style(cursor_x=2.0))
    column = plot.left + plot.column_of(2.0)
    assert sum(line[column] == "│" for line in text(plot)[:8]) >= 5


def test_columns_and_values_lead_to_each_other() -> None:
    plot = draw([curve([1.0] * 100)], 80, 10)
    for column in range(plot.columns):
        assert plot.column_of(plot.x_at(column)) == column


def test_spark() -> None:
    assert spark(np.array([4.0, 3, 2, 1]), 4, "1234") == "4321"
    assert spark(np.array([np.nan, 1.0]), 3, "12") == " 1 "
    assert spark(np.zeros(0), 3, "12") == "   "
    assert len(spark(np.random.default_rng(0).normal(size=1000), 8, "▁▂▃▄▅▆▇█")) == 8


@given(st.floats(1e-3, 1e3), st.floats(1.01, 20), st.integers(5, 20), st.booleans())
def test_a_scale_has_two_numbers(low: float, factor: float, height: int, log_y: bool) -> None:
    plot = draw([curve([low, low * factor])], 40, height, Style(log_y=log_y))
    labels = [line[: plot.left - 1].strip() for line in text(plot)[: plot.lines]]
    assert len([label for label in labels if label]) >= 2
    assert len({label for label in labels if label}) == len([label for label in labels if label])


@given(st.floats(1e-12, 1e12), st.integers(1, 12))
def test_steps_are_round(span: float, ticks: int) -> None:
    step = nice_step(span, ticks)
    mantissa = float(f"{step:.3e}".split("e")[0])
    assert mantissa in (1.0, 2.0, 2.5, 5.0)
    assert span / step <= ticks + 1e-3


def test_ticks() -> None:
    assert [label for _, label in linear_ticks(1.4, 3.6, 5)] == ["1.5", "2.0", "2.5", "3.0", "3.5"]
    assert [label for _, label in linear_ticks(0, 1200, 4, whole=True)] == ["0", "500", "1000"]
    assert [label for _, label in linear_ticks(0, 40_000, 4)] == ["0", "10k", "20k", "30k", "40k"]
    assert [value for value, _ in log_ticks(0.5, 60, 6)] == [0.5, 1, 2, 5, 10, 20, 50]
    assert log_ticks(0, 1, 3) == []
    assert linear_ticks(0, 0, 5) == []
    assert [compact(v) for v in (0, 1_500_000, 0.00012, 250)] == ["0", "1.5M", "1.2e-4", "250"]
    assert [nice_ceiling(v) for v in (1, 340, 401, 96)] == [1, 400, 500, 100]


def _lines_of(plot: Plot, column: int) -> list[int]:
    """The lines in which something is drawn in a column of the drawing area."""
    return [i for i, line in enumerate(text(plot)[: plot.lines]) if line[plot.left + column] not in " ┈."]


@given(st.floats(1e-3, 1e3), st.floats(1.05, 30), st.integers(7, 30), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_value_at_a_tick_is_drawn_on_its_line(
    low: float, factor: float, height: int, log_y: bool, ascii_only: bool
) -> None:
    style = Style(log_y=log_y, ascii_only=ascii_only)
    ends = [low, low * factor]
    sketch = draw([curve(ends)], 60, height, style)
    ticks = {
        i: float(label.replace("k", "e3"))
        for i, line in enumerate(text(sketch)[: sketch.lines])
        if (label := line[: sketch.left - 1].strip())
    }
    for i, value in ticks.items():
        if low <= value <= low * factor:
            for mark in ("", "◆"):
                flat = Curve(np.array([1.0, 1.4, 1.8]), np.full(3, value), "train", mark)
                bounds = [Curve(np.array([x]), np.array([y]), "eval") for x, y in enumerate(ends, 1)]
                plot = draw([flat, *bounds], 60, height, style)
                assert text(plot)[i][: plot.left] == text(sketch)[i][: plot.left]
                assert i in _lines_of(plot, plot.column_of(1.4))


def test_a_small_loss_lies_not_below_the_tick_of_zero() -> None:
    y = [3.4 * 0.98**i + 0.025 for i in range(400)]
    for height in range(7, 30):
        plot = draw([curve(y)], 80, height)
        labels = [line[: plot.left - 1].strip() for line in text(plot)[: plot.lines]]
        zero = next(i for i, label in enumerate(labels) if label and float(label) == 0)
        char = text(plot)[zero][plot.left + plot.column_of(390)]
        assert ord(char) & 0xE4 == 0, "its dots lie in the upper half of the cell, at or above the line of the tick"
        assert ord(char) - 0x2800 > 0
