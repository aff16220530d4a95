"""Panes about tokenizers: two of them compared by language, the entries of a vocabulary, what a typed line becomes.

The last two have a line to type in on top. Nothing is asked here: the panes post what is wanted and are shown what came.
"""

from __future__ import annotations

from textual import on
from textual.message import Message
from textual.widgets import Input

from engine.service import protocol as p
from engine.token_facts import LanguageFact, PieceFact
from tui import words
from tui.histogram import lying
from tui.rows import Row
from tui.splits import splits
from tui.text import cell_len, pad, plain, wrap
from tui.widgets.field_above import NEWLINE, TAB, FieldAbove
from tui.widgets.painted import apart, row_width
from tui.widgets.piece_list import PieceList
from tui.widgets.scroller import Scroller


class CompareView(Scroller):
    """Two tokenizers on the same rows: a block for all rows, then one for each language."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: p.Compared | None = None
        self.names = ("", "")
        self.waiting = ""
        self._lines: list[Row] = []
        self._made_for: tuple[object, ...] = ()

    def show(self, found: p.Compared | None, name: str = "", other: str = "", waiting: str = "") -> None:
        """Show what was compared, under the names of the two. `waiting` stands where nothing was yet."""
        self.found, self.names, self.waiting = found, (name, other), waiting
        self.repaint()

    def title(self) -> Row:
        """Who is compared."""
        if self.found is None:
            return [("two tokenizers", "title")]
        room = max(6, self.size.width // 3)
        name, other = (plain(name, room) for name in self.names)
        return [(name, "title"), (" and ", "muted"), (other, "title")]

    def badge(self) -> Row:
        """On how many rows."""
        return [(f"{words.count(self.found.rows)} rows", "muted")] if self.found else []

    def empty(self, width: int) -> list[Row]:
        """Nothing was compared yet."""
        return [[(line, "muted")] for line in wrap(self.waiting or "No other tokenizer is chosen.", width)]

    def count(self, width: int) -> int:
        """Lines at this width."""
        key = (id(self.found), self.names, width)
        if self._made_for != key:
            self._made_for = key
            self._lines = self._make(self.found, max(1, width - 1)) if self.found else []
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def _make(self, found: p.Compared, width: int) -> list[Row]:
        languages = sorted(found.languages, key=lambda fact: -fact.rows)
        every = LanguageFact(
            language="all rows",
            rows=sum(fact.rows for fact in languages),
            characters=sum(fact.characters for fact in languages),
            bytes=sum(fact.bytes for fact in languages),
            tokens=sum(fact.tokens for fact in languages),
            other_tokens=sum(fact.other_tokens for fact in languages),
        )
        blocks = [every, *languages] if len(languages) != 1 else languages
        top = max((_rate(fact.characters, n) for fact in blocks for n in (fact.tokens, fact.other_tokens)), default=0.0)
        columns = [("char/token", 12), ("token/char", 12), ("tokens", 11)]
        label = min(max(cell_len(plain(name, 24)) for name in self.names) + 3, max(8, width // 3))
        verdict = 16 if width >= label + 12 + 16 else 0
        while len(columns) > 1 and sum(size for _, size in columns) + label + verdict > width:
            columns.pop(1)
        bar = min(40, width - label - verdict - sum(size for _, size in columns))
        bar = bar if bar >= 6 else 0
        rows: list[Row] = [
            [(" " * (label + bar), ""), *((pad(name, size, right=True), "faint") for name, size in columns)]
        ]
        for fact in blocks:
            rows += [[]] * (len(rows) > 1) + self._block(fact, width, label, bar, columns, verdict, top)
        sizes = f"vocabulary {words.count(found.vocabulary)} and {words.count(found.other_vocabulary)}"
        return [*rows, [], *([(line, "muted")] for line in wrap(sizes, width))]

    def _block(
        self,
        fact: LanguageFact,
        width: int,
        label: int,
        bar: int,
        columns: list[tuple[str, int]],
        verdict: int,
        top: float,
    ) -> list[Row]:
        """A language: its name, then a line for each tokenizer; the better one says by how much."""
        size = f"  {words.count(fact.rows)} row{'s' if fact.rows != 1 else ''}"
        rows: list[Row] = [[(plain(fact.language, max(4, width - len(size))), "key"), (size, "faint")]]
        for name, tokens, other in (
            (self.names[0], fact.tokens, fact.other_tokens),
            (self.names[1], fact.other_tokens, fact.tokens),
        ):
            better = tokens < other
            ink = "text" if better else "muted"
            rate = _rate(fact.characters, tokens)
            cells = {
                "char/token": f"{rate:.2f}",
                "token/char": f"{_rate(tokens, fact.characters):.3f}",
                "tokens": words.count(tokens),
            }
            row: Row = [("  " + pad(plain(name, label - 3), label - 2), ink)]
            row.append(
                (pad(lying(rate / top if top else 0.0, bar - 1, self.glyphs), bar), "train" if better else "raw")
            )
            row += [(pad(cells[column], size_, right=True), ink) for column, size_ in columns]
            if better and verdict:
                row.append((f"  {self.glyphs.yes} {100 * (1 - tokens / other):.1f} % fewer", "good"))
            rows.append(row)
        return rows


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


class VocabularyView(FieldAbove):
    """Entries that match what is typed. Posts `Sought` when others are wanted."""

    placeholder = "a text, a piece, an id, or bytes as 0xe4 bd"

    class Sought(Message):
        """Entries that match `pattern` are wanted, from number `start` of them on."""

        def __init__(self, view: VocabularyView, pattern: str, start: int) -> None:
            super().__init__()
            self.view, self.pattern, self.start = view, pattern, start

        @property
        def control(self) -> VocabularyView:
            """The pane."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.pattern = ""
        self._list = PieceList()
        self._last: p.Pieces | None = None
        self._draft = 0

    def pane(self) -> Scroller:
        """The list."""
        return self._list

    def show(self, found: p.Pieces | None, pattern: str = "", problem: str = "") -> None:
        """Show what matches `pattern`. What is not looked for any more, or was shown already, is not taken.

        Entries for another draft bring their pattern with them. `problem` says why nothing can be shown.
        """
        self._list.problem = problem
        if problem or found is None:
            self._last = None
            self._list.clear()
            self._list.repaint()
        elif found is not self._last:
            if found.draft != self._draft:
                self._draft, self.pattern = found.draft, pattern
                self._list.clear()
                with self.prevent(Input.Changed):
                    self.field.value = pattern.replace("\n", NEWLINE).replace("\t", TAB)
            if pattern == self.pattern:
                self._last = found
                self._list.take(found)

    @property
    def current(self) -> PieceFact | None:
        """The entry under the cursor."""
        return self._list.current

    def typed(self, wanted: str) -> None:
        """Look for something else."""
        if wanted != self.pattern:
            self.pattern = wanted
            self._list.clear()
            self._list.repaint()
            self.post_message(self.Sought(self, wanted, 0))

    @on(PieceList.Missing)
    def _missing(self, event: PieceList.Missing) -> None:
        event.stop()
        self.post_message(self.Sought(self, self.pattern, event.start))


class SplitPane(Scroller):
    """A text as tokens, by one tokenizer or by two."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[str, p.SplitText]] = []
        self.waiting = ""
        self._lines: list[Row] = []
        self._made_for: tuple[object, ...] = ()

    def take(self, parts: list[tuple[str, p.SplitText]], waiting: str) -> None:
        """Show other splits, with the names of the tokenizers."""
        self.parts, self.waiting = parts, waiting
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("a typed text as tokens", "title")]

    def badge(self) -> Row:
        """Which tokenizer needs fewer tokens."""
        if len(self.parts) != 2:
            return []
        (name, ours), (other, theirs) = self.parts
        if ours.total == theirs.total:
            return [("as many tokens in both", "muted")]
        better = name if ours.total < theirs.total else other
        return [(plain(better, 24), "text"), (f" {words.count(abs(ours.total - theirs.total))} fewer", "good")]

    def empty(self, width: int) -> list[Row]:
        """Nothing was typed."""
        return [[(line, "muted")] for line in wrap(self.waiting or "Type a text above.", width)]

    def count(self, width: int) -> int:
        """Lines at this width."""
        key = (width, *((name, id(split)) for name, split in self.parts))
        if self._made_for != key:
            self._made_for = key
            self._lines = []
            for name, split in self.parts:
                self._lines += [[]] * bool(self._lines) + self._part(name, split, max(1, width - 1))
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def _part(self, name: str, split: p.SplitText, width: int) -> list[Row]:
        count = f"{words.count(split.total)} token{'s' if split.total != 1 else ''}"
        figures: Row = [(f" {count}", "text")]
        rate = f"  {len(split.text) / split.total:.2f} characters each" if split.total else ""
        if len(count) + len(rate) + 12 < width:
            figures.append((rate, "muted"))
        rows = [apart([(plain(name, max(4, width - row_width(figures) - 1)), "key")], figures, width)]
        rows += splits(split.tokens, split.text, width, self.glyphs, ids=True)
        if (more := split.total - len(split.tokens)) > 0:
            rows.append([(f"and {words.count(more)} more", "faint")])
        return rows


class ScratchView(FieldAbove):
    """A line to type in and what it becomes. Posts `Typed` a moment after the last key."""

    placeholder = "type or paste a text; ctrl+n: a new line"

    class Typed(Message):
        """`text` is to be split."""

        def __init__(self, view: ScratchView, text: str) -> None:
            super().__init__()
            self.view, self.text = view, text

        @property
        def control(self) -> ScratchView:
            """The pane."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.text = ""
        self._splits = SplitPane()

    def pane(self) -> Scroller:
        """The splits."""
        return self._splits

    def show(
        self,
        split: p.SplitText | None,
        other: p.SplitText | None = None,
        name: str = "",
        other_name: str = "",
        waiting: str = "",
    ) -> None:
        """Show what the typed text becomes, by one tokenizer or by two."""
        parts = [(title, found) for title, found in ((name, split), (other_name, other)) if found is not None]
        self._splits.take(parts, waiting)

    def typed(self, wanted: str) -> None:
        """Ask for the splits of another text."""
        if wanted != self.text:
            self.text = wanted
            self.post_message(self.Typed(self, wanted))
