"""Small charts of a run: each a name, its value and its course, over the same part of the axis as the big one.

The crosshair of the big chart stands in all of them, and the values are then those under it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.widgets.painted import Painted, apart, fit

if TYPE_CHECKING:
    from tui.widgets.curve_chart import CurveChart

_COLUMN = 34
"""Cells that a column of small charts takes at least, where there is more than one."""
_GAP = 3
_WITH_AXES = 8
_FEW = 4
"""So many are shown even where each has but one line; more only where each has two."""


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"


def _celsius(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} °C"


def _memory(value: float | None) -> str:
    """Of a device without a gauge, and in imported runs, the peak is written as 0: nobody measured it."""
    return words.gib(value or None)


def _speed(value: float | None) -> str:
    return "-" if value is None else words.short_count(value)


@dataclass(frozen=True)
class Metric:
    """One small chart. `instead` names metrics that are more telling: where one of them is known this one comes last."""

    name: str
    label: str
    short: str
    ink: str
    write: Callable[[float | None], str]
    instead: tuple[str, ...] = ()


METRICS = (
    Metric("learning_rate", "learning rate", "rate", "rate", words.rate),
    Metric("grad_norm", "gradient norm", "gradient", "grad", words.loss),
    Metric("tokens_per_s", "tokens/s", "tokens/s", "speed", _speed),
    Metric("peak_gib", "peak memory", "memory", "memory", _memory),
    Metric("gpu_percent", "GPU busy", "GPU", "speed", _percent),
    Metric("gpu_celsius", "GPU temperature", "GPU", "grad", _celsius),
    Metric("cpu_percent", "CPU busy", "CPU", "speed", _percent, ("gpu_percent",)),
    Metric("host_gib", "host memory", "host", "memory", words.gib, ("gpu_percent",)),
    Metric("gpu_gib", "GPU memory, all", "GPU", "memory", words.gib),
    Metric("process_gib", "worker memory", "worker", "memory", words.gib),
)


def known_metrics(view: RunView) -> list[Metric]:
    """The metrics that this run has, the most telling first."""
    known = [metric for metric in METRICS if metric.name in view.series and len(view.series[metric.name])]
    names = {metric.name for metric in known}
    return sorted(known, key=lambda metric: any(name in names for name in metric.instead))


class Minis(Painted):
    """As many as there is room for; `all_of_them` lays them out in columns, with axes where they are high enough."""

    framed = True
    about = "What was measured at each step and of the machine, over the same part of the axis as the loss."

    class Clicked(Message):
        """All of them are wanted, or the big chart again."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view: RunView | None = None
        self.chart: CurveChart | None = None
        """The chart whose window and crosshair they follow."""

    def show(self, view: RunView) -> None:
        """Draw the series of a run."""
        self.view = view
        self.repaint()

    def on_click(self) -> None:
        """A click does what `m` does."""
        self.post_message(self.Clicked())

    @property
    def left_out(self) -> int:
        """Metrics for which there is no room."""
        if self.view is None:
            return 0
        width, height = self.inner
        return len(known_metrics(self.view)) - len(self._shown(width, height))

    def _columns(self, width: int) -> int:
        return max(1, (width + _GAP) // (_COLUMN + _GAP))

    def _shown(self, width: int, height: int) -> list[Metric]:
        assert self.view is not None
        known = known_metrics(self.view)
        room = max(1, min(height // 2, max(_FEW, height // 3))) * self._columns(width)
        return known[:room]

    def title(self) -> Row:
        """Where the values are from."""
        if self.chart is not None and self.chart.cursor is not None:
            return [("at ", "muted"), (self.chart.place_words(self.chart.cursor), "title")]
        return [("now", "title")]

    def badge(self) -> Row:
        """That there are more."""
        more = self.left_out
        return [("m", "key"), (f" {more} more", "muted")] if more > 0 else []

    def paint(self, width: int, height: int) -> list[Row]:
        """Columns of small charts."""
        if self.view is None or width < 8:
            return []
        metrics = self._shown(width, height)
        if not metrics:
            return []
        columns = min(self._columns(width), len(metrics))
        each = (width - _GAP * (columns - 1)) // columns
        per_column = -(-len(metrics) // columns)
        parts = [metrics[i * per_column : (i + 1) * per_column] for i in range(columns)]
        painted = [self._column(part, per_column, each, height) for part in parts if part]
        rows: list[Row] = []
        for lines in zip(*painted, strict=True):
            row: Row = []
            for line in lines:
                row += ([(" " * _GAP, "")] if row else []) + fit(line, each)
            rows.append(row)
        return rows

    def _column(self, metrics: list[Metric], count: int, width: int, height: int) -> list[Row]:
        rows: list[Row] = []
        for i, metric in enumerate(metrics):
            share = height * (i + 1) // count - height * i // count
            gap = 1 if share >= 5 else 0
            rows += self._one(metric, width, share - gap) + [[]] * gap
        return rows + [[]] * (height - len(rows))

    def _one(self, metric: Metric, width: int, height: int) -> list[Row]:
        """Name and value, then the course."""
        from tui import curves
        from tui.plot import Style

        assert self.view is not None
        chart, planned = self.chart, self.view.predicted_gib if metric.name == "peak_gib" else None
        cursor = chart.cursor if chart is not None else None
        axis = chart.axis if chart is not None else "step"
        value = self.view.last(metric.name) if cursor is None else curves.value_at(self.view, metric.name, cursor, axis)
        said = metric.write(value)
        right: Row = [(said.replace("°", "") if self.glyphs.ascii_only else said, metric.ink)]
        if planned and width >= _COLUMN - 8:
            right.append((f" of {words.gib(planned)}", "muted"))
        label = metric.label if width > len(metric.label) + sum(len(text) for text, _ in right) else metric.short
        head = apart([(label, "muted")], right, width)
        if height < 2:
            return [head]
        style = Style(
            axes=height - 1 >= _WITH_AXES,
            grid=False,
            from_zero=True,
            full=True,
            ascii_only=self.glyphs.ascii_only,
            x_range=chart.shown_range if chart is not None and chart.drawn else curves.steps_range(self.view),
            cursor_x=cursor,
            axis=axis,
            whole_x=axis != "time",
        )
        return [head, *curves.area(self.view, metric.name, metric.ink, width, height - 1, style, planned or 0.0)]
