"""Compare: several runs on one chart, a table of what they came to, and what is different about them.

The list of runs is the legend: its marks stand on the lines, in the columns of the differences and in the readout of the
crosshair. Which runs are compared is kept by the app, so that one comes back to what one left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.runs.differences import Fact, differences
from engine.runs.figures import table
from engine.runs.store import Run
from tui.compare_words import markdown
from tui.compared import Compared
from tui.facts import command_in
from tui.keys import bindings
from tui.link import copy
from tui.link.verbs import draw_runs
from tui.screens.chart_keys import CHART_ACTIONS, ChartKeys
from tui.screens.frame import Frame
from tui.widgets.compare_chart import CompareChart
from tui.widgets.compare_differences import CompareDifferences
from tui.widgets.compare_empty import CompareEmpty
from tui.widgets.compare_runs import CompareRuns
from tui.widgets.curve_chart import CurveChart

_MOST_LISTED, _MOST_ON_LOW = 7, 4
_BARS = 2
"""Lines of header and footer."""
_ACTS = ("pick", "write_chart", "next_metric", "previous_metric", "everything", "copy", "copy_command", "zoom_pane")


class Compare(ChartKeys, Frame):
    """Several runs."""

    where = "compare"
    here = "compare"
    CSS_PATH = "compare.tcss"
    BINDINGS = bindings("compare")
    AUTO_FOCUS = "#compared"

    def __init__(self) -> None:
        super().__init__()
        self._facts: list[Fact] = []
        self._facts_of: object = None
        """What the differences were read for."""

    def body(self) -> ComposeResult:
        """Chart, runs, differences; words where there are no runs."""
        with Vertical(id="panes"):
            yield CompareChart(id="curves")
            yield CompareRuns(id="compared")
            yield CompareDifferences(id="differences")
        yield CompareEmpty(id="nothing")

    @property
    def compared(self) -> Compared:
        """Which runs."""
        return self.luthier.compared

    @property
    def chart(self) -> CompareChart:
        """The chart."""
        return self.query_one(CompareChart)

    @property
    def list(self) -> CompareRuns:
        """The runs."""
        return self.query_one(CompareRuns)

    @property
    def there(self) -> dict[str, Run]:
        """The compared runs that are there, in their order."""
        runs = self.luthier.link.runs
        return {name: runs[name] for name in self.compared.names if name in runs}

    # News

    def news(self, names: set[str]) -> None:
        """Some runs grew, came or went."""
        link = self.luthier.link
        self.set_class(not self.compared.names, "-empty")
        if not self.compared.names:
            self.query_one(CompareEmpty).repaint()
            self.refresh_bars()
            return
        most = _MOST_ON_LOW if self.has_class("-low") else _MOST_LISTED
        self.list.styles.height = min(len(self.compared.names), most) + 3
        if not names or names & set(self.compared.names) or set(self.list.runs) != set(self.there):
            self._show()
        self._look_for_differences()
        if link.listed:
            self.refresh_bars()

    def _show(self) -> None:
        link, there = self.luthier.link, self.there
        titles = {name: self.luthier.shelf.card(name).title for name in self.compared.names}
        self.chart.show(self.compared, there)
        self.list.show(self.compared, there, titles, set(link.order) if link.listed else None)
        self.list.point(self.chart.values_here())
        self._show_differences()

    def _show_differences(self) -> None:
        card = self.luthier.shelf.card
        heads = [(card(name).title or name, self.compared.signs[name]) for name in self.there]
        facts = self._facts if len(heads) > 1 and all(len(fact.values) == len(heads) for fact in self._facts) else []
        shown = facts if self.compared.everything else [fact for fact in facts if fact.differs]
        busy = len(heads) > 1 and self._facts_of != self._key()
        pane = self.query_one(CompareDifferences)
        pane.show(shown, heads, self.compared.everything, busy)
        if not busy:
            self._give_differences_room(pane)

    def _give_differences_room(self, pane: CompareDifferences) -> None:
        """As high as its lines, up to a share of the screen: the chart has the rest."""
        most = self.app.size.height // (3 if self.has_class("-low") else 2) - _BARS
        if self.has_class("-only-differences"):
            pane.styles.height = "1fr"
        else:
            pane.styles.height = max(3, min(pane.count(self.app.size.width) + 2, most))

    def _key(self) -> object:
        """What the differences depend on; steps and losses stand in the table already."""
        parts = []
        for name, run in self.there.items():
            view = run.view
            parts.append((name, id(view.hello), id(view.data), id(view.model), id(view.plan), view.micro_batch_size))
        return tuple(parts)

    def _look_for_differences(self) -> None:
        if self._key() != self._facts_of and len(self.there) > 1:
            self._read_differences()

    @work(group="differences", exclusive=True)
    async def _read_differences(self) -> None:
        """Run files are read in a thread: the first one takes the models of the run file with it."""
        key, runs = self._key(), list(self.there.values())
        facts = await asyncio.to_thread(differences, runs, True)
        self._facts = [fact for fact in facts if fact.group != "outcome"]
        self._facts_of = key
        if self.is_mounted:
            self._show_differences()

    @on(CurveChart.Moved)
    def _crosshair(self) -> None:
        self.list.point(self.chart.values_here())
        self.refresh_bars()

    @on(CompareRuns.Moved)
    def _moved(self) -> None:
        self.luthier.link.focus = self.list.current  # the run under the cursor is the one that is kept whole
        self.refresh_bars()

    @on(CompareRuns.Chosen)
    def _chosen(self, event: CompareRuns.Chosen) -> None:
        if isinstance(event.picker, CompareRuns):
            self.action_open_run()

    # Keys

    def labels(self) -> Mapping[str, str]:
        """What some keys do now."""
        hidden = self.list.current in self.compared.hidden
        return {
            "turn_line": "show line" if hidden else "hide line",
            "everything": "only what differs" if self.compared.everything else "all facts",
            "pick": "pick runs",
        }

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        if not self.is_mounted or not self.query(CompareRuns):
            return True
        if action in CHART_ACTIONS:
            return self.chart_allows(action)
        if action in ("open_run", "turn_line"):
            return self.list.current in self.there
        if action == "remove":
            return self.list.current is not None
        if action in ("next_pane", "previous_pane"):
            return bool(self.compared.names)
        if action in _ACTS and action != "pick":
            return bool(self.there)
        return True

    @work(group="ask")
    async def action_pick(self) -> None:
        """Choose the runs."""
        from tui.screens.dialogs.pick_runs import PickRuns

        names: list[str] | None = await self.app.push_screen_wait(PickRuns(self.compared.names))
        if names is not None:
            self.compared.set(names)
            self.news(set())

    def action_open_run(self) -> None:
        """Watch the run under the cursor."""
        if (name := self.list.current) in self.there and name is not None:
            self.luthier.open_run(name)

    def action_turn_line(self) -> None:
        """Hide the line, or show it."""
        if (name := self.list.current) is not None:
            self.compared.turn(name)
            self.news(set())

    def action_remove(self) -> None:
        """Take the run off the list."""
        if (name := self.list.current) is not None:
            self.compared.remove(name)
            self.news(set())

    def _metric(self, by: int) -> None:
        self.compared.next_metric(by)
        self.chart.window = type(self.chart.window)()
        self.chart.log_y = False
        self.news(set())

    def action_next_metric(self) -> None:
        """The next metric."""
        self._metric(1)

    def action_previous_metric(self) -> None:
        """The metric before."""
        self._metric(-1)

    def action_everything(self) -> None:
        """What is equal, too, or not."""
        self.compared.everything = not self.compared.everything
        self._show_differences()
        self.refresh_bars()

    def action_next_pane(self) -> None:
        """To the next pane."""
        self.focus_next()

    def action_previous_pane(self) -> None:
        """The other way round."""
        self.focus_previous()

    def action_zoom_pane(self) -> None:
        """The focused pane alone, or all of them."""
        panes = {"#curves": "-only-curves", "#compared": "-only-compared", "#differences": "-only-differences"}
        zoomed = [name for name in panes.values() if self.has_class(name)]
        for name in zoomed:
            self.remove_class(name)
        if not zoomed:
            focused = next((pane for pane in panes if self.query_one(pane).has_focus), "#curves")
            self.add_class(panes[focused])
            self.query_one(focused).focus()
        self._give_differences_room(self.query_one(CompareDifferences))

    @work(group="ask")
    async def action_write_chart(self) -> None:
        """Ask for a file; the verb draws the lines that are shown into it."""
        from tui.screens.dialogs.write_chart import WriteChart

        names = [name for name in self.compared.drawn if name in self.there]
        metric, axis, log_y = self.compared.metric.key, self.chart.axis, self.chart.log_y
        if not names:
            return
        path: str | None = await self.app.push_screen_wait(WriteChart("-".join([*names[:3], metric])))
        if path:
            target, runs = Path(path).expanduser().absolute(), self.luthier.link.runs_dir
            self.luthier.have_drawn(partial(draw_runs, names, runs, target, metric, axis, log_y), f"{len(names)} runs")

    async def action_copy(self) -> None:
        """Copy the tables as Markdown."""
        there = self.there
        if not there:
            return
        facts = [fact for fact in self._facts if fact.differs or self.compared.everything]
        facts = [fact for fact in facts if len(fact.values) == len(there)]
        heads = [self.luthier.shelf.card(name).title or name for name in there]
        text = markdown(heads, table(self.list.figures), facts)
        self.luthier.tell(await copy(self.app, text), f"{len(there)} runs as a Markdown table")

    async def action_copy_command(self) -> None:
        """Copy the command that prints this."""
        wish = ["--all"] if self.compared.everything else []
        command = command_in(self.luthier.link.runs_dir, "compare", *self.there, *wish)
        self.luthier.tell(await copy(self.app, command), command)
