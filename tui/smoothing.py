"""Smoothed curves that grow with their series: each new value is folded in once.

For a viewer that looks four times a second at a series of a million points. The average itself is
`engine.runs.series.MovingAverage`; many values at once are folded by numpy, to the same result within seven digits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.runs.series import Column, Series, as_array, beta_for

__all__ = ["Smoother", "beta_for"]

_CHUNK = 1 << 16
"""Values that are folded at once: what that takes in between stays small."""
_LARGEST = 1e150
"""How far the powers of a block may grow: its length is chosen by it."""
_LONGEST = 4096


class Smoother:
    """The smoothed values of one series."""

    def __init__(self, beta: float) -> None:
        self.beta = beta
        self._last = (-math.inf, math.nan)
        self._restart()

    def _restart(self) -> None:
        self._values = Column("f")
        self._total = self._weight = 0.0

    def update(self, series: Series) -> NDArray[Any]:
        """Return the smoothed values, one for each of the series; a series that was cut back is folded anew.

        They are not copied, and not to be written to.
        """
        done = self._values.count
        if done > len(series) or (done and not self._is_last(series.steps[done - 1], series.values[done - 1])):
            self._restart()
            done = 0
        _, values = series.numpy()
        for start in range(done, len(series), _CHUNK):
            chunk = np.asarray(values[start : start + _CHUNK], dtype=np.float64)
            smoothed: Any = self._fold(chunk).astype(np.float32)
            self._values.extend(smoothed)
        self._last = (series.steps[-1], series.values[-1]) if len(series) else (-math.inf, math.nan)
        return as_array(self._values.view)

    def _fold(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Go on with `values`; a gap stays a gap and changes nothing."""
        finite = np.isfinite(values)
        known = values if finite.all() else values[finite]
        if not len(known):
            return np.full(len(values), np.nan)
        means = np.empty(len(known))
        for start in range(0, len(known), self._block):
            means[start : start + self._block] = self._fold_block(known[start : start + self._block])
        if len(known) == len(values):
            return means
        with_gaps = np.full(len(values), np.nan)
        with_gaps[finite] = means
        return with_gaps

    @property
    def _block(self) -> int:
        return _LONGEST if self.beta == 0 else max(1, min(_LONGEST, int(math.log(_LARGEST) / -math.log(self.beta))))

    def _fold_block(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The recurrence `total = beta * total + (1 - beta) * value` in closed form: a cumulative sum over powers of beta."""
        if self.beta == 0:
            self._total, self._weight = float(values[-1]), 1.0
            return values
        powers = self.beta ** np.arange(1, len(values) + 1)
        totals = powers * (self._total + (1 - self.beta) * np.cumsum(values / powers))
        weights = 1 - powers * (1 - self._weight)
        self._total, self._weight = float(totals[-1]), float(weights[-1])
        return np.asarray(totals / weights)

    def _is_last(self, step: float, value: float) -> bool:
        last_step, last_value = self._last
        return step == last_step and (value == last_value or (math.isnan(value) and math.isnan(last_value)))
