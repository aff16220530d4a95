"""The keys of a chart on a screen: a mixin that hands them to the screen's chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.chart_window import ZOOM

if TYPE_CHECKING:
    from tui.widgets.curve_chart import CurveChart

CHART_ACTIONS = frozenset(
    {
        *("cursor_left", "cursor_right", "cursor_far_left", "cursor_far_right", "zoom_in", "zoom_out"),
        *("pan_left", "pan_right", "fit", "follow", "log_y", "turn_axis", "full_range"),
    }
)
"""Actions that need a chart with something on it."""
_FAR = 10
_QUARTER = 0.25


class ChartKeys:
    """A screen gives `chart`; its table of keys holds `tui.keys.chart.chart_keys`."""

    if TYPE_CHECKING:

        @property
        def chart(self) -> CurveChart:
            """The chart that the keys act on."""

    def chart_allows(self, action: str) -> bool:
        """Whether an action of `CHART_ACTIONS` would do something now."""
        chart = self.chart
        if action in ("zoom_out", "fit", "pan_left", "pan_right"):
            return chart.drawn and not chart.window.whole
        if action == "follow":
            return chart.drawn and chart.live and not chart.window.follow
        return chart.drawn

    def action_cursor_left(self) -> None:
        """To an earlier point."""
        self.chart.move_cursor(-1)

    def action_cursor_right(self) -> None:
        """To a later point."""
        self.chart.move_cursor(1)

    def action_cursor_far_left(self) -> None:
        """Ten columns to the left."""
        self.chart.move_cursor(-_FAR)

    def action_cursor_far_right(self) -> None:
        """Ten columns to the right."""
        self.chart.move_cursor(_FAR)

    def action_zoom_in(self) -> None:
        """Half of what is shown."""
        self.chart.zoom(ZOOM)

    def action_zoom_out(self) -> None:
        """Twice of what is shown."""
        self.chart.zoom(1 / ZOOM)

    def action_pan_left(self) -> None:
        """Earlier."""
        self.chart.pan(-_QUARTER)

    def action_pan_right(self) -> None:
        """Later."""
        self.chart.pan(_QUARTER)

    def action_fit(self) -> None:
        """Everything."""
        self.chart.fit()

    def action_follow(self) -> None:
        """The newest at the right end."""
        self.chart.follow()

    def action_log_y(self) -> None:
        """Logarithmic or linear."""
        self.chart.toggle_log()

    def action_turn_axis(self) -> None:
        """Steps, tokens, time."""
        self.chart.turn_axis()

    def action_full_range(self) -> None:
        """With or without outliers."""
        self.chart.toggle_full()
