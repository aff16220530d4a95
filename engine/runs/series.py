"""Series of numbers over steps: what charts and sparklines are drawn from.

Append-only and compact (8 bytes a number), with NaN for a value that was not finite. A resumed run writes the steps
after its checkpoint again, so a series can be cut back to a step.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence

SPARK_BLOCKS = "⣀⣤⣶⣿"


class Series:
    """`values` over ascending `steps`; NaN marks a gap."""

    __slots__ = ("steps", "values")

    def __init__(self) -> None:
        self.steps = array("d")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, step: float, value: float | None) -> None:
        """Append a point; None is a gap. A step that is not beyond the last one cuts the series back first."""
        if self.steps and step <= self.steps[-1]:
            self.rewind(step - 1)
        self.steps.append(step)
        self.values.append(math.nan if value is None else value)

    def rewind(self, step: float) -> None:
        """Forget every point after `step`."""
        keep = bisect_right(self.steps, step)
        del self.steps[keep:]
        del self.values[keep:]

    @property
    def last(self) -> float | None:
        """The newest value; None where there is none, or where it is not finite."""
        return self.values[-1] if self.values and math.isfinite(self.values[-1]) else None

    @property
    def lowest(self) -> tuple[float, float] | None:
        """(step, value) of the smallest finite value."""
        best = min(((v, s) for s, v in zip(self.steps, self.values, strict=True) if math.isfinite(v)), default=None)
        return None if best is None else (best[1], best[0])


class MovingAverage:
    """Exponential moving average with the bias of its start removed (Adam's correction), one value at a time.

    A constant series stays constant, and a gap stays a gap. Raises ValueError unless 0 <= beta < 1.
    """

    __slots__ = ("_total", "_weight", "beta")

    def __init__(self, beta: float = 0.9) -> None:
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be in [0, 1), not {beta}")
        self.beta = beta
        self._total = self._weight = 0.0

    def push(self, value: float) -> float:
        """Fold `value` in and return the average so far; NaN for a value that is not finite."""
        if not math.isfinite(value):
            return math.nan
        self._total = self.beta * self._total + (1 - self.beta) * value
        self._weight = self.beta * self._weight + (1 - self.beta)
        return self._total / self._weight


def sparkline(values: Sequence[float], width: int) -> str:
    """Return `width` block characters for the course of `values` (means of equal parts); gaps are spaces."""
    if not values or width < 1:
        return ""
    count = len(values)
    width = min(width, count)
    means = []
    for i in range(width):
        part = [v for v in values[i * count // width : (i + 1) * count // width] if math.isfinite(v)]
        means.append(sum(part) / len(part) if part else math.nan)
    finite = [m for m in means if math.isfinite(m)]
    if not finite:
        return " " * width
    low, high = min(finite), max(finite)
    scale = (len(SPARK_BLOCKS) - 1e-9) / (high - low) if high > low else 0.0
    return "".join(" " if math.isnan(m) else SPARK_BLOCKS[int((m - low) * scale)] for m in means)
