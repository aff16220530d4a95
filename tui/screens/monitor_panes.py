"""The panes of Monitor: which are shown, and who is told of what. The keys are in `monitor_keys`.

The panes below the chart share places: three where the terminal is very wide, two where it is wide, one where it is narrow. Where
it is short, the present pane takes the place of the chart.
"""

from __future__ import annotations

from typing import Literal

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.runs.store import FINAL, Run
from tui.screens.frame import HIGH, SHORT, WIDE, Frame
from tui.widgets.checkpoints_pane import CheckpointsPane
from tui.widgets.curve_chart import CurveChart
from tui.widgets.log_pane import LogPane
from tui.widgets.loss_chart import LossChart
from tui.widgets.minis import Minis
from tui.widgets.monitor_empty import MonitorEmpty
from tui.widgets.run_panes import Outcome, Preparation, Status
from tui.widgets.run_tabs import RunTab
from tui.widgets.samples_pane import SamplesPane
from tui.widgets.warnings_pane import WarningsPane

Pane = Literal["chart", "samples", "checkpoints", "warnings", "log"]
TEXTS: tuple[Pane, ...] = ("samples", "checkpoints", "warnings", "log")
PANES: tuple[Pane, ...] = ("chart", *TEXTS)
VERY_WIDE = 170
_TALL = 46


class MonitorPanes(Frame):
    """The screen without its keys."""

    where = "monitor"
    here = "monitor"
    CSS_PATH = "monitor.tcss"
    AUTO_FOCUS = ""

    def __init__(self, name: str) -> None:
        """`name` is the run's; empty where there is none to be watched."""
        super().__init__()
        self.set_class(not name, "-empty")
        self.run_name = name
        self.pane: Pane = "chart"
        self.zoomed = False
        """Whether the present pane has the screen to itself."""
        self.all_metrics = False
        """Whether the small charts have it."""
        self.composed = False
        self._chosen: set[Pane] = set()
        """The panes that one went to, each the one that its place shows."""

    def body(self) -> ComposeResult:
        """Status; chart and small charts, or the preparation; outcome; the panes below."""
        yield Status(id="status")
        yield Preparation(id="preparation")
        with Horizontal(id="charts"):
            yield LossChart(id="chart")
            yield Minis(id="minis")
        yield Outcome(id="outcome")
        with Horizontal(id="bottom"):
            yield SamplesPane(id="samples")
            yield CheckpointsPane(id="checkpoints")
            yield WarningsPane(id="warnings")
            yield LogPane(id="log")
        yield MonitorEmpty(id="nothing")

    @property
    def run(self) -> Run | None:
        """The run, once it was read."""
        return self.luthier.link.runs.get(self.run_name)

    @property
    def chart(self) -> LossChart:
        """The big chart."""
        return self.query_one("#chart", LossChart)

    def text_pane(self, name: Pane) -> RunTab:
        """One of the panes below the chart."""
        return self.query_one(f"#{name}", RunTab)

    def on_mount(self) -> None:
        """Have the run read fast."""
        self.composed = True
        self.chart.can_focus = True
        self.query_one(Minis).chart = self.chart
        self.luthier.link.focus = self.run_name or None
        self.luthier.look_at_shelf()
        super().on_mount()
        self.lay_out(focus=True)

    def on_screen_resume(self) -> None:
        """Have the run read fast again."""
        self.luthier.link.focus = self.run_name or None
        self.luthier.look_at_shelf()
        super().on_screen_resume()

    # What is known

    def news(self, names: set[str]) -> None:
        """Paint what changed."""
        run = self.run
        if run is None and self.luthier.link.listed:
            self.query_one(Status).lose()
        if run is None or (names and self.run_name not in names):
            self.refresh_bars()
            return
        preparing, over = "loss" not in run.view.series, run.state in FINAL
        if (preparing, over) != (self.has_class("-preparing"), self.has_class("-over")):
            self.set_class(preparing, "-preparing").set_class(over, "-over")
            self.lay_out()
        self._give_outcome_room(run, over)
        self.query_one(Status).show(run)
        self.query_one(Preparation).show(run)
        self.chart.show(run.view, over)
        self.query_one(Minis).show(run.view)
        self._tell_texts(run)
        self.refresh_bars()

    def _give_outcome_room(self, run: Run, over: bool) -> None:
        pane = self.query_one(Outcome)
        pane.run = run
        if over:
            size = self.app.size
            height = min(pane.wanted(size.width), max(4, size.height // (4 if size.height < HIGH else 3)))
            if pane.styles.height is None or pane.styles.height.value != height:
                pane.styles.height = height
        pane.show(run)

    def _tell_texts(self, run: Run) -> None:
        counts = self._counts(run)
        for places in self._places():
            for name in places:
                pane = self.text_pane(name)
                pane.tabs = tuple((other, counts.get(other, 0)) for other in places)
                if pane.display:
                    pane.show(run)
                else:
                    pane.run = run

    def _counts(self, run: Run) -> dict[Pane, int]:
        view = run.view
        warnings = len({(item.message, item.step) for item in view.warnings})
        return {"samples": len(view.samples), "checkpoints": len(view.checkpoints), "warnings": warnings}

    # What is shown

    def _places(self) -> tuple[tuple[Pane, ...], ...]:
        """The places below the chart, and the panes that share each."""
        width = self.app.size.width
        if width >= VERY_WIDE:
            return (("samples",), ("checkpoints", "warnings"), ("log",))
        return (("samples", "checkpoints", "warnings"), ("log",)) if width >= WIDE else (TEXTS,)

    def _shown_in(self, place: tuple[Pane, ...]) -> Pane:
        """The pane that one went to, else the first one with something in it."""
        for name in place:
            if name in self._chosen:
                return name
        counts: dict[Pane, int] = self._counts(self.run) if self.run is not None else {}
        filled = [name for name in place if counts.get(name)]
        return filled[0] if filled else place[-1] if "log" in place else place[0]

    @property
    def alone(self) -> bool:
        """Whether the present pane has the place of all."""
        return self.zoomed or self.app.size.height < SHORT

    def lay_out(self, focus: bool = False) -> None:
        """Show what the size of the terminal and the present pane ask for."""
        if not self.composed:
            return
        texts, alone = self.pane != "chart", self.alone
        size = self.app.size
        self.set_class(size.width >= VERY_WIDE, "-vast").set_class(size.height >= _TALL, "-tall")
        self.set_class(alone and texts, "-text-alone").set_class(alone and not texts, "-chart-alone")
        self.set_class(self.zoomed, "-zoomed").set_class(self.all_metrics, "-metrics")
        for place in self._places():
            shown = self._shown_in(place)
            if alone and texts and self.pane in place:
                shown = self.pane
            for name in place:
                self.text_pane(name).display = name == shown and (not (alone and texts) or name == self.pane)
        if focus:
            target = self.chart if self.pane == "chart" else self.text_pane(self.pane)
            self.set_focus(target, scroll_visible=False)
        self.call_after_refresh(self._catch_up)

    def go_to(self, pane: Pane) -> None:
        """Make a pane the present one."""
        self.pane = pane
        self.all_metrics = False
        place = next((place for place in self._places() if pane in place), (pane,))
        self._chosen = (self._chosen - set(place)) | {pane}
        self.lay_out(focus=True)

    @on(RunTab.Picked)
    def _picked(self, event: RunTab.Picked) -> None:
        if event.name in TEXTS:
            self.go_to(next(name for name in TEXTS if name == event.name))

    @on(CurveChart.Moved)
    def _moved(self) -> None:
        """The small charts follow the big one."""
        self.query_one(Minis).repaint()
        self.refresh_bars()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click into a pane makes it the present one."""
        name = event.widget.id
        if name in PANES and name != self.pane:
            self.pane = next(pane for pane in PANES if pane == name)
            if self.pane != "chart":
                place = next(place for place in self._places() if self.pane in place)
                self._chosen = (self._chosen - set(place)) | {self.pane}
            self.refresh_bars()

    def on_resize(self, event: events.Resize) -> None:
        """The outcome takes its share of the new height; panes move together or apart."""
        super().on_resize(event)
        self.lay_out()
