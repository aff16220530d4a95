"""The curves of a run: from its series to what is drawn. Here numpy comes in, after the first frame.

Nothing here copies a whole series: what a series hands out is never changed, so it may be drawn while it grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.runs.series import Series
from engine.runs.view import RunView
from tui.glyphs import Glyphs
from tui.plot import Axis, Curve, Flags, Floats, Style, draw, spark
from tui.rows import Row
from tui.smoothing import Smoother, beta_for
from tui.ticks import nice_ceiling

Smoothing = Literal["none", "light", "auto", "strong"]
SMOOTHINGS: tuple[Smoothing, ...] = ("none", "light", "auto", "strong")
_LOOKS_BACK: dict[Smoothing, float] = {"light": 0.25, "auto": 1.0, "strong": 5.0}
"""How far back the average looks, as a multiple of what fits the length of the run."""
_MOST_BETA = 0.998
_FADED_FROM = 3
"""Lines from which the area below a small chart's line is faded."""
_DENSER = "._-=+*#"
EACH_STEP = ("loss", "learning_rate", "grad_norm", "tokens_per_s", "peak_gib")
"""Metrics that are measured at each step, and so lie where the steps lie."""


def numbers(series: Series | None) -> tuple[Floats, Floats]:
    """Steps and values, not copied and not to be written to."""
    if series is None:
        return np.zeros(0), np.zeros(0)
    return series.numpy()


def x_of(view: RunView, metric: str, axis: Axis) -> Floats:
    """Where the points of a metric lie on an axis; not copied where it is measured at each step."""
    steps, _ = numbers(view.series[metric])
    if axis == "step":
        return steps
    return view.x_of(axis)[: len(steps)] if metric in EACH_STEP else view.x_at(axis, steps)


def end_of(view: RunView, axis: Axis) -> float:
    """Where the axis ends when all steps are done, as far as can be told; 0 where it cannot."""
    if axis == "step" or not view.step or not view.total_steps:
        return float(view.total_steps)
    xs = view.x_of(axis)
    return float(xs[-1]) * view.total_steps / view.step if len(xs) else 0.0


def steps_range(view: RunView) -> tuple[float, float] | None:
    """From zero to a round number at or beyond the newest step, but not beyond the last planned one."""
    last = max((series.steps[-1] for series in view.series.values() if len(series)), default=0.0)
    if not last:
        return None
    ceiling, total = nice_ceiling(last), float(view.total_steps)
    return (0.0, min(ceiling, total) if total >= last else ceiling)


@dataclass(frozen=True)
class Loss:
    """The loss of a run over an axis: each step, its smoothed course, and the evaluations."""

    x: Floats
    raw: Floats
    smoothed: Floats | None
    """None where nothing is smoothed."""
    eval_x: Floats
    eval_y: Floats


class LossCurves:
    """Train loss, raw and smoothed, and evaluation loss of one run; the smoothed course grows with it."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self._smoother = Smoother(0.0)

    def over(self, axis: Axis, smoothing: Smoothing) -> Loss:
        """The curves over an axis. The view must have a loss."""
        series, held_out = self.view.series["loss"], self.view.series.get("eval_loss")
        _, raw = numbers(series)
        _, eval_y = numbers(held_out)
        eval_x = x_of(self.view, "eval_loss", axis) if held_out is not None else np.zeros(0)
        return Loss(x_of(self.view, "loss", axis), raw, self._smoothed(series, smoothing), eval_x, eval_y)

    def _smoothed(self, series: Series, smoothing: Smoothing) -> Floats | None:
        """The average fits the length of the run: it is folded anew when the axis grows, which is seldom."""
        if smoothing == "none":
            return None
        shown = steps_range(self.view)
        auto = beta_for(shown[1] if shown else 1.0)
        beta = min(_MOST_BETA, max(0.0, 1 - (1 - auto) / _LOOKS_BACK[smoothing]))
        if beta != self._smoother.beta:
            self._smoother = Smoother(beta)
        return self._smoother.update(series)


def signs_of(view: RunView, loss: Loss, axis: Axis, glyphs: Glyphs) -> list[Flags]:
    """Where a loss is no number, what warnings speak of, what was saved, and the best evaluation."""
    groups = []
    if view.checkpoints:
        steps = np.array([float(checkpoint.step) for checkpoint in view.checkpoints])
        groups.append(Flags(_at(view, axis, steps), glyphs.saved, "memory", "floor", label="saved"))
    gaps = np.flatnonzero(~np.isfinite(loss.raw))
    if len(gaps):
        groups.append(Flags(loss.x[gaps], glyphs.not_finite, "bad", "bottom", label="not finite"))
    if view.marks:
        steps = np.array([float(mark.step) for mark in view.marks])
        groups.append(Flags(_at(view, axis, steps), glyphs.warn, "warn", "top", label="warning"))
    if len(loss.eval_y) and np.isfinite(loss.eval_y).any():
        best = int(np.nanargmin(loss.eval_y))
        groups.append(
            Flags(loss.eval_x[best : best + 1], glyphs.best, "eval", "value", loss.eval_y[best : best + 1], "best")
        )
    return groups


def _at(view: RunView, axis: Axis, steps: Floats) -> Floats:
    return steps if axis == "step" else view.x_at(axis, steps)


def area(view: RunView, metric: str, ink: str, width: int, height: int, style: Style, limit: float = 0.0) -> list[Row]:
    """A small chart: the course of a metric from zero up, the area below it faded; a line at `limit` where there is one."""
    series = view.series[metric]
    x, (_, y) = x_of(view, metric, style.axis), numbers(series)
    if style.ascii_only and height == 1:
        return [[(_one_line(x, y, width, style.x_range), ink)]]
    fill = f"{ink}-fill" if height >= _FADED_FROM else ink  # in two lines the faded parts would be stray blocks
    curves = [Curve(x, y, ink, fill=fill)]
    if limit and style.x_range is not None and height > 2:  # in few lines it would hide the course
        curves.append(Curve(np.array(style.x_range), np.array([limit, limit]), "muted", ascii_char="-"))
    return draw(curves, width, height, style).rows


def _one_line(x: Floats, y: Floats, width: int, x_range: tuple[float, float] | None) -> str:
    """The course as one line of ASCII: the higher the value from zero up, the denser the sign."""
    low, high = x_range or (float(x[0]), float(x[-1])) if len(x) else (0.0, 1.0)
    edges = np.linspace(low, high, width + 1)[1:]
    at = np.clip(np.searchsorted(x, edges, "right") - 1, 0, max(0, len(x) - 1))
    seen = (x[at] >= low) & (edges - (high - low) / width <= x[-1]) & np.isfinite(y[at]) if len(x) else at < 0
    values = np.abs(y[at][seen]) if len(x) else np.zeros(0)
    top = float(values.max()) if len(values) else 0.0
    signs = [" "] * width
    for i, value in zip(np.flatnonzero(seen), values, strict=True):
        signs[i] = _DENSER[round(float(value) / top * (len(_DENSER) - 1))] if top > 0 else _DENSER[0]
    return "".join(signs)


def value_at(view: RunView, metric: str, x: float, axis: Axis) -> float | None:
    """The value of a metric at the point nearest to `x`; None where there is none, or where it is not finite."""
    series = view.series.get(metric)
    if series is None or not len(series):
        return None
    xs, (_, values) = x_of(view, metric, axis), numbers(series)
    index = int(np.clip(np.searchsorted(xs, xs.dtype.type(x)), 0, len(xs) - 1))
    if index and abs(xs[index - 1] - x) <= abs(xs[index] - x):
        index -= 1
    value = float(values[index])
    return value if np.isfinite(value) else None


def course(series: Series | None, width: int, blocks: str) -> str:
    """The course of a series in one line of block characters."""
    return spark(numbers(series)[1], width, blocks)
