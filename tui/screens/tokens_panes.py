"""The panes of the Tokens screen: which are there, and which are shown.

Where the terminal is wide the row lies above the batches and the numbers; where it is narrow, or a pane is zoomed, one view is
shown at a time, and a line names them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from contextlib import suppress
from typing import Literal

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tui.link.service import ServiceGoneError
from tui.screens.frame import WIDE, Frame
from tui.tokens.asking import News
from tui.tokens.model import Draft
from tui.widgets.batch_map import BatchMap
from tui.widgets.draft_list import DraftList, entries
from tui.widgets.length_chart import LengthChart
from tui.widgets.parity_view import ParityView
from tui.widgets.rendered_text import RenderedText
from tui.widgets.row_splits import RowSplits
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings
from tui.widgets.token_row_panes import RowFields, TokenCard
from tui.widgets.token_strip import TokenStrip
from tui.widgets.tokenizer_panes import CompareView, ScratchView, VocabularyView
from tui.widgets.tokens_head import TokensHead, ViewBar
from tui.working import begin

Pane = Literal["tokens", "text", "fields", "batch", "strategies", "lengths", "findings", "tool"]
Tool = Literal["compare", "vocabulary", "scratch", "parity"]
ROW_PANES: tuple[Pane, ...] = ("tokens", "text", "fields")
NUMBER_PANES: tuple[Pane, ...] = ("batch", "lengths", "strategies", "findings")
VIEWS = ("row", "text", "batch", "lengths", "findings", "tokenizers")
VIEW_OF: dict[Pane, str] = {
    "tokens": "row",
    "text": "text",
    "fields": "text",
    "batch": "batch",
    "lengths": "lengths",
    "strategies": "lengths",
    "findings": "findings",
    "tool": "tokenizers",
}


class TokensPanes(Frame):
    """The screen without its keys."""

    where = "tokens"
    here = "tokens"
    CSS_PATH = "tokens.tcss"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.pane: Pane = "tokens"
        self.tool: Tool = "compare"
        self.tool_open = False
        """Whether the tool lies in the place of the numbers, where there is room for both."""
        self.zoomed = False
        self.composed = False
        """Whether its widgets are there."""

    def body(self) -> ComposeResult:
        """The head; the row; batches and numbers, or a tool; what is shown while nothing is open."""
        yield TokensHead(id="token-head")
        yield ViewBar(VIEWS, id="views")
        with Vertical(id="token-panes"):
            with Horizontal(id="row-half"):
                with Vertical(id="texts"):
                    yield RowFields(id="fields")
                    yield RenderedText(id="text")
                yield TokenStrip(id="strip")
                yield TokenCard(id="card")
            with Horizontal(id="number-half"):
                yield BatchMap(id="batch")
                with Vertical(id="numbers"):
                    yield LengthChart(id="lengths")
                    yield StrategiesTable(id="strategies")
                yield TokenFindings(id="findings")
            with Vertical(id="tools"):
                with Horizontal(id="two"):
                    yield CompareView(id="compare")
                    yield RowSplits(id="row-splits")
                yield VocabularyView(id="vocabulary")
                yield ScratchView(id="scratch")
                yield ParityView(id="parity")
        yield DraftList(id="welcome")

    def news_of_tokens(self, what: Set[News]) -> None:
        """Paint what changed."""
        raise NotImplementedError

    @property
    def draft(self) -> Draft | None:
        """The draft that is looked at."""
        return self.luthier.drafts.current

    @property
    def strip(self) -> TokenStrip:
        """The tokens."""
        return self.query_one("#strip", TokenStrip)

    @property
    def single(self) -> bool:
        """Whether one view is shown at a time."""
        return self.zoomed or self.app.size.width < WIDE

    def on_mount(self) -> None:
        """What lies open; what could be opened, where nothing does."""
        self.composed = True
        super().on_mount()
        self.news_of_tokens({"drafts"})
        begin(self, self._welcome, "welcome")

    async def _welcome(self) -> None:
        with suppress(ServiceGoneError):  # whoever opens something is told
            self.luthier.desk.service.start()  # it is warm by the time that something is opened
        await self.fill_welcome()
        self.luthier.settle()

    async def fill_welcome(self) -> None:
        """List what can be opened."""
        app = self.luthier
        found = await asyncio.to_thread(entries, "", list(app.drafts.drafts), app.offered_sources(), app.link.runs_dir)
        if self.is_mounted:
            self.query_one("#welcome", DraftList).fill(found)

    def _catch_up(self) -> None:
        super()._catch_up()
        if self.is_mounted:
            self.news_of_tokens({"drafts"})

    # Which panes are shown

    def widget_of(self, pane: Pane) -> Widget:
        """The widget of a pane that takes the keys."""
        if pane == "tool":
            view = self.query_one(f"#{self.tool}")
            return view.field if isinstance(view, (VocabularyView, ScratchView)) else view
        return self.query_one({"tokens": "#strip"}.get(pane, f"#{pane}"))

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes that tab goes through."""
        if self.single:
            return (*ROW_PANES, *NUMBER_PANES, "tool")
        return (*ROW_PANES, "tool") if self.tool_open else (*ROW_PANES, *NUMBER_PANES)

    @property
    def showing(self) -> bool:
        """Whether there is a draft with something to show."""
        draft = self.draft
        return draft is not None and draft.state != "failed"

    def lay_out(self, focus: bool = False) -> None:
        """Show the panes that there is room for; `focus`: put the cursor into the present one."""
        if not self.composed or not self.query("#strip"):
            return
        showing, single = self.showing, self.single
        if not single and self.pane == "tool" and not self.tool_open:
            self.tool_open = True
        view = VIEW_OF[self.pane]
        shown = {
            "#token-head": showing,
            "#views": showing and single,
            "#token-panes": showing,
            "#welcome": not showing,
            "#row-half": not single or view in ("row", "text"),
            "#texts": not single or view == "text",
            "#strip": not single or view == "row",
            "#card": not single or view == "row",
            "#number-half": (not single and not self.tool_open)
            or (view in ("batch", "lengths", "findings") and single),
            "#batch": not single or view == "batch",
            "#numbers": not single or view == "lengths",
            "#findings": not single or view == "findings",
            "#tools": view == "tokenizers" if single else self.tool_open,
            "#two": self.tool == "compare",
            **{f"#{name}": name == self.tool for name in ("vocabulary", "scratch", "parity")},
        }
        for name, display in shown.items():
            self.query_one(name).display = display
        self.set_class(single, "-single").set_class(not single, "-both")
        self.set_class(self.pane in NUMBER_PANES or self.pane == "tool", "-below")
        for name in ("strategies", "findings", "fields"):
            self.set_class(self.pane == name, f"-{name}")
        if focus or self.focused is None or not _is_shown(self.focused):
            self.set_focus(self.widget_of(self.pane) if showing else self.query_one("#welcome"))
        self.query_one(ViewBar).show(view, len(self.draft.findings) if self.draft else 0)

    def on_resize(self, event: events.Resize) -> None:
        """More or less room."""
        super().on_resize(event)
        self.lay_out()
        self.call_after_refresh(self._catch_up)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the present one; the footer says what its keys do."""
        before = self.pane
        for pane in (*ROW_PANES, *NUMBER_PANES):
            if event.widget is self.widget_of(pane):
                self.pane = pane
        if any(ancestor.id == "tools" for ancestor in event.widget.ancestors):
            self.pane = "tool"
        if self.pane != before:
            self.lay_out()
        self.refresh_bars()


def _is_shown(widget: Widget) -> bool:
    """Whether neither it nor what it lies in is hidden."""
    return all(ancestor.display for ancestor in widget.ancestors_with_self if isinstance(ancestor, Widget))
