"""Home: all runs as a table, and what is to be known of the one under the cursor. Acts are about the marked runs, if any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input

from engine.runs.store import Run
from tui.keys import bindings
from tui.link import copy
from tui.run_filter import read
from tui.screens.frame import Frame
from tui.screens.home_keys import HomeKeys
from tui.screens.welcome import Welcome
from tui.widgets.line_input import LineInput
from tui.widgets.loss_chart import LossChart
from tui.widgets.queue_line import QueueLine
from tui.widgets.run_list import RunList
from tui.widgets.run_preview import RunPreview

_REST_S = 0.06
_LOOK_S = 1.0


class Home(HomeKeys, Frame):
    """The runs, live; a preview beside them."""

    where = "home"
    here = "runs"
    has_own_search = True
    CSS_PATH = "home.tcss"
    BINDINGS = bindings("home")
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._resting: Timer | None = None
        self._regex = False

    def body(self) -> ComposeResult:
        """List and filter; chart and facts; a welcome where there is no run yet."""
        with Vertical(id="left"):
            yield RunList(id="runs")
            yield QueueLine(id="queue")
            yield LineInput(
                placeholder="words   tag:x   state:failed   model:x   -not   ctrl+r regex", id="filter", compact=True
            )
        with Vertical(id="right"):
            yield LossChart(id="preview")
            yield RunPreview(id="facts")
        yield Welcome(id="welcome")

    def on_mount(self) -> None:
        """Cards and queue are looked at once a second, while somebody sees them."""
        super().on_mount()
        self.set_interval(_LOOK_S, self._look)

    def _look(self) -> None:
        if self.luthier.is_shown(self) and self.luthier.link.order:
            self.luthier.look_at_shelf()

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
        if link.order and not self.luthier.shelf.looked:
            self.luthier.look_at_shelf()
        self.runs.refresh_runs()
        queue = self.query_one(QueueLine)
        queue.show(self.luthier.shelf.queue)
        self.set_class(bool(queue.tickets), "-queue")
        if not names or (self.runs.selected in names) or self.query_one(RunPreview).run is not self.run:
            self._preview()
        self.refresh_bars()

    def _preview(self) -> None:
        run = self.run
        self.luthier.link.focus = None
        row = self.runs.table.rows.get(self.runs.selected or "")
        queued = row is not None and row.state == "queued"
        waits = self.runs.table.after(row) if row is not None and queued else ""
        over = run is not None and not run.alive and not queued
        self.query_one("#preview", LossChart).show(run.view if run else None, over, queued)
        self.query_one(RunPreview).show(run, waits)

    @on(RunList.Moved)
    def _moved(self) -> None:
        """The preview follows when the cursor rests: a key that is held down costs the cursor only."""
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST_S, self.rested)

    def rested(self) -> None:
        """The preview and the keys are those of the run under the cursor."""
        self._preview()
        self.refresh_bars()

    @on(RunList.Chosen)
    def _chosen(self) -> None:
        self.action_open_run()

    def labels(self) -> Mapping[str, str]:
        """What some keys do now."""
        count = len(self.runs.marks)
        run = self.run
        return {
            "new_run": "next that fits" if self.runs.table.filter.active else "new run",
            "compare": f"compare {count}" if count > 1 else "compare",
            "archive": "bring back" if run and self.luthier.shelf.card(run.dir.name).archived else "archive",
        }

    async def action_copy(self) -> None:
        """Copy the folders of the runs, one a line."""
        paths = "\n".join(str(run.dir.path) for run in self.runs.targets)
        if paths:
            self.luthier.tell(await copy(self.app, paths), paths)

    # Filter

    def action_filter(self) -> None:
        """Type words."""
        box = self.query_one("#filter", Input).add_class("-open")
        box.display = True
        self.set_focus(box)  # at once: what is typed right behind the key is meant for it

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._use_filter(event.value)

    def _use_filter(self, text: str) -> None:
        self.runs.use_filter(read(text, self._regex))
        self.rested()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        box = self.query_one("#filter", Input)
        self._close(box)

    def on_descendant_focus(self) -> None:
        """Other keys are of use in the filter than in the list."""
        self.refresh_bars()

    def on_key(self, event: events.Key) -> None:
        """In the filter: ctrl+r reads it the other way, the arrows lead into the list."""
        box = self.query_one("#filter", Input)
        if not box.has_focus:
            return
        if event.key == "ctrl+r":
            self.action_toggle_regex()
        elif event.key in ("down", "up"):
            self.runs.step(1 if event.key == "down" else -1)
        else:
            return
        event.stop()
        event.prevent_default()

    def hints(self) -> Sequence[str]:
        """While one types: how it is read, and the way out."""
        return ("toggle_regex", "back") if self.typing else ()

    def action_toggle_regex(self) -> None:
        """Read the filter the other way."""
        self._regex = not self._regex
        self._use_filter(self.query_one("#filter", Input).value)
        self.luthier.tell("The filter is a regular expression." if self._regex else "The filter is words.")

    @property
    def typing(self) -> bool:
        """Whether keys are letters of the filter."""
        return any(box.has_focus for box in self.query("#filter"))

    def action_back(self) -> None:
        """Clear the filter first; then the marks."""
        box = self.query_one("#filter", Input)
        if not box.value and not box.has_class("-open") and self.runs.marks:
            self.runs.marks.clear()
            self.runs.repaint()
        box.value = ""
        self._close(box)
        self.refresh_bars()

    def _close(self, box: Input) -> None:
        box.remove_class("-open")
        box.display = False
        self.runs.focus()
