"""The keys of Monitor: what they do to the run, and to what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on

from tui import words
from tui.screens.chart_keys import CHART_ACTIONS, ChartKeys
from tui.screens.log import LogScreen
from tui.screens.monitor_acts import MonitorActs
from tui.screens.monitor_panes import PANES, Pane
from tui.widgets.checkpoints_pane import CheckpointsPane
from tui.widgets.curve_chart import CurveChart
from tui.widgets.log_pane import LogPane
from tui.widgets.minis import Minis
from tui.widgets.samples_pane import SamplesPane
from tui.widgets.scroller import Picker
from tui.widgets.warnings_pane import WarningsPane

_PANE_HINTS: dict[Pane, tuple[str, ...]] = {
    "samples": ("first_newest", "batch_tokens", "next_pane", "zoom_pane"),
    "checkpoints": ("batch_tokens", "copy", "next_pane", "zoom_pane"),
    "warnings": ("batch_tokens", "copy", "next_pane", "zoom_pane"),
    "log": ("log_level", "show_log", "next_pane", "zoom_pane"),
}


class MonitorKeys(MonitorActs, ChartKeys):
    """The screen with its keys."""

    # What can be done now, and what the footer says

    def hints(self) -> Sequence[str]:
        """The keys that matter now: in the present pane, or for the run."""
        run = self.run
        if run is None or not self.composed:
            return ()
        if self.all_metrics:
            return ("metrics", "cursor_left", "zoom_in", "turn_axis")
        if self.pane != "chart":
            return _PANE_HINTS[self.pane]
        if self.chart.cursor is not None:
            return ("batch_tokens", "cursor_left", "zoom_in", "turn_axis", "next_pane")
        if run.alive and self.chart_allows("follow"):
            return ("follow", "fit", "cursor_left", "pan_left", "next_pane")
        if run.alive:
            return ("pause", "evaluate", "checkpoint", "stop", "cursor_left", "next_pane")
        return ("resume", "stop", "cursor_left", "clone", "compare", "copy", "next_pane")

    def labels(self) -> Mapping[str, str]:
        """What the keys are called now."""
        found: dict[str, str] = {}
        run = self.run
        if run is not None and run.view.paused:
            found["pause"] = "continue"
        if run is not None and run.state == "queued":
            found["stop"] = "take out"
        if self.zoomed:
            found["zoom_pane"] = "all panes"
        if self.all_metrics:
            found["metrics"] = "the loss"
        if self.pane == "samples" and self.query_one(SamplesPane).ends:
            found["first_newest"] = "all answers"
        if self.pane in ("samples", "checkpoints"):
            found["batch_tokens"] = "on the chart"
        if self.pane == "warnings":
            found["batch_tokens"], found["copy"] = "its rows", "copy"
        if self.pane == "log":
            found["show_log"] = "whole log"
        axis = self.chart.axis if self.composed else "step"
        found["turn_axis"] = {"step": "by tokens", "tokens": "by time", "time": "by step"}[axis]
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with this run in this state."""
        if not self.is_mounted or not self.composed:
            return True
        run = self.run
        if run is None:
            return action in ("help", "back", "leave") or not hasattr(type(self), f"action_{action}")
        begun, has_loss = run.view.step > 0, "loss" in run.view.series
        match action:
            case "stop":
                return run.alive or run.state == "queued"
            case "pause" | "checkpoint" | "evaluate":
                return run.alive and begun
            case "sample":
                plan = run.view.plan
                return run.alive and begun and bool((plan and plan.sample_every) or run.view.samples)
            case "resume":
                return not run.alive and run.state not in ("succeeded", "queued")
            case "batch_tokens":
                return has_loss and self._step_chosen() is not None
            case "first_newest":
                return self.query_one(SamplesPane).comparable
            case "follow" | "less_smooth" | "more_smooth" | "write_chart" | "metrics" | "compare":
                return has_loss and (action != "follow" or self.chart_allows(action))
            case "log_level":
                return self.query_one(LogPane).display
        return self.chart_allows(action) if action in CHART_ACTIONS else True

    def _step_chosen(self) -> int | None:
        """The step that enter is about: that of the pane's cursor, that under the crosshair, or the newest."""
        run = self.run
        if run is None:
            return None
        if self.pane == "warnings":
            warning = self.query_one(WarningsPane).current
            return warning.step if warning is not None else None
        if self.pane == "checkpoints":
            checkpoint = self.query_one(CheckpointsPane).current
            return checkpoint.step if checkpoint is not None else None
        if self.pane == "samples":
            return run.view.samples[-1].step if run.view.samples else None
        step = self.chart.step_under
        return step if step is not None else run.view.step or None

    # What is looked at

    def action_batch_tokens(self) -> None:
        """The batch of the step under the crosshair; of a checkpoint or sample the place on the chart."""
        run, step = self.run, self._step_chosen()
        if run is None or step is None:
            self.luthier.tell("This belongs to no step.")
        elif self.pane in ("checkpoints", "samples"):
            self.chart.show_step(step)
            self.luthier.tell(f"The crosshair stands on step {words.count(step)}.")
        else:
            self.luthier.open_run_tokens(self.run_name, step=max(1, step))

    @on(Picker.Chosen)
    @on(CurveChart.Chosen)
    def _chosen_by_mouse(self) -> None:
        self.action_batch_tokens()

    def action_tokens(self) -> None:
        """What the run is trained on."""
        self.luthier.open_run_tokens(self.run_name)

    def action_less_smooth(self) -> None:
        """Smooth less."""
        self.chart.smooth(-1)

    def action_more_smooth(self) -> None:
        """Smooth more."""
        self.chart.smooth(1)

    def action_next_pane(self, by: int = 1) -> None:
        """To the next pane."""
        shown = PANES if self.chart.drawn or self.has_class("-preparing") else PANES[1:]
        index = shown.index(self.pane) if self.pane in shown else -1
        self.go_to(shown[(index + by) % len(shown)])

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self.action_next_pane(-1)

    def action_zoom_pane(self) -> None:
        """One pane, or all."""
        self.zoomed = not self.zoomed
        self.all_metrics = False
        self.lay_out(focus=True)

    @on(Minis.Clicked)
    def _minis_clicked(self) -> None:
        self.action_metrics()

    def action_metrics(self) -> None:
        """The small charts, or the loss."""
        self.all_metrics = not self.all_metrics
        self.zoomed, self.pane = False, "chart"
        self.lay_out(focus=True)

    def action_first_newest(self) -> None:
        """The first answers beside the newest, or all."""
        if self.pane != "samples":
            self.go_to("samples")
        pane = self.query_one(SamplesPane)
        pane.ends, pane.top = not pane.ends, 0
        pane.repaint()
        self.refresh_bars()

    def action_log_level(self) -> None:
        """Another level."""
        self.query_one(LogPane).turn_level()

    def action_show_log(self) -> None:
        """The log on the whole screen."""
        self.app.push_screen(LogScreen(self.run_name, self.query_one(LogPane).least))

    # Back

    def action_back(self) -> None:
        """Off with a layer: a search, the metrics, a zoomed pane, the crosshair, the pane; then out."""
        pane = None if self.pane == "chart" else self.text_pane(self.pane)
        if pane is not None and pane.clear_search():
            return
        if self.all_metrics or self.zoomed:
            self.all_metrics = self.zoomed = False
            self.lay_out(focus=True)
        elif not self.chart.clear_cursor():
            if self.pane != "chart":
                self.go_to("chart")
            else:
                self.app.pop_screen()
