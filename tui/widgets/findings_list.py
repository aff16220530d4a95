"""What is wrong with the rows: each finding with its number of rows; below, why it matters and what can be done."""

from __future__ import annotations

from engine.facts import FindingFacts
from tui import words
from tui.data.model import Source
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.widgets.painted import row_width
from tui.widgets.scroller import Picker
from tui.widgets.stats_pane import seen_words

_INK = {"error": "bad", "warning": "warn", "note": "muted"}


class FindingsList(Picker):
    """The findings of a source, the gravest first."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: Source | None = None
        self.found: list[FindingFacts] = []

    def show(self, source: Source | None) -> None:
        """Show a source; the cursor stays on its finding."""
        current = self.current
        self.source = source
        exam = source.examined if source else None
        order = {"error": 0, "warning": 1, "note": 2}
        found = [finding for finding in (exam.findings if exam else []) if finding.rows]
        self.found = sorted(found, key=lambda finding: (order[finding.severity], -finding.rows))
        if current is not None:
            rules = [finding.rule for finding in self.found]
            self.cursor = rules.index(current.rule) if current.rule in rules else 0
        self.repaint()

    @property
    def current(self) -> FindingFacts | None:
        """The finding under the cursor."""
        return self.found[self.cursor] if self.cursor < len(self.found) else None

    def title(self) -> Row:
        """A name."""
        return [("findings", "title")]

    def badge(self) -> Row:
        """Of how many rows."""
        return seen_words(self.source) if self.source else []

    def count(self, width: int) -> int:
        """One line a finding."""
        return len(self.found)

    def paint(self, width: int, height: int) -> list[Row]:
        """The list, then what is to be said of the one under the cursor."""
        if not self.found:
            return self.empty(width)
        room = min(len(self.found), max(3, height // 2))
        rows = super().paint(width, room)
        finding = self.current
        return (
            rows
            if finding is None
            else [*rows, [(self.glyphs.horizontal * width, "line")], *self._about(finding, width)]
        )

    def line(self, index: int, width: int) -> Row:
        """Rows and what they have in common."""
        finding = self.found[index]
        glyph = self.glyphs.no if finding.severity == "error" else self.glyphs.warn
        glyph = self.glyphs.dot if finding.severity == "note" else glyph
        ink = _INK[finding.severity]
        size = max(len(words.count(other.rows)) for other in self.found)
        left: Row = [(f"{glyph} ", ink), (pad(words.count(finding.rows), size, right=True), "text"), ("  ", "")]
        out = self.source is not None and finding.rule in self.source.excluded_findings
        right: Row = [(f" {self.glyphs.excluded} left out", "warn")] if out else []
        room = width - row_width(left) - row_width(right)
        return [*left, (pad(plain(finding.title, room), room), "muted" if out else "text"), *right]

    def _about(self, finding: FindingFacts, width: int) -> list[Row]:
        rows: list[Row] = [[(line, "text")] for line in wrap(finding.why, width)] if finding.why else []
        rows += [
            [(f"{self.glyphs.arrow} " if i == 0 else "  ", "accent"), (line, "text")]
            for i, line in enumerate(wrap(finding.cure, max(8, width - 2)) if finding.cure else [])
        ]
        for sample in finding.samples[:4]:
            rows.append([(f"{self.glyphs.dot} ", "faint"), (plain(sample, width - 2), "muted")])
        if finding.examples:
            numbers = ", ".join(words.count(number) for number in finding.examples[:6])
            more = ", …" if finding.rows > len(finding.examples[:6]) else ""
            rows.append([("rows ", "faint"), (plain(numbers + more, width - 5), "muted")])
        return rows

    def empty(self, width: int) -> list[Row]:
        """There are none, or none is known yet; what was not looked for is said."""
        source = self.source
        if source is None:
            return []
        if source.exam_error:
            return [[(line, "bad")] for line in wrap(source.exam_error, width)]
        exam = source.examined
        if exam is None:
            return [[("Looking at the first rows…" if source.state == "open" else "The source is not open.", "muted")]]
        rows: list[Row] = [[(f"{self.glyphs.yes} ", "good"), ("Nothing was found.", "text")]]
        return rows + [[(line, "faint")] for note in exam.notes for line in ["", *wrap(note, width)]]
