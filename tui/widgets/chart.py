"""Charts of a run: the big one with axes, and four small ones beside it.

numpy is loaded with the first chart that has something to show, so that it does not delay the first frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.widgets.painted import Painted, apart

if TYPE_CHECKING:
    from tui.curves import LossCurves
    from tui.plot import Plot


class LossChart(Painted):
    """Train loss, raw and smoothed, and evaluation loss, with a cursor that reads the values at a step."""

    framed = True

    def __init__(self, *, id: str | None = None, heading: str = "loss") -> None:  # noqa: A002
        super().__init__(id=id)
        self.heading = heading
        self.view: RunView | None = None
        self.over = False
        self.log_y = False
        self.full = False
        self.cursor: float | None = None
        self._curves: LossCurves | None = None
        self._plot: Plot | None = None

    def show(self, view: RunView | None, over: bool = False) -> None:
        """Draw the series of a run; `over` says that no more will come."""
        self.view, self.over = view, over
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """The chart."""
        view = self.view
        if view is None:
            return []
        if "loss" not in view.series:
            message = "No step yet." if not self.over else "It ended before its first step."
            return [*([[]] * (height // 2)), [(message.center(width), "faint")]]
        from tui.curves import LossCurves, steps_range
        from tui.plot import Style

        if self._curves is None or self._curves.view is not view:
            self._curves = LossCurves(view)
        style = Style(
            log_y=self.log_y,
            full=self.full,
            ascii_only=self.glyphs.ascii_only,
            x_range=steps_range(view),
            cursor_x=self.cursor,
        )
        self._plot = self._curves.plot(width, height, style, self.glyphs.mark)
        return self._plot.rows

    def title(self) -> Row:
        """What is drawn, and what the axis leaves out."""
        row: Row = [(self.heading, "title")]
        if self.log_y:
            row.append(("  log", "muted"))
        if self._plot is not None and self._plot.above is not None:
            row.append((f"  {self.glyphs.up} up to {words.loss(self._plot.above)}: z shows it", "warn"))
        return row

    def badge(self) -> Row:
        """The legend, or the values under the cursor."""
        if self.view is None or "loss" not in self.view.series:
            return []
        if self.cursor is not None and self._curves is not None:
            return self._readout(self.cursor)
        bar = self.glyphs.bar_done
        row: Row = [(bar, "raw"), (" each step  ", "muted"), (bar, "train"), (" smoothed", "muted")]
        if "eval_loss" in self.view.series:
            row += [(f"  {self.glyphs.mark}", "eval"), (" eval", "muted")]
        return row

    def _readout(self, step: float) -> Row:
        assert self._curves is not None
        at = self._curves.read(step)
        row: Row = [("step ", "muted"), (words.count(at.step), "title"), ("  train ", "muted")]
        row += [(words.loss(at.train), "train"), (f" ({words.loss(at.smoothed)})", "muted")]
        if at.held_out is not None:
            row += [("  eval ", "muted"), (words.loss(at.held_out), "eval")]
        if at.learning_rate is not None:
            row += [("  lr ", "muted"), (words.rate(at.learning_rate), "rate")]
        return row

    def move_cursor(self, columns: int) -> None:
        """Move the cursor by columns of the chart; it starts at the newest step."""
        view = self.view
        if view is None or "loss" not in view.series or self._plot is None:
            return
        steps = view.series["loss"].steps
        now = steps[-1] if self.cursor is None else self.cursor
        column = self._plot.column_of(now) + (columns if self.cursor is not None else 0)
        target = self._plot.x_at(min(self._plot.columns - 1, max(0, column)))
        self.cursor = float(min(max(target, steps[0]), steps[-1]))
        self.repaint()

    def clear_cursor(self) -> bool:
        """Take the cursor away; return whether there was one."""
        had, self.cursor = self.cursor is not None, None
        self.repaint()
        return had


class Minis(Painted):
    """Learning rate, gradient norm, speed and memory: each a name, its value now and its course."""

    framed = True
    METRICS = (
        ("learning_rate", "learning rate", "rate", words.rate),
        ("grad_norm", "gradient", "grad", words.loss),
        (
            "tokens_per_s",
            "tokens/s",
            "speed",
            lambda v: words.short_count(v) if v is not None else "-",
        ),
        ("peak_gib", "peak memory", "memory", words.gib),
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view: RunView | None = None

    def show(self, view: RunView) -> None:
        """Draw the series of a run."""
        self.view = view
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("course", "title")]

    def paint(self, width: int, height: int) -> list[Row]:
        """As many of the four as there is room for."""
        if self.view is None:
            return []
        metrics = [m for m in self.METRICS if m[0] in self.view.series][: max(1, height // 2)]
        if not metrics:
            return []
        from tui import curves

        rows: list[Row] = []
        for i, (name, label, ink, write) in enumerate(metrics):
            share = height * (i + 1) // len(metrics) - height * i // len(metrics)
            value = write(self.view.last(name))
            rows.append(apart([(label if width > 22 else label.split()[-1], "muted")], [(value, ink)], width))
            lines = share - 1 - (1 if share >= 5 else 0)
            if lines > 0:
                rows += curves.area(self.view, name, ink, width, lines, self.glyphs.ascii_only)
            rows += [[] for _ in range(share - 1 - max(0, lines))]
        return rows
