"""The steps of a run in columns: one row a step, each measure a series, and what the x axis of a chart can be.

A row takes 32 bytes: seven digits of each number. Steps are exact, with 8 bytes each once they need them. All series of it
have the same steps.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from engine.runs import events as e
from engine.runs.series import Column, Series, as_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

Axis = Literal["step", "tokens", "time"]
_EXACT = 1 << 24
"""Up to here every whole number fits 4 bytes."""


class StepBlock(NamedTuple):
    """Steps that follow each other in a journal, with nothing between them; at least one, strictly ascending."""

    steps: array[float]
    t: array[float]
    """Unix time of each, seconds."""
    tokens: array[float]
    """Tokens of each, without padding."""
    values: dict[str, array[float]]
    """The measures, as in `StepColumns.series`; those that were measured at no step are left out."""
    last: e.Step
    """The last of them, whole. Its rows are known where it is the newest that was read."""


class StepColumns:
    """Rows in ascending order of steps. `series` has the measures in the order in which they first appeared."""

    def __init__(self, shown: dict[str, Series]) -> None:
        """`shown` is told of each series that begins."""
        self.steps = Column("f")
        self._tokens = Column("f")
        self._seconds = Column("f")
        self.series: dict[str, Series] = {}
        self._shown = shown
        self._total_tokens = 0.0
        self._origin: float | None = None
        """What is subtracted from Unix time: the start of the run, and the time that no worker used for it."""
        self._latest = 0.0
        """Seconds of work up to the newest row."""

    def __len__(self) -> int:
        return self.steps.count

    def begin(self, t: float) -> None:
        """A worker starts: the time since the last row that counts was not spent on the run."""
        self._origin = t - self._latest

    @property
    def newest(self) -> int:
        """The step of the last row; 0 where there is none."""
        return int(self.steps.view[-1]) if len(self) else 0

    def append(self, event: e.Step, stands_for: int = 1) -> None:
        """Add a step, which may stand for itself and others before it. One that is not beyond the last cuts the rows back."""
        speed = event.tokens / event.seconds if event.seconds > 0 else None
        values = {
            "loss": event.loss,
            "learning_rate": event.learning_rate,
            "grad_norm": event.grad_norm,
            "tokens_per_s": speed,
            "peak_gib": event.peak_gib,
        }
        self._make_room(event.step, event.t, event.step)
        self._total_tokens += event.tokens * stands_for
        self.steps.append(event.step)
        self._tokens.append(self._total_tokens)
        self._latest = max(self._latest, event.t - (self._origin or 0.0))
        self._seconds.append(self._latest)
        for name, value in values.items():
            if name in self.series:
                self.series[name].push(value)
            elif value is not None or name != "tokens_per_s":
                self._begin_series(name, len(self) - 1).push(value)

    def extend(self, block: StepBlock) -> None:
        """Add many steps."""
        self._make_room(block.steps[0], block.t[0], block.steps[-1])
        before = len(self)
        self.steps.extend(array(self.steps.code, block.steps))
        sums = list(accumulate(block.tokens, initial=self._total_tokens))
        self._total_tokens = sums[-1]
        self._tokens.extend(array("f", sums[1:]))
        origin = self._origin or 0.0
        clock = list(accumulate(block.t, max, initial=origin + self._latest))  # a clock may be set back
        self._seconds.extend(array("f", [t - origin for t in clock[1:]]))
        self._latest = clock[-1] - origin
        for name, values in block.values.items():
            series = self.series.get(name) or self._begin_series(name, before)
            series.extend(values, _exact(block.last, name))
        for name, series in self.series.items():
            if name not in block.values:
                series.extend(array("f", [math.nan]) * len(block.steps), None)

    def _begin_series(self, name: str, before: int) -> Series:
        series = self.series[name] = self._shown[name] = Series(self.steps, "f")
        if before:
            series.extend(array("f", [math.nan]) * before, None)
        return series

    def _make_room(self, step: float, t: float, last: float) -> None:
        if last > _EXACT and self.steps.code == "f":
            self.steps.widen()
        if len(self) and step <= self.steps.view[-1]:
            self.rewind(step - 1)
        if self._origin is None:
            self._origin = t

    def rewind(self, step: float) -> None:
        """Forget every row after `step`."""
        keep = bisect_right(self.steps.view, step)
        if keep == len(self):
            return
        for series in self.series.values():
            series.cut(keep)
        for column in (self.steps, self._tokens, self._seconds):
            column.cut(keep)
        self._total_tokens = self._tokens.view[-1] if keep else 0.0
        self._latest = self._seconds.view[-1] if keep else 0.0

    def thin(self, most: int) -> None:
        """Leave out rows until about `most` remain: in equal parts of the axis those with the lowest and highest loss."""
        import numpy as np

        if len(self) <= most or "loss" not in self.series:
            return
        steps, loss = self.series["loss"].numpy()
        edges = np.linspace(steps[0], steps[-1], most // 2 + 1)[1:-1]
        chosen = {0, len(steps) - 1}
        for part in np.split(np.arange(len(steps)), np.searchsorted(steps, edges)):
            if len(part):
                here = loss[part]
                finite = np.isfinite(here)
                chosen.update(part[~finite][:1].tolist())
                if finite.any():
                    chosen.add(int(part[np.where(finite, here, np.inf).argmin()]))
                    chosen.add(int(part[np.where(finite, here, -np.inf).argmax()]))
        kept = sorted(chosen)
        for series in self.series.values():
            series.keep(kept)
        for column in (self.steps, self._tokens, self._seconds):
            values = array(column.view.format, [column.view[i] for i in kept])
            column.cut(0)
            column.extend(values)

    def x_of(self, axis: Axis) -> NDArray[Any]:
        """Where each row lies on an axis, not copied: its step, the tokens trained on up to it, or the seconds of work."""
        return as_array({"step": self.steps, "tokens": self._tokens, "time": self._seconds}[axis].view)

    def x_at(self, axis: Axis, steps: NDArray[Any]) -> NDArray[Any]:
        """Where any steps lie on an axis: those of evaluations, for example. Between two rows in proportion."""
        import numpy as np

        if axis == "step" or not len(self):
            return np.asarray(steps, dtype=np.float64)
        rows, there = self.x_of("step"), self.x_of(axis)
        found = np.asarray(np.interp(steps, rows, there), dtype=np.float64)
        before = steps < rows[0]  # an evaluation before the first step
        if before.any():
            found[before] = np.interp(steps[before], [0.0, rows[0]], [0.0, there[0]])
        return found


class Gauges:
    """Looks at the machine, at the step that was the newest then; several may fall on one step."""

    NAMES = ("gpu_percent", "gpu_celsius", "gpu_gib", "cpu_percent", "host_gib", "process_gib")

    def __init__(self, shown: dict[str, Series]) -> None:
        """`shown` is told of each series that begins."""
        self.steps = Column("d")
        self._shown = shown
        self._series: dict[str, Series] = {}

    def append(self, step: int, event: e.Hardware) -> None:
        """Add a look; what it could not know is a gap."""
        self.steps.append(step)
        for name in self.NAMES:
            value: float | None = getattr(event, name)
            series = self._series.get(name)
            if series is None:
                if value is None:
                    continue
                series = self._series[name] = self._shown[name] = Series(self.steps, "f")
                series.extend(array("f", [math.nan]) * (self.steps.count - 1), None)
            series.push(value)

    def rewind(self, step: float) -> None:
        """Forget every look after `step`."""
        keep = bisect_right(self.steps.view, step)
        self.steps.cut(keep)
        for series in self._series.values():
            series.cut(keep)


def _exact(step: e.Step, name: str) -> float | None:
    if name == "tokens_per_s":
        return step.tokens / step.seconds if step.seconds > 0 else None
    value: float | None = getattr(step, name)
    return value
