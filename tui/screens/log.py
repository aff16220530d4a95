"""The whole log of a run."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.keys import bindings
from tui.link import copy
from tui.screens.frame import Frame
from tui.widgets.log_pane import LogPane
from tui.widgets.run_panes import Status


class LogScreen(Frame):
    """Every line, long ones whole."""

    where = "log"
    here = "monitor"
    CSS_PATH = "log.tcss"
    BINDINGS = bindings("log")
    AUTO_FOCUS = "#whole-log"

    def __init__(self, name: str, least: str = "info") -> None:
        """`least` is the lowest level that is shown."""
        super().__init__()
        self.run_name = name
        self._least = least

    def body(self) -> ComposeResult:
        """Status and log."""
        yield Status(id="status")
        log = LogPane(id="whole-log")
        log.least = self._least
        yield log

    def news(self, names: set[str]) -> None:
        """Paint what changed."""
        run = self.luthier.link.runs.get(self.run_name)
        if run is None and self.luthier.link.listed:
            self.query_one(Status).lose()
        if run is not None and (not names or self.run_name in names):
            self.query_one(Status).show(run)
            self.query_one(LogPane).show(run)
        self.refresh_bars()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be copied of a run that is gone."""
        return action != "copy" or self.run_name in self.luthier.link.runs

    def action_log_level(self) -> None:
        """Another level."""
        self.query_one(LogPane).turn_level()

    async def action_copy(self) -> None:
        """Copy the path of the worker's log."""
        if run := self.luthier.link.runs.get(self.run_name):
            self.luthier.tell(await copy(self.app, str(run.dir.log)), str(run.dir.log))

    def action_back(self) -> None:
        """Out of the search, then back."""
        if not self.query_one(LogPane).clear_search():
            self.app.pop_screen()
