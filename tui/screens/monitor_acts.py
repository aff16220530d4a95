"""What Monitor asks of its run, and what it takes away from it: commands, a title, a copy, a picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import work

from engine.runs.commands import CommandName, send
from tui.facts import result_dir, shell_command
from tui.link import copy
from tui.link.verbs import write_chart
from tui.screens.monitor_panes import MonitorPanes
from tui.widgets.checkpoints_pane import CheckpointsPane
from tui.widgets.warnings_pane import WarningsPane

_WAITING = "It is done after the present step; the log says when the run has taken it."


class MonitorActs(MonitorPanes):
    """The screen with the keys that reach beyond it."""

    # What is asked of the run

    def _send(self, command: CommandName, told: str) -> None:
        run = self.run
        if run is None:
            return
        try:
            send(run.dir.commands, command)
        except OSError as error:
            self.luthier.complain(f"The run was not asked: {error}")
        else:
            self.luthier.tell(told, f"{run.dir.name}: asked")

    def action_pause(self) -> None:
        """Hold, or go on."""
        if (run := self.run) is None:
            return
        if run.view.paused:
            self._send("unpause", "It goes on.")
        else:
            self._send("pause", "It stops after the present step and keeps everything in memory. p goes on.")

    def action_evaluate(self) -> None:
        """Ask for an evaluation."""
        self._send("evaluate", f"The held-out rows are evaluated. {_WAITING}")

    def action_checkpoint(self) -> None:
        """Ask for a checkpoint."""
        self._send("checkpoint", f"A checkpoint is saved. {_WAITING}")

    def action_sample(self) -> None:
        """Ask for answers to the prompts."""
        self._send("sample", f"The prompts of the run file are answered. {_WAITING}")

    def action_stop(self) -> None:
        """Stop after asking; kill after asking again; take a waiting run out of the queue."""
        if run := self.run:
            if run.state == "queued":
                self.luthier.cancel_queued([run])
            else:
                self.luthier.stop_run(run)

    def action_resume(self) -> None:
        """Go on from the newest checkpoint."""
        if run := self.run:
            self.luthier.resume(run)

    def action_edit_card(self) -> None:
        """Title, tags, note."""
        if run := self.run:
            self.luthier.edit_card(run)

    def action_clone(self) -> None:
        """A draft like this run."""
        self.luthier.clone_run(self.run_name)

    def action_compare(self) -> None:
        """Beside others."""
        self.luthier.compare([self.run_name])

    # What is taken away

    async def action_copy(self) -> None:
        """Copy what the present pane is about: a path, or a warning's words."""
        run = self.run
        if run is None:
            return
        checkpoint = self.query_one(CheckpointsPane).current if self.pane == "checkpoints" else None
        warning = self.query_one(WarningsPane).current if self.pane == "warnings" else None
        if checkpoint is not None:
            text = str(self.query_one(CheckpointsPane).path_of(checkpoint))
        elif warning is not None:
            text = f"{warning.message} ({warning.hint})" if warning.hint else warning.message
        elif self.pane == "log":
            text = str(run.dir.log)
        else:
            text = result_dir(run) or str(run.dir.path)
        self.luthier.tell(await copy(self.app, text), text)

    async def action_copy_command(self) -> None:
        """Copy the headless command."""
        if self.run:
            command = shell_command(self.run)
            self.luthier.tell(await copy(self.app, command), command)

    @work(group="ask")
    async def action_write_chart(self) -> None:
        """Ask where to; the ending says as what."""
        from tui.screens.dialogs.write_chart import WriteChart

        if self.run is None:
            return
        path: str | None = await self.app.push_screen_wait(WriteChart(f"{self.run_name}-loss"))
        if path:
            target, chart, runs = Path(path).expanduser().absolute(), self.chart, self.luthier.link.runs_dir
            task = partial(write_chart, self.run_name, runs, target, chart.axis, chart.log_y, chart.smoothing != "none")
            self.luthier.have_drawn(task, self.run_name)
