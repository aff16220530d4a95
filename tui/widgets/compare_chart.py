"""Several runs on one chart: a line each, known by its mark and ink, and a crosshair that reads them all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.runs.store import Run
from tui import words
from tui.compared import Compared
from tui.rows import Row
from tui.widgets.curve_chart import At, CurveChart, Line

if TYPE_CHECKING:
    from tui.plot import Axis, Floats
    from tui.smoothing import Smoother


class CompareChart(CurveChart, can_focus=True):
    """The chart of the Compare screen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.compared = Compared()
        self.runs: dict[str, Run] = {}
        self._smoothers: dict[tuple[str, str, int], Smoother] = {}

    def show(self, compared: Compared, runs: dict[str, Run]) -> None:
        """Draw these; `runs` has those that are there."""
        self.compared, self.runs = compared, runs
        self.heading = compared.metric.label
        self.live = any(run.alive for run in runs.values())
        self.repaint()

    def stamp(self) -> object:
        """Runs, their versions, metric."""
        shown = [(name, id(run.view), run.view.version) for name, run in self._shown()]
        return (self.compared.metric.key, tuple(shown))

    def _shown(self) -> list[tuple[str, Run]]:
        return [(name, self.runs[name]) for name in self.compared.drawn if name in self.runs]

    def lines(self, axis: Axis) -> list[Line]:
        """A line for each run that has the metric; the crosshair walks on the one that reaches furthest."""
        from tui.curves import numbers, x_of

        metric = self.compared.metric
        lines = []
        for name, run in self._shown():
            series = run.view.series.get(metric.key)
            if series is None or not len(series):
                continue
            sign = self.compared.signs[name]
            x, y = x_of(run.view, metric.key, axis), numbers(series)[1]
            if metric.smoothed:
                y = self._smoothed(name, run, len(x))
            lines.append(Line(name, sign.ink, x, y[: len(x)], sign.mark(self.glyphs.ascii_only), points=metric.points))
        return sorted(lines, key=lambda line: -float(line.x[-1]) if len(line.x) else 0.0)

    def _smoothed(self, name: str, run: Run, count: int) -> Floats:
        """The average looks back as far in every run, so that curves of different lengths can be compared."""
        from tui.smoothing import Smoother, beta_for

        key = self.compared.metric.key
        shown = [other.view.series[key] for _, other in self._shown() if key in other.view.series]
        longest = max((float(series.steps[-1]) for series in shown if len(series)), default=1.0)
        beta = round(beta_for(2.0 ** math.ceil(math.log2(max(1.0, longest)))), 6)
        known = self._smoothers.get((name, key, id(run.view)))
        if known is None or known.beta != beta:
            known = self._smoothers[name, key, id(run.view)] = Smoother(beta)
        return known.update(run.view.series[key])

    def planned(self, axis: Axis) -> float:
        """Where the longest of the living runs will end."""
        from tui.curves import end_of

        return max((end_of(run.view, axis) for _, run in self._shown() if run.alive), default=0.0)

    def nothing(self) -> str:
        """Why there is no line."""
        if not self.compared.drawn:
            return "All lines are hidden: space shows one."
        return f"None of the runs has {self.compared.metric.label} yet."

    def legend(self) -> list[Row]:
        """The list of runs is the legend; here only which keys turn what."""
        return [[("m", "key"), (" metric", "muted")], [("a", "key"), (f" by {self._next_axis()}", "muted")]]

    def _next_axis(self) -> str:
        return self.AXES[(self.AXES.index(self.axis) + 1) % len(self.AXES)]

    def read(self, x: float) -> list[At]:
        """As the base reads; a line that ended before `x`, by more than the crosshair can miss it, has no value there."""
        low, high = self.shown_range
        reach = (high - low) / max(20, self.size.width)
        found = []
        for at in super().read(x):
            ended = float(at.line.x[-1]) + reach < x or float(at.line.x[0]) - reach > x
            found.append(At(at.line, at.x, None, None) if ended else at)
        return found

    def readout(self, x: float, short: bool = False) -> list[Row]:
        """The place, and the value of each line in the order of the list, with its mark."""
        order = {name: i for i, name in enumerate(self.compared.names)}
        parts: list[Row] = [[(self.place_words(x), "title")]]
        for at in sorted(self.read(x), key=lambda one: order.get(one.line.label, 0)):
            parts.append([(f"{at.line.mark} ", at.line.ink), (value_words(self.compared.metric.key, at.y), "text")])
        return parts

    def values_here(self) -> dict[str, str]:
        """What the crosshair reads, by the name of the run; empty without a crosshair."""
        if self.cursor is None:
            return {}
        return {at.line.label: value_words(self.compared.metric.key, at.y) for at in self.read(self.cursor)}


def value_words(metric: str, value: float | None) -> str:
    """A value of a metric."""
    if value is None:
        return "-"
    if metric == "learning_rate":
        return words.rate(value)
    if metric == "tokens_per_s":
        return words.short_count(value)
    return words.loss(value)
