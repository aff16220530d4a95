"""The mouse on a chart: the wheel zooms where it points, a drag moves the window, a click puts the crosshair down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from tui.chart_window import ZOOM

if TYPE_CHECKING:
    from tui.widgets.curve_chart import CurveChart

_PAN = 0.25


class ChartMouse:
    """A part of `CurveChart`, which has the window and the crosshair."""

    _held: tuple[int, float, bool] | None = None
    """Where a press began: its cell, the start of the window then, and whether the mouse has moved since."""

    def _chart(self) -> CurveChart:
        return self  # type: ignore[return-value]

    def x_under(self, cell: int) -> float | None:
        """The place on the axis under a column of cells of the widget; None beside the drawing area."""
        chart = self._chart()
        plot = chart._plot
        column = cell - (2 if chart.framed else 0) - (plot.left if plot else 0)
        return plot.x_at(column) if plot is not None and 0 <= column < plot.columns else None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in where the mouse is; with shift it moves the window."""
        self._wheel(event, ZOOM, -_PAN)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out; with shift it moves the window."""
        self._wheel(event, 1 / ZOOM, _PAN)

    def _wheel(self, event: events.MouseEvent, factor: float, share: float) -> None:
        event.stop()
        if event.shift:
            self._chart().pan(share)
        else:
            self._chart().zoom(factor, self.x_under(event.x))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press begins a drag, or puts the crosshair down when it is let go."""
        chart = self._chart()
        if event.button == 1 and chart._plot is not None:
            self._held = (event.x, chart.shown_range[0], False)
            chart.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A drag moves the window."""
        chart = self._chart()
        if self._held is None or chart._plot is None or event.x == self._held[0]:
            return
        began, start, _ = self._held
        self._held = (began, start, True)
        if not chart.window.whole:
            low, high = chart.shown_range
            each = (high - low) / max(1, chart._plot.columns - 1)
            chart.window = chart.window.moved_to(start - (event.x - began) * each, chart.bounds, event.x < began)
            chart.changed()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A click puts the crosshair down; on the place where it stands, it chooses."""
        if self._held is None:
            return
        chart = self._chart()
        moved, self._held = self._held[2], None
        chart.release_mouse()
        x = self.x_under(event.x)
        if moved or x is None:
            return
        before = chart.cursor
        chart.put_cursor(x)
        if chart.cursor == before:
            chart.post_message(chart.Chosen(chart))
