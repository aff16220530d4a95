"""Smoothed curves that grow with their series: each new value is folded in once.

For a viewer that looks four times a second at a series of a million points; the average itself is
`engine.runs.series.MovingAverage`.
"""

from __future__ import annotations

import math
from array import array

import numpy as np

from engine.runs.series import MovingAverage, Series
from tui.plot import Floats

_SHARE = 60
"""The average looks back over about one part in this many of what is shown."""


def beta_for(shown_steps: float) -> float:
    """The weight of the past where this many steps are shown: 0.5 for few, 0.99 for many."""
    return min(0.99, max(0.5, 1 - _SHARE / max(1.0, shown_steps)))


class Smoother:
    """The smoothed values of one series."""

    def __init__(self, beta: float) -> None:
        self.beta = beta
        self._average = MovingAverage(beta)
        self._values = array("d")
        self._last = (-math.inf, math.nan)

    def update(self, series: Series) -> Floats:
        """Return the smoothed values, one for each of the series; a series that was cut back is folded anew."""
        done = len(self._values)
        if done > len(series) or (done and not self._is_last(series.steps[done - 1], series.values[done - 1])):
            self._average = MovingAverage(self.beta)
            self._values = array("d")
            done = 0
        self._values.extend(map(self._average.push, series.values[done:]))
        self._last = (series.steps[-1], series.values[-1]) if len(series) else (-math.inf, math.nan)
        return np.array(self._values)

    def _is_last(self, step: float, value: float) -> bool:
        last_step, last_value = self._last
        return step == last_step and (value == last_value or (math.isnan(value) and math.isnan(last_value)))
