"""The curves of a run: from its series to drawn charts. Here numpy comes in, after the first frame.

Series are copied before they are drawn: they may grow meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.runs.series import Series
from engine.runs.view import RunView
from tui.plot import Curve, Floats, Plot, Style, draw, spark
from tui.rows import Row
from tui.smoothing import Smoother, beta_for
from tui.ticks import nice_ceiling


def numbers(series: Series | None) -> tuple[Floats, Floats]:
    """Copies of steps and values."""
    if series is None:
        return np.zeros(0), np.zeros(0)
    return np.array(series.steps), np.array(series.values)


def steps_range(view: RunView) -> tuple[float, float] | None:
    """From zero to a round number at or beyond the newest step, but not beyond the last planned one."""
    last = max((series.steps[-1] for series in view.series.values() if len(series)), default=0.0)
    if not last:
        return None
    ceiling, total = nice_ceiling(last), float(view.total_steps)
    return (0.0, min(ceiling, total) if total >= last else ceiling)


@dataclass(frozen=True)
class Reading:
    """The values at one step. What was not measured by then is None."""

    step: float
    train: float
    smoothed: float
    held_out: float | None
    learning_rate: float | None


class LossCurves:
    """Train loss, raw and smoothed, and evaluation loss of one run."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self._smoother = Smoother(0.0)

    def plot(self, width: int, height: int, style: Style, mark: str) -> Plot:
        """Draw them. The view must have a loss."""
        x, raw = numbers(self.view.series["loss"])
        eval_x, eval_y = numbers(self.view.series.get("eval_loss"))
        curves = [
            Curve(x, raw, "raw", ascii_char="."),
            Curve(x, self._smoothed(), "train"),
            Curve(eval_x, eval_y, "eval", mark=mark),
        ]
        return draw(curves, width, height, style)

    def _smoothed(self) -> Floats:
        """The average fits what is shown: it is folded anew when the axis grows, which is seldom."""
        shown = steps_range(self.view)
        beta = beta_for(shown[1] if shown else 1.0)
        if beta != self._smoother.beta:
            self._smoother = Smoother(beta)
        return self._smoother.update(self.view.series["loss"])

    def read(self, step: float) -> Reading:
        """The values at the measured step nearest to `step`."""
        x, raw = numbers(self.view.series["loss"])
        index = int(np.argmin(np.abs(x - step)))
        eval_x, eval_y = numbers(self.view.series.get("eval_loss"))
        before = np.flatnonzero(eval_x <= x[index])
        rates = self.view.series.get("learning_rate")
        return Reading(
            float(x[index]),
            float(raw[index]),
            float(self._smoothed()[index]),
            float(eval_y[before[-1]]) if len(before) else None,
            rates.values[index] if rates is not None and index < len(rates) else None,
        )


def area(view: RunView, metric: str, ink: str, width: int, height: int, ascii_only: bool) -> list[Row]:
    """A small chart without axes: the course of a metric from zero up, the area below it faded."""
    x, y = numbers(view.series[metric])
    style = Style(axes=False, grid=False, from_zero=True, ascii_only=ascii_only, x_range=steps_range(view))
    return draw([Curve(x, y, ink, fill=f"{ink}-fill")], width, height, style).rows


def course(series: Series | None, width: int, blocks: str) -> str:
    """The course of a series in one line of block characters."""
    return spark(numbers(series)[1], width, blocks)
