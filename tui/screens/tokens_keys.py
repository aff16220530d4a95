"""The keys of the Tokens screen that act at once: they move, and change what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual import on

from tui.screens.tokens_panes import NUMBER_PANES, ROW_PANES, Pane, Tool
from tui.screens.tokens_rules import TokensRules
from tui.tokens.model import Draft
from tui.widgets.batch_map import BatchMap
from tui.widgets.length_chart import LengthChart
from tui.widgets.rendered_text import RenderedText
from tui.widgets.scroller import Picker
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings
from tui.widgets.token_strip import TokenStrip
from tui.widgets.tokenizer_panes import ScratchView, VocabularyView
from tui.widgets.tokens_head import ViewBar

_OF_A_ROW = ("next_row", "previous_row", "go_to_row", "copy", "copy_command", "parity", "view", "ids", "token_left")
_OF_A_DRAFT = (
    *("limit_up", "limit_down", "limit_double", "limit_half", "limit", "truncation", "supervise", "batching"),
    *("padding_side", "train_on_eos", "batch", "findings", "lengths", "compare", "vocabulary", "scratch", "template"),
    *("about", "edit", "go_to_batch", "zoom", "next_pane", "previous_pane"),
)
_ANSWERED_WHILE_READ = (
    *("next_row", "previous_row", "go_to_row", "next_finding", "previous_finding"),
    *("next_batch", "previous_batch", "go_to_batch"),
)
_HINTS: dict[Pane, tuple[str, ...]] = {
    "tokens": ("next_row", "next_finding", "view", "limit_up", "truncation", "batch"),
    "text": ("next_row", "next_finding", "template", "edit", "zoom"),
    "fields": ("next_row", "next_finding", "template", "zoom"),
    "batch": ("choose", "next_batch", "previous_batch", "batching", "zoom"),
    "strategies": ("choose", "limit_up", "batching", "next_batch"),
    "lengths": ("limit_up", "limit_down", "limit_double", "truncation", "zoom"),
    "findings": ("choose", "next_finding", "truncation", "template", "zoom"),
    "tool": ("compare", "vocabulary", "scratch", "parity"),
}


class TokensKeys(TokensRules):
    """The screen with the keys that need no answer."""

    # What can be done now, and what the footer says

    def hints(self) -> Sequence[str]:
        """The keys that matter in the present pane."""
        draft = self.draft
        if not self.showing or draft is None:
            return ("choose", "open_draft") if draft is None else ("choose", "reload", "open_draft")
        if self.typing:
            return ("back", "next_pane")
        hints = _HINTS[self.pane]
        return ("write", "undo", *hints) if draft.changes else hints

    @property
    def typing(self) -> bool:
        """While a text is typed into a tool."""
        view = self.query_one(f"#{self.tool}") if self.composed else None
        return isinstance(view, (VocabularyView, ScratchView)) and self.focused is view.field

    def labels(self) -> Mapping[str, str]:
        """What the keys are called now."""
        if self.typing:
            return {"back": "close", "next_pane": "next pane"}
        if not self.showing:
            return {"choose": "open", "open_draft": "path"}
        found: dict[str, str] = {}
        if self.pane == "batch":
            found["choose"] = "its row"
        elif self.pane == "strategies":
            found["choose"] = "use it"
        elif self.pane == "findings":
            found["choose"] = "use the fix" if self.query_one(TokenFindings).fix is not None else "its rows"
        if self.zoomed:
            found["zoom"] = "all panes"
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        if not self.is_mounted or not self.composed:
            return True
        draft = self.draft
        is_open = draft is not None and draft.facts is not None and draft.state != "failed"
        if action in _ANSWERED_WHILE_READ and draft is not None and draft.state != "failed":
            return True  # they say what is not here yet
        if action in _OF_A_ROW:
            return is_open and draft is not None and draft.count > 0
        if action in _OF_A_DRAFT:
            return is_open
        match action:
            case "undo":
                return draft is not None
            case "undo_all" | "write":
                return draft is not None and (bool(draft.changes) or (action == "write" and not draft.origin.path))
            case "reload" | "close_draft":
                return draft is not None
            case "run":
                return is_open and draft is not None and draft.writable
        return True

    # Panes

    def go(self, pane: Pane) -> None:
        """To a pane."""
        self.pane = pane
        self.tool_open = pane == "tool" if pane in (*NUMBER_PANES, "tool") else self.tool_open
        self.lay_out(focus=True)
        self.call_after_refresh(self._catch_up)

    def action_next_pane(self, by: int = 1) -> None:
        """To the next pane."""
        if not self.showing:
            return
        panes = self.panes
        here = panes.index(self.pane) if self.pane in panes else 0
        self.go(panes[(here + by) % len(panes)])

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self.action_next_pane(-1)

    @on(ViewBar.Chosen)
    def _view_chosen(self, event: ViewBar.Chosen) -> None:
        first: dict[str, Pane] = {"row": "tokens", "text": "text", "tokenizers": "tool", "batch": "batch"}
        self.go(first.get(event.view, "lengths" if event.view == "lengths" else "findings"))

    def action_zoom(self) -> None:
        """One pane on the whole screen, or all of them."""
        self.zoomed = not self.zoomed
        self.lay_out(focus=True)
        self.call_after_refresh(self._catch_up)

    def _show_pane(self, pane: Pane) -> None:
        self.go("tokens" if self.pane == pane else pane)

    def action_batch(self) -> None:
        """The batches, or the row again."""
        self._show_pane("batch")

    def action_findings(self) -> None:
        """The findings, or the row again."""
        self._show_pane("findings")

    def action_lengths(self) -> None:
        """The lengths, or the row again."""
        self._show_pane("lengths")

    def open_tool(self, tool: Tool) -> None:
        """One of the tools, or the row again."""
        view = self.query_one(f"#{tool}")
        typing = not isinstance(view, (VocabularyView, ScratchView)) or view.field.has_focus
        if self.pane == "tool" and self.tool == tool and typing:
            self._close_tool()
            return
        self.tool = tool
        self.go("tool")

    def _close_tool(self) -> None:
        self.tool_open = False
        self.pane = "tokens"
        self.lay_out(focus=True)
        self.call_after_refresh(self._catch_up)

    def action_vocabulary(self) -> None:
        """Search the vocabulary."""
        draft = self.draft
        if draft is not None and draft.tools.pieces is None:
            self.luthier.drafts.search_vocabulary(draft, "")
        self.open_tool("vocabulary")

    def action_scratch(self) -> None:
        """Type a text."""
        self.open_tool("scratch")

    def action_parity(self) -> None:
        """The ids of a generation beside those that are trained."""
        if (draft := self.draft) is not None:
            self.luthier.drafts.parity(draft)
        self.open_tool("parity")

    @on(VocabularyView.Sought)
    def _sought(self, event: VocabularyView.Sought) -> None:
        if (draft := self.draft) is not None:
            self.luthier.drafts.search_vocabulary(draft, event.pattern, event.start)

    @on(ScratchView.Typed)
    def _typed(self, event: ScratchView.Typed) -> None:
        if (draft := self.draft) is not None:
            self.luthier.drafts.scratch(draft, event.text)

    def action_back(self) -> None:
        """Out of the tool, out of the zoom, back to the tokens, out of the screen: one at a time."""
        if not self.showing:
            self.app.pop_screen()
        elif self.pane == "tool":
            self._close_tool()
        elif self.zoomed:
            self.action_zoom()
        elif self.pane != "tokens":
            self.go("tokens")
        elif self.tool_open:
            self._close_tool()
        else:
            self.app.pop_screen()

    # Rows and tokens

    def _move_row(self, by: int) -> None:
        draft = self.draft
        if draft is None or self.still_reading(not draft.count) or not draft.count:
            return
        row = min(max(1, draft.row + by), draft.count)
        if row != draft.row:
            draft.place = (0, 0)
            self.luthier.drafts.go(draft, row)
            self.row_changed(draft)

    def row_changed(self, draft: Draft) -> None:
        """What belongs to the row is asked for anew where it is shown."""
        if not self.tool_open and self.pane != "tool":
            return
        if self.tool == "parity":
            self.luthier.drafts.parity(draft)
        elif self.tool == "compare":
            self.luthier.drafts.split_row(draft)

    def action_next_row(self) -> None:
        """The row behind this one."""
        self._move_row(1)

    def action_previous_row(self) -> None:
        """The row before this one."""
        self._move_row(-1)

    def _walk(self, backwards: bool) -> None:
        draft = self.draft
        if draft is None or self.still_reading(not draft.findings):
            return
        if not draft.findings:
            self.luthier.tell("Nothing is found in these rows.")
            return
        rule = draft.rule if draft.finding(draft.rule) is not None else ""
        chosen = self.query_one(TokenFindings).current
        self.luthier.drafts.walk(draft, rule or (chosen.rule if chosen else draft.findings[0].rule), backwards)

    def action_next_finding(self) -> None:
        """The next row with the finding."""
        self._walk(False)

    def action_previous_finding(self) -> None:
        """The row with the finding before this one."""
        self._walk(True)

    def _move_token(self, by: int) -> None:
        widget = self.focused
        if isinstance(widget, (TokenStrip, RenderedText)):
            widget.move(by)
        elif isinstance(widget, (BatchMap, LengthChart)):
            (widget.action_change if by > 0 else widget.action_change_back)()
        elif self.pane in ROW_PANES:
            self.strip.move(by)

    def action_token_left(self) -> None:
        """One token to the left."""
        self._move_token(-1)

    def action_token_right(self) -> None:
        """One token to the right."""
        self._move_token(1)

    def action_view(self) -> None:
        """The next way to show tokens."""
        self.strip.turn_view()

    def action_ids(self) -> None:
        """Ids and labels, or the splits."""
        self.strip.view = "splits" if self.strip.view == "ids" else "ids"
        self.strip.repaint()

    # Choosing

    def action_choose(self) -> None:
        """What enter does in the present pane."""
        widget = self.focused
        if isinstance(widget, Picker):
            widget.choose()
        elif self.showing and self.pane in ROW_PANES:
            self.action_zoom()

    @on(BatchMap.Chosen)
    def _row_of_batch(self, event: BatchMap.Chosen) -> None:
        draft = self.draft
        if draft is not None and event.row:
            self.luthier.drafts.go(draft, event.row)
            self.go("tokens")

    @on(StrategiesTable.Chosen)
    def _strategy(self, event: StrategiesTable.Chosen) -> None:
        self.change(event.changes)

    @on(TokenFindings.Chosen)
    def _finding(self, event: TokenFindings.Chosen) -> None:
        if (draft := self.draft) is not None:
            self.luthier.drafts.walk(draft, event.rule)
            if self.single:
                self.go("tokens")

    @on(TokenFindings.Fix)
    def _fix(self, event: TokenFindings.Fix) -> None:
        self.change(dict[str, Any](event.changes))
