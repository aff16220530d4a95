"""The lines above the panes of the Tokens screen: which draft, which row, which rules; and, where it is narrow, which view."""

from __future__ import annotations

from textual import events
from textual.message import Message

from engine.service.protocol import Tokens
from engine.token_facts import DraftFacts
from tui import words
from tui.data.places import short
from tui.rows import Row
from tui.text import plain
from tui.tokens.model import Draft
from tui.tokens.rules import batching, rule_values
from tui.widgets.painted import Painted, apart, fit, row_width


class TokensHead(Painted):
    """Three lines: the draft and what is not written of it; the row; the rules with their keys."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.draft: Draft | None = None

    def show(self, draft: Draft | None) -> None:
        """Show a draft."""
        self.draft = draft
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines."""
        draft = self.draft
        if draft is None:
            return []
        room = width - 2
        lines = [self._draft_line(draft, room), self._row_line(draft, room), self._rules_line(draft, room)]
        return [[(" ", ""), *fit(line, room)] for line in lines[:height]]

    def _draft_line(self, draft: Draft, width: int) -> Row:
        facts = draft.facts
        right = self._news(draft)
        left: Row = [(plain(draft.origin.title, 40), "title")]
        if facts is None:
            return apart(left, right, width)
        added = f" and {len(facts.new_tokens)} new" if facts.new_tokens else ""
        parts: list[Row] = [
            [(plain(short(facts.tokenizer).rstrip("/").rsplit("/", 1)[-1], 32), "text")],
            [(f"vocabulary {words.count(facts.vocabulary - len(facts.new_tokens))}{added}", "muted")],
            [] if facts.weights else [("no weights: to look at only", "warn")],
            [("A", "key"), (f" {_notes(facts)}", "warn")] if _notes(facts) else [],
        ]
        return apart(_fitting(left, parts, width - row_width(right) - 2), [("  ", ""), *right], width)

    def _news(self, draft: Draft) -> Row:
        """What is not written, else how far the reading is."""
        if draft.measuring is not None and draft.state != "failed":
            done, total = draft.measuring
            share = f" {words.percent(done, total)}" if done and total else ""
            reading: Row = [(f"reading rows{share}", "accent")]
        else:
            reading = []
        count = len(draft.changes)
        if not count:
            return reading
        name = plain(draft.origin.title, 24)
        said = f"{count} change{'s' if count > 1 else ''} not in {name}" if draft.origin.path else f"{count} changed"
        keys: Row = [("  w", "key"), (" write", "muted"), ("  u", "key"), (" undo", "muted")]
        return [*reading, *([("   ", "")] if reading else []), (f"{self.glyphs.mark} {said}", "warn"), *keys]

    def _row_line(self, draft: Draft, width: int) -> Row:
        facts = draft.facts
        if facts is None:
            return [(f"Opening {plain(draft.origin.title, 60)}", "muted"), ("…", "muted")] if not draft.error else []
        row = draft.shown
        more = "" if facts.complete else "+"
        left: Row = [
            ("row ", "muted"),
            (words.count(draft.row if facts.rows else 0), "title"),
            (f" of {words.count(facts.rows)}{more}", "muted"),
        ]
        if row is None:
            waiting = "..." if self.glyphs.ascii_only else "…"
            return [*left, (f"  {waiting}", "muted")] if facts.rows else left
        if draft.rule and draft.place[1]:
            left += [("  ", ""), (f"{draft.place[0]} of {words.count(draft.place[1])}", "warn"), (" found", "muted")]
        right = self._figures(row)
        held_out = row.split == "test"
        parts: list[Row] = [
            [(plain(row.origin.rsplit("/", 1)[-1], 32), "text")],
            [("left out of the run" if row.state == "left_out" else "its template refuses it", "bad")]
            if row.state != "ok"
            else [("held out" if held_out else "training", "eval" if held_out else "muted")],
            [("template ", "muted"), (plain(row.template, 20), "text")],
        ]
        return apart(_fitting(left, parts, width - row_width(right) - 2), right, width)

    def _figures(self, row: Tokens) -> Row:
        dot = (f" {self.glyphs.between} ", "faint")
        return [
            (words.count(row.total), "title"),
            (" tokens", "muted"),
            dot,
            (words.count(row.supervised), "train" if row.supervised else "bad"),
            (" trained", "muted"),
            dot,
            (words.count(row.cut), "warn" if row.cut else "muted"),
            (" cut", "muted"),
        ]

    def _rules_line(self, draft: Draft, width: int) -> Row:
        if draft.facts is None:
            return []

        def ink(*keys: str) -> str:
            return "warn" if any(key in draft.changes for key in keys) else "text"

        values = rule_values(draft)
        limit = ink("tokens.max_length")
        name = "max_length " if width >= 100 else "max "
        parts: list[Row] = [
            [
                (name, "muted"),
                ("< ", "key"),
                (words.count(draft.max_length), limit),
                (" >", "key"),
            ],
            [("t", "key"), (f" {values['truncation']}", ink("tokens.truncation"))],
            [("a", "key"), (" learn ", "muted"), (values["supervise"], ink("tokens.supervise"))],
            [("B", "key"), (f" {batching(draft)}", ink("tokens.packing", "tokens.group_by_length"))],
            [("E", "key"), (" end ", "muted"), (values["train_on_eos"], ink("tokens.train_on_eos"))],
            [("D", "key"), (" pad ", "muted"), (values["padding_side"], ink("tokens.padding_side"))],
        ]
        gap = 3 if width >= 100 else 2
        row: Row = []
        for part in parts:
            if row_width(row) + row_width(part) + (gap if row else 0) > width:
                break
            row += ([(" " * gap, "")] if row else []) + part
        return row


def _notes(facts: DraftFacts) -> str:
    """How many sentences there are to read; that of the weights stands beside it."""
    count = len(facts.notes) - (not facts.weights)
    return f"{count} note{'s' if count > 1 else ''}" if count > 0 else ""


def _fitting(row: Row, parts: list[Row], width: int) -> Row:
    """A row with those of some parts behind it that there is room for."""
    for part in parts:
        if part and row_width(row) + 2 + row_width(part) <= width:
            row = [*row, ("  ", ""), *part]
    return row


class ViewBar(Painted):
    """The views by name, the present one marked; for terminals that hold one at a time."""

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def __init__(self, views: tuple[str, ...], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.views = views
        self.current = views[0]
        self.findings = 0
        self._spots: list[tuple[int, int, str]] = []

    def show(self, current: str, findings: int) -> None:
        """Mark a view; `findings`: how many there are."""
        self.current, self.findings = current, findings
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """One line."""
        row: Row = [(" ", "")]
        self._spots = []
        for view in self.views:
            start = row_width(row)
            count = f" {self.findings}" if view == "findings" and self.findings else ""
            if view == self.current:
                row.append((f" {self.glyphs.here} {view}{count} ", "title selected"))
            else:
                row.append((f"   {view}{count} ", "muted"))
            self._spots.append((start, row_width(row), view))
        return [apart(row, [("tab ", "key"), ("next ", "muted")], width)]

    def on_click(self, event: events.Click) -> None:
        """A click goes there."""
        for start, end, view in self._spots:
            if start <= event.x < end:
                self.post_message(self.Chosen(view))
