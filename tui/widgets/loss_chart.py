"""The loss of one run: each step faint, its smoothed course bold, evaluations as joined marks, and what happened when."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.widgets.curve_chart import CurveChart, Line

if TYPE_CHECKING:
    from tui.curves import Loss, LossCurves, Smoothing
    from tui.plot import Axis, Flags

_TOLD: dict[str, str] = {
    "none": "each step",
    "light": "smoothed a little",
    "auto": "smoothed",
    "strong": "smoothed much",
}


class LossChart(CurveChart):
    """Train loss, raw and smoothed, and evaluation loss, with a crosshair that reads the values at a step."""

    about = (
        "The loss: each step faint, its smoothed course bold, evaluations as joined marks. The crosshair reads the values at a "
        "step and leads to its rows; a click puts it down, the wheel zooms, a drag moves the window."
    )

    def __init__(self, *, id: str | None = None, heading: str = "loss") -> None:  # noqa: A002
        super().__init__(id=id, heading=heading)
        self.view: RunView | None = None
        self.over = self.waits = False
        self.smoothing: Smoothing = "auto"
        self._curves: LossCurves | None = None
        self._loss: Loss | None = None

    def on_mount(self) -> None:
        """As the settings want it at first; axis and scale are the base's."""
        self.smoothing = cast("Smoothing", self.luthier.settings.smoothing)  # not looked up in `curves`: it loads numpy

    def show(self, view: RunView | None, over: bool = False, waits: bool = False) -> None:
        """Draw the series of a run; `over` says that no more will come, `waits` that it did not begin yet."""
        if view is not self.view and (view is None or self.view is None or view.run != self.view.run):
            self.cursor, self.window = None, type(self.window)()
        self.view, self.over, self.live, self.waits = view, over, not over, waits
        if self.is_mounted and not self.display:  # others follow its window
            self.take_lines()
        self.repaint()

    def nothing(self) -> str:
        """Why there is no curve."""
        if self.view is None:
            return ""
        if self.waits:
            return "It waits in the queue."
        return "It ended before its first step." if self.over else "No step yet."

    def stamp(self) -> object:
        """A run's view counts its events."""
        return (id(self.view), self.view.version if self.view else -1, self.smoothing, self.axis)

    def planned(self, axis: Axis) -> float:
        """The last step that is planned, or where it will lie at the present pace."""
        from tui.curves import end_of

        return end_of(self.view, axis) if self.view is not None else 0.0

    def lines(self, axis: Axis) -> list[Line]:
        """Train, smoothed where that is wanted; evaluations."""
        if self.view is None or "loss" not in self.view.series:
            self._loss = None
            return []
        from tui.curves import LossCurves

        if self._curves is None or self._curves.view is not self.view:
            self._curves = LossCurves(self.view)
        loss = self._loss = self._curves.over(axis, self.smoothing)
        train = Line("train", "train", loss.x, loss.raw)
        if loss.smoothed is not None:
            train = Line("train", "train", loss.x, loss.smoothed, raw=loss.raw)
        return [train, Line("eval", "eval", loss.eval_x, loss.eval_y, self.glyphs.mark, points=True)]

    def flags(self, axis: Axis) -> list[Flags]:
        """Gaps, warnings, checkpoints, the best evaluation."""
        if self.view is None or self._loss is None:
            return []
        from tui.curves import signs_of

        return signs_of(self.view, self._loss, axis, self.glyphs)

    def legend(self) -> list[Row]:
        """The two strokes of the train loss are told apart without colour, too."""
        glyphs = self.glyphs
        parts: list[Row] = [[(glyphs.bar_done, "train"), (f" {_TOLD[self.smoothing]}", "muted")]]
        if self.smoothing != "none":
            parts.insert(0, [(glyphs.faint_line, "raw"), (" each step", "muted")])
        return [*parts, *super().legend()[1:]]

    def readout(self, x: float) -> list[Row]:
        """As usual, and the step where the axis is another one, and an evaluation's own step."""
        parts: list[Row] = [[(self.place_words(x), "title")]]
        step = self.step_under
        if self.axis != "step" and step is not None:
            parts[0] = [(f"step {words.count(step)}", "title")]
            parts[0] += [] if self.terse else [(f" at {self.place_words(x)}", "muted")]
        for at in self.read(x):
            value = at.raw if at.line.raw is not None else at.y
            row: Row = [(f"{at.line.label} ", "muted"), (_value(value), at.line.ink if value is not None else "bad")]
            if at.line.raw is not None and not self.terse:
                row.append((f" ({words.loss(at.y)})", "muted"))
            if at.line.points and self.axis == "step" and at.x != x and not self.terse:
                row.append((f" at {words.count(at.x)}", "muted"))
            parts.append(row)
        if self.view is not None:
            from tui.curves import value_at

            rate = value_at(self.view, "learning_rate", x, self.axis)
            parts += [[("lr ", "muted"), (words.rate(rate), "rate")]] if rate is not None else []
        return parts

    @property
    def step_under(self) -> int | None:
        """The step under the crosshair; None without one."""
        if self.cursor is None or self.view is None or self._loss is None:
            return None
        from tui.curves import numbers

        steps, _ = numbers(self.view.series["loss"])
        xs = self._loss.x
        index = min(int(xs.searchsorted(xs.dtype.type(self.cursor))), len(steps) - 1)
        return int(steps[index])

    def show_step(self, step: int) -> None:
        """Put the crosshair on a step."""
        if self.view is None or not self.drawn:
            return
        from tui.curves import numbers

        steps, _ = numbers(self.view.series["loss"])
        xs = self.lines(self.axis)[0].x
        index = min(int(steps.searchsorted(float(step))), len(xs) - 1)
        self.put_cursor(float(xs[index]))

    def smooth(self, by: int) -> None:
        """Smooth more or less."""
        from tui.curves import SMOOTHINGS

        index = SMOOTHINGS.index(self.smoothing) + by
        self.smoothing = SMOOTHINGS[min(max(0, index), len(SMOOTHINGS) - 1)]
        self.changed()


def _value(value: float | None) -> str:
    return "not finite" if value is None else words.loss(value)
