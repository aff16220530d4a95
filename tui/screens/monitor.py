"""Monitor: one run, live or later."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.runs.commands import CommandName, send
from engine.runs.store import FINAL, Run
from tui.facts import result_dir, shell_command
from tui.keys import bindings
from tui.link import copy
from tui.screens.frame import Frame
from tui.screens.log import LogScreen
from tui.widgets.chart import LossChart, Minis
from tui.widgets.run_panes import Outcome, Preparation, Status
from tui.widgets.run_texts import LogTail, Samples

_FAR = 10


class Monitor(Frame):
    """Charts, samples and log of a run; before its first step, its preparation."""

    where = "monitor"
    here = "monitor"
    CSS_PATH = "monitor.tcss"
    BINDINGS = bindings("monitor")
    AUTO_FOCUS = ""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.run_name = name

    def body(self) -> ComposeResult:
        """Status; chart and small charts, or the preparation; outcome; samples and log."""
        yield Status(id="status")
        yield Preparation(id="preparation")
        with Horizontal(id="charts"):
            yield LossChart(id="chart")
            yield Minis(id="minis")
        yield Outcome(id="outcome")
        with Horizontal(id="bottom"):
            yield Samples(id="samples")
            yield LogTail(id="log")

    @property
    def run(self) -> Run | None:
        """The run, once it was read."""
        return self.luthier.link.runs.get(self.run_name)

    def on_mount(self) -> None:
        """Have the run read fast."""
        self.luthier.link.focus = self.run_name
        super().on_mount()

    def on_screen_resume(self) -> None:
        """Have the run read fast again."""
        self.luthier.link.focus = self.run_name
        super().on_screen_resume()

    def news(self, names: set[str]) -> None:
        """Paint what changed."""
        run = self.run
        if run is None and self.luthier.link.listed:
            self.query_one(Status).lose()
        if run is None or (names and self.run_name not in names):
            self.refresh_bars()
            return
        self.set_class("loss" not in run.view.series, "-preparing")
        over = run.state in FINAL
        self.set_class(over, "-over")
        pane = self.query_one(Outcome)
        pane.run = run
        if over:
            size = self.app.size
            pane.styles.height = min(pane.wanted(size.width), max(4, size.height // 3))
        self.query_one(Status).show(run)
        self.query_one(Preparation).show(run)
        self.query_one("#chart", LossChart).show(run.view, over)
        self.query_one(Minis).show(run.view)
        pane.show(run)
        self.query_one(Samples).show(run.view)
        self.query_one("#log", LogTail).show(run.view)
        self.refresh_bars()

    def on_resize(self, event: events.Resize) -> None:
        """The outcome takes its share of the new height."""
        super().on_resize(event)
        self.call_after_refresh(self._catch_up)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with this run in this state."""
        run = self.run if self.is_mounted else None
        match action:
            case "stop":
                return run is not None and run.alive
            case "checkpoint" | "evaluate":
                return run is not None and run.alive and run.view.step > 0
            case "copy" | "copy_command" | "show_log" | "tokens":
                return run is not None
            case "resume":
                return run is not None and not run.alive and run.state != "succeeded"
            case (
                "batch_tokens"
                | "log_y"
                | "full_range"
                | "cursor_left"
                | "cursor_right"
                | "cursor_far_left"
                | "cursor_far_right"
            ):
                return run is not None and "loss" in run.view.series
        return True

    def action_stop(self) -> None:
        """Stop after asking."""
        if self.run:
            self.luthier.stop_run(self.run)

    def action_resume(self) -> None:
        """Go on from the newest checkpoint."""
        if self.run:
            self.luthier.resume(self.run)

    def _send(self, command: CommandName, told: str) -> None:
        if self.run is None:
            return
        try:
            send(self.run.dir.commands, command)
        except OSError as error:
            self.luthier.complain(f"The run was not asked: {error}")
        else:
            self.luthier.tell(told)

    def action_checkpoint(self) -> None:
        """Ask for a checkpoint."""
        self._send("checkpoint", "A checkpoint is saved after the present step.")

    def action_evaluate(self) -> None:
        """Ask for an evaluation."""
        self._send("evaluate", "The held-out rows are evaluated after the present step.")

    def _move(self, columns: int) -> None:
        self.query_one("#chart", LossChart).move_cursor(columns)

    def action_cursor_left(self) -> None:
        """To an earlier step."""
        self._move(-1)

    def action_cursor_right(self) -> None:
        """To a later step."""
        self._move(1)

    def action_cursor_far_left(self) -> None:
        """Ten columns to the left."""
        self._move(-_FAR)

    def action_cursor_far_right(self) -> None:
        """Ten columns to the right."""
        self._move(_FAR)

    def action_log_y(self) -> None:
        """Logarithmic or linear."""
        chart = self.query_one("#chart", LossChart)
        chart.log_y = not chart.log_y
        chart.repaint()

    def action_full_range(self) -> None:
        """With or without outliers."""
        chart = self.query_one("#chart", LossChart)
        chart.full = not chart.full
        chart.repaint()

    def action_batch_tokens(self) -> None:
        """The batch of the step under the cursor; of the newest step where there is no cursor."""
        if run := self.run:
            cursor = self.query_one("#chart", LossChart).cursor
            self.luthier.open_run_tokens(
                self.run_name, step=max(1, round(cursor) if cursor is not None else run.view.step)
            )

    def action_tokens(self) -> None:
        """What the run is trained on."""
        self.luthier.open_run_tokens(self.run_name)

    def action_show_log(self) -> None:
        """The log on the whole screen."""
        self.app.push_screen(LogScreen(self.run_name))

    async def action_copy(self) -> None:
        """Copy where the result, or the run, is."""
        if self.run:
            path = result_dir(self.run) or str(self.run.dir.path)
            self.luthier.tell(await copy(self.app, path), path)

    async def action_copy_command(self) -> None:
        """Copy the headless command."""
        if self.run:
            command = shell_command(self.run)
            self.luthier.tell(await copy(self.app, command), command)

    def action_back(self) -> None:
        """Take the cursor away, else go back."""
        if not self.query_one("#chart", LossChart).clear_cursor():
            self.app.pop_screen()
