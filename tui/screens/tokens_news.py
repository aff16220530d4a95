"""What is told to the panes of the Tokens screen, and how the panes of a row follow each other."""

from __future__ import annotations

from collections.abc import Set

from textual import on

from engine.service.protocol import Tokens as TokensRow
from tui.data.places import short
from tui.screens.tokens_panes import VIEW_OF, TokensPanes
from tui.tokens import pace
from tui.tokens.asking import News
from tui.tokens.model import Draft
from tui.widgets.batch_map import BatchMap
from tui.widgets.draft_list import DraftList
from tui.widgets.length_chart import LengthChart
from tui.widgets.parity_view import ParityView
from tui.widgets.rendered_text import RenderedText, token_at
from tui.widgets.row_splits import RowSplits
from tui.widgets.scroller import Picker
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings
from tui.widgets.token_row_panes import RowFields, TokenCard
from tui.widgets.token_strip import TokenStrip
from tui.widgets.tokenizer_panes import CompareView, ScratchView, VocabularyView
from tui.widgets.tokens_head import TokensHead, ViewBar

_SEVERITY_INK = {"error": "bad", "warning": "warn", "note": "muted"}


class TokensNews(TokensPanes):
    """The screen that hears."""

    def news(self, names: set[str]) -> None:
        """A run went on: perhaps it has done the step that is looked at."""
        draft = self.draft
        if draft is not None and draft.origin.run in names and draft.batch.journaled == "not yet":
            run = self.luthier.link.runs.get(draft.origin.run)
            if run is not None and run.view.step >= draft.batch.step:
                self.luthier.drafts.check_journal(draft)
        self.refresh_bars()

    def news_of_tokens(self, what: Set[News]) -> None:
        """Paint what changed."""
        if not self.composed or not self.query("#strip"):  # the app is being closed
            return
        draft = self.draft
        if "drafts" in what:
            self.lay_out()
            self.query_one("#welcome", DraftList).failed = draft if draft is not None and not self.showing else None
            self.query_one("#welcome", DraftList).repaint()
            what = {"drafts", "row", "batch", "measured", "tools"}
        self.query_one(TokensHead).show(draft)
        if "row" in what:
            self.show_row()
        if draft is not None and what & {"batch", "measured", "drafts"}:
            self._show_batch(draft)
            self._show_numbers(draft)
        if draft is not None and what & {"tools", "row"}:
            self._show_tool(draft)
        self.refresh_bars()

    def show_row(self) -> None:
        """The row that is looked at, in all its panes."""
        draft = self.draft
        if draft is None:
            self.strip.show(None, 0, 0)
            return
        row = draft.shown
        problem = "" if row is not None else draft.row_error or self._why_no_row(draft)
        if row is None and self.strip.row is not None and not problem and self.strip.row.draft == draft.id:
            return  # what was shown stays until the next one is here
        limit = draft.facts.max_length if draft.facts else 0
        self.strip.show(row, draft.token, limit, problem)
        self.follow(row, draft)

    def _why_no_row(self, draft: Draft) -> str:
        facts = draft.facts
        if facts is None or facts.rows or not facts.complete:
            return ""
        return " ".join(["There is no row that can be trained on.", *facts.notes])

    def follow(self, row: TokensRow | None, draft: Draft) -> None:
        """What follows the cursor of the tokens."""
        token = self.strip.token
        self.query_one(RenderedText).show(row, token)
        self.query_one(RowFields).show(row, token)
        found: list[tuple[str, str]] = []
        for rule in row.findings if row is not None else []:
            finding = draft.finding(rule)
            ink = _SEVERITY_INK[finding.severity] if finding else "warn"
            found.append((finding.title if finding else rule.replace("_", " "), ink))
        self.query_one(TokenCard).show(row, token, self.strip.piece, self.strip.group, found)

    def _show_batch(self, draft: Draft) -> None:
        batch = draft.batch
        waiting = ""
        if batch.found is None and not batch.error:
            waiting = "The rows are measured before batches can be made…"
            if batch.progress and batch.progress[1]:
                waiting += f" {100 * batch.progress[0] // batch.progress[1]} %"
        journaled = None if batch.journaled in ("", "unknown") else batch.journal_fingerprint
        self.query_one(BatchMap).show(batch.found, journaled, waiting, batch.error, changed=bool(draft.changes))
        measured = draft.measured
        self.query_one(StrategiesTable).show(
            measured.strategies if measured else [],
            pace.seconds_per_cell(self.luthier.link, draft),
            "" if measured else "The rows are measured first…",
        )

    def _show_numbers(self, draft: Draft) -> None:
        measured = draft.measured
        lengths = measured.lengths if measured else None
        note = ""
        if measured is not None and not measured.complete and measured.seen < measured.total:
            note = f"first {measured.seen:,} of {measured.total:,} rows"
        pending = draft.max_length if lengths is not None and draft.max_length != lengths.max_length else None
        self.query_one(LengthChart).show(
            lengths,
            pending,
            context=draft.facts.context if draft.facts else None,
            truncation=str(draft.value("tokens.truncation") or "right"),
            note=note,
            waiting="" if measured else "The rows are measured first…",
        )
        self.query_one(TokenFindings).show(
            measured.findings if measured else [],
            draft.rule,
            rows=measured.seen if measured else 0,
            complete=measured.complete if measured else True,
            waiting="" if measured else "The rows are measured first…",
        )
        self.query_one(ViewBar).show(VIEW_OF[self.pane], len(draft.findings))

    def _show_tool(self, draft: Draft) -> None:
        tools = draft.tools
        name = _folder(draft.facts.tokenizer) if draft.facts else ""
        other = _folder(tools.other)
        waiting = "c chooses a second tokenizer." if not tools.other else "Both tokenizers read a sample of the rows…"
        self.query_one(CompareView).show(tools.compared, name, other, waiting)
        splits = self.query_one(RowSplits)
        splits.number = tools.split_row
        pairs = ((name, tools.ours), (other, tools.theirs))
        splits.take([(title, split) for title, split in pairs if split is not None], waiting)
        self.query_one(VocabularyView).show(tools.pieces, tools.pattern)
        self.query_one(ScratchView).show(tools.split, tools.other_split if tools.other else None, name, other)
        parity = tools.parity if tools.parity is not None and tools.parity.row == draft.row else None
        self.query_one(ParityView).show(parity, "Comparing…" if self.tool == "parity" else "")

    # Moving in the row

    @on(TokenStrip.Moved)
    def _token_moved(self, event: TokenStrip.Moved) -> None:
        self.put_token(event.token, event.last)

    @on(RenderedText.Sought)
    def _char_sought(self, event: RenderedText.Sought) -> None:
        draft = self.draft
        row = draft.shown if draft is not None else None
        if draft is None or row is None or not row.total:
            return
        token = token_at(row, event.char) if event.char >= 0 else draft.token + event.by
        last = token >= row.total - 1 and row.start + len(row.tokens) < row.total
        self.put_token(min(max(0, token), row.total - 1), last)

    def put_token(self, token: int, last: bool = False) -> None:
        """The cursor on another token; what follows it follows."""
        draft = self.draft
        if draft is None:
            return
        before = draft.shown
        if last:
            self.luthier.drafts.go(draft, draft.row, token, last=True)
            return
        draft.token = token
        self.luthier.drafts.read(draft)
        row = draft.shown
        if row is None:
            return
        if row is not before or self.strip.cursor != token:
            self.strip.show(row, token, draft.facts.max_length if draft.facts else 0)
        self.follow(row, draft)

    @on(Picker.Moved)
    def _moved(self) -> None:
        self.refresh_bars()


def _folder(path: str) -> str:
    return short(path).rstrip("/").rsplit("/", 1)[-1]
