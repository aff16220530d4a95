"""What is known of a draft beside its rows: its sources and templates, what was left out and why, which tokens are added."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from engine.token_facts import DraftFacts
from tui import words
from tui.data.places import short
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, wrap
from tui.widgets.scroller import Scroller


class AboutText(Scroller):
    """The facts as lines."""

    framed = False

    def __init__(self, facts: DraftFacts, called: str) -> None:
        super().__init__(id="about-text")
        self.facts, self.called = facts, called
        self._made: tuple[int, list[Row]] = (0, [])

    def count(self, width: int) -> int:
        """Lines at this width."""
        if self._made[0] != width:
            self._made = (width, self.lines_of(width - 1))
        return len(self._made[1])

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._made[1][index]

    def lines_of(self, width: int) -> list[Row]:
        """Model, sources, notes."""
        facts = self.facts
        rows: list[Row] = [[(plain(self.called, width), "title")], []]

        def fact(label: str, text: str, ink: str = "text") -> None:
            for index, line in enumerate(wrap(text, max(12, width - 12))):
                rows.append([((label if index == 0 else "").ljust(12), "muted"), (line, ink)])

        if facts.path:
            fact("run file", short(facts.path))
        fact("tokenizer", short(facts.tokenizer))
        added = f", {len(facts.new_tokens)} of them new" if facts.new_tokens else ""
        fact("vocabulary", f"{words.count(facts.vocabulary)} tokens{added}")
        if facts.context:
            fact("context", f"{words.count(facts.context)} tokens")
        held_out = f", {words.count(facts.held_out)} held out" if facts.held_out else ""
        fact("rows", f"{'' if facts.complete else 'the first '}{words.count(facts.rows)}{held_out}")
        for source in facts.sources:
            rows.append([])
            rows.append([(plain(source.name, width), "key")])
            fact("rows", words.count(source.rows))
            fact("format", source.format)
            fact("template", f"{source.template}: {source.reason}" if source.reason else source.template)
        for note in facts.notes:
            lines = wrap(note, max(12, width - 2))
            rows += [[], *([("! " if i == 0 else "  ", "warn"), (line, "text")] for i, line in enumerate(lines))]
        return rows


class AboutDraft(Dialog[None]):
    """The facts of a draft, to be read."""

    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#about-text"

    def __init__(self, facts: DraftFacts, called: str) -> None:
        super().__init__()
        self.facts, self.called = facts, called

    def compose(self) -> ComposeResult:
        """A frame around the lines."""
        with Vertical(id="about-box") as box:
            box.border_title = "about this draft"
            box.border_subtitle = "esc close"
            yield AboutText(self.facts, self.called)

    def on_mount(self) -> None:
        """As high as its lines."""
        width = min(96, int(self.app.size.width * 0.94)) - 6
        pane = self.query_one(AboutText)
        self.fit_box("#about-box", "#about-text", len(pane.lines_of(width - 1)), 4)

    def action_accept(self) -> None:
        """Enter closes it, too."""
        self.dismiss(None)
