"""The panes of the Data screen: which are shown, and who is told of what.

Where the terminal is wide all panes lie side by side; where it is narrow one is shown at a time and the sources are a line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from contextlib import suppress
from pathlib import Path
from typing import Literal

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from tui.data import choices
from tui.data.looking import News
from tui.data.model import Source
from tui.link.service import ServiceGoneError
from tui.rows import Row
from tui.screens.dialogs.mixture import MixtureDialog
from tui.screens.frame import WIDE, Frame
from tui.widgets.findings_list import FindingsList
from tui.widgets.mixture_pane import MixturePane
from tui.widgets.place_list import PlaceList, places
from tui.widgets.row_detail import RowDetail
from tui.widgets.row_view import RowView
from tui.widgets.scroller import Picker
from tui.widgets.search_line import SearchLine
from tui.widgets.source_head import SourceHead
from tui.widgets.source_list import SourceBar, SourceList
from tui.widgets.stats_pane import StatsPane
from tui.working import begin

_REST_S = 0.06
_SAID: list[Row] = [
    [("  Look at data before it is trained on.", "title")],
    [
        ("  ", ""),
        ("o", "key"),
        (" opens a path, typed or pasted; ", "muted"),
        ("enter", "key"),
        (" opens what is chosen below.", "muted"),
    ],
    [],
]
_LEAD = len(_SAID)


Pane = Literal["sources", "rows", "side"]
Side = Literal["row", "stats", "findings"]
PANES: tuple[Pane, ...] = ("sources", "rows", "side")


class DataPanes(Frame):
    """The screen without its keys."""

    where = "data"
    here = "data"
    CSS_PATH = "data.tcss"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.side: Side = "row"
        self.pane: Pane = "rows"
        self.composed = False
        """Whether its widgets are there."""
        self._resting: Timer | None = None

    def body(self) -> ComposeResult:
        """Sources and mixture; rows; what lies beside them; the search line; what is shown while nothing is open."""
        yield SourceBar(id="source-bar")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield SourceList(id="sources")
                yield MixturePane(id="mixture")
            with Vertical(id="right"):
                yield SourceHead(id="head")
                with Horizontal():
                    yield RowView(id="rows")
                    with Vertical(id="side"):
                        yield RowDetail(id="detail")
                        yield StatsPane(id="stats")
                        yield FindingsList(id="findings")
        yield SearchLine(id="search")
        yield PlaceList(id="welcome", lead=_LEAD)

    @property
    def rows(self) -> RowView:
        """The table."""
        return self.query_one("#rows", RowView)

    @property
    def source(self) -> Source | None:
        """The source that is looked at."""
        return self.luthier.desk.source

    @property
    def wide(self) -> bool:
        """Whether the panes lie side by side."""
        return self.app.size.width >= WIDE

    def on_mount(self) -> None:
        """What lies open; what could be opened, where nothing does."""
        self.composed = True
        super().on_mount()
        self.news_of_data({"sources"})
        begin(self, self._welcome, "welcome")

    async def _welcome(self) -> None:
        await asyncio.to_thread(choices.warm)
        with suppress(ServiceGoneError):  # whoever opens something is told
            self.luthier.desk.service.start()  # it is warm by the time that something is opened
        found, _ = await asyncio.to_thread(places, "", Path("."), "")
        if self.is_mounted:
            welcome = self.query_one("#welcome", PlaceList)
            welcome.said = _SAID
            welcome.fill(found)
        self.luthier.settle()

    def _catch_up(self) -> None:
        super()._catch_up()
        if self.is_mounted:
            self.news_of_data({"sources"})

    # Which panes are shown

    def widget_of(self, pane: Pane) -> Widget:
        """The widget of a pane that takes the keys."""
        return self.query_one({"sources": "#sources", "rows": "#rows"}.get(pane, f"#{self._side_id}"))

    @property
    def _side_id(self) -> str:
        return {"row": "detail", "stats": "stats", "findings": "findings"}[self.side]

    def lay_out(self, focus: bool = False) -> None:
        """Show the panes that there is room for; `focus`: put the cursor into the present one."""
        empty = not self.luthier.desk.sources
        wide = self.wide
        self.query_one("#welcome").display = empty
        self.query_one("#panes").display = not empty
        self.query_one("#source-bar").display = not empty and not wide
        for pane, box in (("sources", "#left"), ("rows", "#rows"), ("side", "#side")):
            self.query_one(box).display = wide or pane == self.pane
        self.query_one("#right").display = wide or self.pane != "sources"
        for name in ("detail", "stats", "findings"):
            self.query_one(f"#{name}").display = name == self._side_id
        wanted = self.query_one("#welcome") if empty else self.widget_of(self.pane)
        if focus or self.focused is None or not self.focused.display or not _is_shown(self.focused):
            self.set_focus(wanted)

    def on_resize(self, event: events.Resize) -> None:
        """More or less room."""
        super().on_resize(event)
        self.lay_out()
        self.call_after_refresh(self._catch_up)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the present one; the footer says what its keys do."""
        for pane in PANES:
            if event.widget is self.widget_of(pane):
                self.pane = pane
        self.refresh_bars()

    # News

    def news_of_data(self, what: Set[News]) -> None:
        """Paint what changed."""
        source = self.source
        if not self.query("#rows"):  # the app is being closed
            return
        if "sources" in what:
            self.lay_out()
            self.query_one("#sources", SourceList).refresh_sources()
            self.query_one(SourceBar).repaint()
            what = {"sources", "rows", "row", "exam", "mix"}
        if "rows" in what:
            self.rows.show(source)
            self.query_one(SourceHead).show(source)
            self.query_one(SearchLine).refresh_words(source)
            self.follow()
        if "row" in what or (source is not None and source.row is None):
            self.query_one(RowDetail).show(source)
        if "exam" in what:
            self.query_one("#sources", SourceList).repaint()
            self.query_one(SourceBar).repaint()
            self.query_one(SourceHead).show(source)
            self.query_one(StatsPane).show(source, self.rows.column)
            self.query_one(FindingsList).show(source)
        if "mix" in what:
            self.query_one(MixturePane).repaint()
            if isinstance(self.app.screen, MixtureDialog):
                self.app.screen.news()
        self.refresh_bars()

    def follow(self) -> None:
        """Have the row under the cursor read in full, where it is not yet."""
        source, brief = self.source, self.rows.current
        if source is not None and source.view.complete and not source.reachable:
            source.row = None  # the row that was read is none of those that are shown
        if source is None or brief is None:
            return
        if source.row is None or source.row.number != brief.number:
            self.luthier.desk.read_row(source, brief.number)

    @on(Picker.Moved)
    def _moved(self, event: Picker.Moved) -> None:
        """The row in full follows when the cursor rests; another source is shown at once."""
        if event.picker.id == "sources":
            self.choose_source(event.picker.cursor)
        elif event.picker.id == "rows":
            if self._resting is not None:
                self._resting.stop()
            self._resting = self.set_timer(_REST_S, self._rested)

    def _rested(self) -> None:
        self.follow()
        self.refresh_bars()

    def choose_source(self, index: int) -> None:
        """Look at another source."""
        desk = self.luthier.desk
        if 0 <= index < len(desk.sources) and index != desk.current:
            desk.current = index
            self.news_of_data({"sources"})


def _is_shown(widget: Widget) -> bool:
    """Whether neither it nor what it lies in is hidden."""
    return all(ancestor.display for ancestor in widget.ancestors_with_self if isinstance(ancestor, Widget))
