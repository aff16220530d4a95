"""The scales of a chart: which range an axis shows, where its ticks are, and in which row of dots a value lies.

A range is never empty, also for a single number, for none, and for numbers at the ends of what arithmetic can bear.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from tui.canvas import Floats
from tui.ticks import Tick, linear_ticks, log_ticks, time_ticks

Axis = Literal["step", "tokens", "time"]
"""What the horizontal axis counts: optimiser steps, tokens, or seconds since the start."""

HUGE = 1e300
_OUTLIER_QUANTILE = 0.98
_OUTLIER_REACH = 3.0
_ENOUGH_COLUMNS = 16
_MORE_TICKS = 6
"""How many more ticks than wanted may be tried until two fall on different lines."""
_DECADES = 1e-15
"""A logarithmic axis reaches down to this part of its upper bound; what is less lies on the lower bound."""


def widened(low: float, high: float, least: float) -> tuple[float, float]:
    """A range that is not empty, also for a single number."""
    if high - low > 1e-12 * max(abs(low), abs(high)) and high - low > 1e-290:
        return low, high
    margin = max(abs(low) * 0.1, least if low == 0 else abs(low) * 0.1, 1e-280)
    return low - margin, high + margin


def value_range(
    lows: Floats, highs: Floats, log_y: bool, full: bool, from_zero: bool
) -> tuple[tuple[float, float], float | None]:
    """The range of the upright axis, and the largest value that it leaves out (None where it shows all)."""
    if not len(highs):
        return (0.1, 1.0) if log_y else (0.0, 1.0), None
    low, high, above = float(lows.min()), float(highs.max()), None
    if not full and not log_y and len(highs) >= _ENOUGH_COLUMNS:
        usual = float(np.quantile(highs, _OUTLIER_QUANTILE))
        cap = usual + _OUTLIER_REACH * (usual - low)
        if high > cap > low:
            above, high = high, float(highs[highs <= cap].max())
    non_negative = low >= 0
    if from_zero and not log_y:
        low, high = min(low, 0.0), max(high, 0.0)
    low, high = widened(low, high, 0.5)
    if log_y:
        low = max(low, high * _DECADES)
        ratio = (high / low) ** 0.04
        return (low / ratio, high * ratio), above
    margin = (high - low) * 0.04
    low = low - margin
    return (max(0.0, low) if non_negative else low, high + margin), above


class RowScale:
    """Maps values to rows of dots (0 at the top), as floats within the canvas."""

    def __init__(self, y_range: tuple[float, float], dot_rows: int, log_y: bool) -> None:
        self.log_y = log_y
        self.low, self.high = (math.log10(v) for v in y_range) if log_y else y_range
        self.last = dot_rows - 1

    def __call__(self, values: Floats) -> Floats:
        values = np.log10(values) if self.log_y else values
        rows = (self.high - values) / (self.high - self.low) * self.last
        return np.asarray(np.clip(rows, 0, self.last), dtype=np.float64)

    def line(self, value: float, dots: int) -> int:
        """The line of cells, each `dots` rows of dots high, in which a value lies."""
        return int(self(np.array([value]))[0] + 0.5) // dots


def value_ticks(to_row: RowScale, y_range: tuple[float, float], lines: int) -> list[Tick]:
    """At least two where there are any: one number alone does not make a scale."""
    count = max(2, min(8, lines * 2 // 5))
    ticks: list[Tick] = []
    for more in range(count, count + _MORE_TICKS):
        ticks = log_ticks(*y_range, more) if to_row.log_y else linear_ticks(*y_range, more)
        if len({to_row.line(value, (to_row.last + 1) // lines) for value, _ in ticks}) >= 2:
            break
    return ticks


def axis_ticks(x_range: tuple[float, float], columns: int, axis: Axis, whole: bool) -> list[Tick]:
    """Ticks of the lying axis, about one in fourteen columns."""
    count = max(2, columns // 14)
    if axis == "time":
        return time_ticks(*x_range, count)
    return linear_ticks(*x_range, count, whole=whole)
