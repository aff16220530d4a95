"""The scales of a chart: which range an axis shows, where its ticks are, and in which row of dots a value lies.

A range is never empty, also for a single number, for none, and for numbers at the ends of what arithmetic can bear.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from tui.canvas import Floats
from tui.ticks import Tick, linear_ticks, log_ticks, nice_step, ticks_every, time_ticks

Axis = Literal["step", "tokens", "time"]
"""What the horizontal axis counts: optimiser steps, tokens, or seconds since the start."""

HUGE = 1e300
_OUTLIER_QUANTILE = 0.98
_OUTLIER_REACH = 3.0
_ENOUGH_COLUMNS = 16
_MORE_TICKS = 6
"""How many more ticks than wanted may be tried until two fall on different lines."""
_WORTH_OF_A_TICK = 0.1
"""A range may be wider by this part for each tick that it has more."""
_MIDDLE = 1.4
"""The row of dots within a cell that a tick's value falls on: the one at the line which is drawn through its middle."""
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
    """Maps values to rows of dots (0 at the top), as floats within the canvas.

    Invariant: the value of a tick falls on the middle of the tick's line of cells, so that lines, marks and labels agree.
    """

    def __init__(self, y_range: tuple[float, float], dot_rows: int, log_y: bool, ticks: list[Tick], dots: int) -> None:
        """`ticks` that do not fall on the middle of a line bend the scale, by half a cell at most."""
        self.log_y = log_y
        self.low, self.high = (math.log10(v) for v in y_range) if log_y else y_range
        self.last, self.dots = dot_rows - 1, dots
        self._at: Floats = np.zeros(0)
        self._shift: Floats = np.zeros(0)
        rows = self(np.array(sorted((value for value, _ in ticks), reverse=True)))
        lines = (rows + 0.5).astype(int) // dots
        one_each = np.unique(lines, return_index=True)[1]
        at = rows[one_each]
        self._shift = lines[one_each] * dots + _middle(dots) - at
        self._at = at

    def __call__(self, values: Floats) -> Floats:
        values = np.log10(values) if self.log_y else values
        rows = np.clip((self.high - values) / (self.high - self.low) * self.last, 0, self.last)
        if len(self._at):
            rows = np.clip(rows + np.interp(rows, self._at, self._shift), 0, self.last)
        return np.asarray(rows, dtype=np.float64)

    def line(self, value: float) -> int:
        """The line of cells in which a value lies."""
        return int(self(np.array([value]))[0] + 0.5) // self.dots


def _middle(dots: int) -> float:
    return _MIDDLE if dots > 1 else 0.0


def row_scale(y_range: tuple[float, float], lines: int, dots: int, log_y: bool) -> tuple[RowScale, list[Tick]]:
    """The scale of a chart with an upright axis, and its ticks: at least two, as one number alone does not make a scale."""
    count = max(2, min(8, lines * 2 // 5))
    if not log_y and (fitted := _fitted(y_range, lines, dots, count)) is not None:
        y_range, ticks = fitted
        return RowScale(y_range, lines * dots, log_y, ticks, dots), ticks
    plain = RowScale(y_range, lines * dots, log_y, [], dots)
    ticks = []
    for more in range(count, count + _MORE_TICKS):
        ticks = log_ticks(*y_range, more) if log_y else linear_ticks(*y_range, more)
        if len({plain.line(value) for value, _ in ticks}) >= 2:
            break
    return RowScale(y_range, lines * dots, log_y, ticks, dots), ticks


def _fitted(
    y_range: tuple[float, float], lines: int, dots: int, count: int
) -> tuple[tuple[float, float], list[Tick]] | None:
    """The narrowest range around `y_range` with a whole number of lines between two ticks, and these; None where none is."""
    low, high = y_range
    above, below = _middle(dots) / dots, (dots - 1 - _middle(dots)) / dots
    found: list[tuple[float, int, tuple[float, float], list[Tick]]] = []
    for step in {nice_step(high - low, n) for n in range(1, count + 2)} - {0.0}:
        for apart in range(lines, 0, -1):
            each = step / apart
            bottom = math.floor(low / each + below + 1e-9) * each
            drawn = bottom - below * each, bottom + (lines - 1 + above) * each
            if drawn[1] < high or drawn[0] >= drawn[1]:
                continue
            ticks = ticks_every(*drawn, step)
            if 2 <= len(ticks) <= count + 1:
                missing = max(0, count - len(ticks))
                found.append((each * (1 + _WORTH_OF_A_TICK * missing), -len(ticks), drawn, ticks))
            break
    return min(found)[2:] if found else None


def axis_ticks(x_range: tuple[float, float], columns: int, axis: Axis, whole: bool) -> list[Tick]:
    """Ticks of the lying axis, about one in fourteen columns."""
    count = max(2, columns // 14)
    if axis == "time":
        return time_ticks(*x_range, count)
    return linear_ticks(*x_range, count, whole=whole)
