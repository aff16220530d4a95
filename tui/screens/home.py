"""Home: all runs, and what is to be known of the one under the cursor."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input

from engine.runs.store import Run
from tui.keys import bindings
from tui.link import copy
from tui.screens.frame import Frame
from tui.screens.welcome import Welcome
from tui.widgets.chart import LossChart
from tui.widgets.run_list import RunList
from tui.widgets.run_panes import Facts

_REST_S = 0.06


class Home(Frame):
    """The runs, live; a preview beside them."""

    where = "home"
    here = "runs"
    CSS_PATH = "home.tcss"
    BINDINGS = bindings("home")
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._resting: Timer | None = None

    def body(self) -> ComposeResult:
        """List and filter; chart and facts; a welcome where there is no run yet."""
        with Vertical(id="left"):
            yield RunList(id="runs")
            yield Input(placeholder="name or state", id="filter", compact=True)
        with Vertical(id="right"):
            yield LossChart(id="preview")
            yield Facts(id="facts")
        yield Welcome(id="welcome")

    @property
    def runs(self) -> RunList:
        """The list."""
        return self.query_one("#runs", RunList)

    @property
    def run(self) -> Run | None:
        """The run under the cursor, once it was read."""
        name = self.runs.selected
        return self.luthier.link.runs.get(name) if name else None

    def news(self, names: set[str]) -> None:
        """Paint the list, and the preview if its run changed."""
        link = self.luthier.link
        self.set_class(link.listed and not link.order, "-empty")
        self.runs.refresh_runs()
        if not names or (self.runs.selected in names) or self.query_one(Facts).run is not self.run:
            self._preview()
        self.refresh_bars()

    def _preview(self) -> None:
        run = self.run
        self.luthier.link.focus = None
        self.query_one("#preview", LossChart).show(run.view if run else None, over=run is not None and not run.alive)
        self.query_one(Facts).show(run)

    @on(RunList.Moved)
    def _moved(self) -> None:
        """The preview follows when the cursor rests: a key that is held down costs the cursor only."""
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST_S, self._rested)

    def _rested(self) -> None:
        self._preview()
        self.refresh_bars()

    @on(RunList.Chosen)
    def _chosen(self) -> None:
        self.action_open_run()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with the selected run."""
        if not self.is_mounted or not self.query("#runs"):
            return True
        run = self.run
        match action:
            case "open_run" | "copy" | "tokens":
                return run is not None
            case "stop":
                return run is not None and run.alive
            case "resume":
                return run is not None and not run.alive and run.state != "succeeded"
            case "filter":
                return bool(self.luthier.link.order)
        return True

    def action_open_run(self) -> None:
        """Watch the selected run."""
        if run := self.run:
            self.luthier.open_run(run.dir.name)

    def action_tokens(self) -> None:
        """What the selected run is trained on."""
        if run := self.run:
            self.luthier.open_run_tokens(run.dir.name)

    def action_open_data(self) -> None:
        """Ask for a dataset and show its rows."""
        self.luthier.open_data(choose=True)

    def action_new_run(self) -> None:
        """Ask for a run file."""
        self.luthier.new_run()

    def action_demo(self) -> None:
        """Open the demo and tell it."""
        self.luthier.open_demo(start=True)

    def action_stop(self) -> None:
        """Stop the selected run after asking."""
        if run := self.run:
            self.luthier.stop_run(run)

    def action_resume(self) -> None:
        """Go on with the selected run."""
        if run := self.run:
            self.luthier.resume(run)

    async def action_copy(self) -> None:
        """Copy the folder of the run."""
        if run := self.run:
            self.luthier.tell(await copy(self.app, str(run.dir.path)), str(run.dir.path))

    # Filter

    def action_filter(self) -> None:
        """Type words."""
        self.query_one("#filter", Input).add_class("-open").focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.runs.filter = event.value
        self.runs.refresh_runs()
        self._preview()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        box = self.query_one("#filter", Input)
        box.set_class(False, "-open")
        self.runs.focus()

    def action_back(self) -> None:
        """Clear the filter."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.remove_class("-open")
        self.runs.focus()
