"""What the rows and each column hold: kinds, empties, distinct values, ranges, histograms, languages.

The column under the cursor of the rows comes first, so that moving there is asking about it.
"""

from __future__ import annotations

from engine.facts import ColumnFigures
from engine.service.protocol import Examined
from tui import words
from tui.data.model import Source
from tui.facts import joined, texts
from tui.histogram import bars, drawn, figure
from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.scroller import Scroller

_HISTOGRAM_ROWS = 3
_MOST_LABELS, _MOST_LANGUAGES = 8, 8
_FIGURES = ("min", "median", "mean", "p95", "p99", "max")


def seen_words(source: Source) -> Row:
    """Of how much the figures are, for a border."""
    if source.examining is not None:
        done, total = source.examining
        return [(f"examining {words.percent(done, total)}" if done and total else "examining", "accent")]
    exam = source.examined
    if exam is None:
        return []
    if exam.exact:
        return [(f"all {words.count(exam.seen)} rows", "muted")]
    return [("a sample  ", "muted"), ("a", "key"), (" all", "muted")]


class StatsPane(Scroller):
    """The figures of a source."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: Source | None = None
        self.first = ""
        self._lines: list[Row] = []
        self._made_for: tuple[object, ...] = ()

    def show(self, source: Source | None, first: str = "") -> None:
        """Show a source, one column before the others."""
        if (source, first) != (self.source, self.first):
            self.top = 0
        self.source, self.first = source, first
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("statistics", "title")]

    def badge(self) -> Row:
        """Of how many rows."""
        return seen_words(self.source) if self.source else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        exam = self.source.examined if self.source else None
        key = (id(exam), width, self.first, self.inner[1] > 24)
        if self._made_for != key:
            self._made_for = key
            self._lines = self._make(exam, width - 1) if exam else []
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """Nothing is known yet, and why."""
        source = self.source
        if source is None:
            return []
        if source.exam_error:
            return [[(line, "bad")] for line in wrap(source.exam_error, width)]
        return [[("Looking at the first rows…" if source.state == "open" else "The source is not open.", "muted")]]

    def _make(self, exam: Examined, width: int) -> list[Row]:
        rows: list[Row] = []
        columns = sorted(exam.columns, key=lambda column: column.name != self.first)
        for column in columns[:1] if self.first else []:
            rows += self._column(column, width, True)
        for whole in exam.figures:
            rows += [[]] * bool(rows) + [[(plain(whole.name, width), "key"), ("  of whole rows", "faint")]]
            rows += self._figures(whole, width)
        if exam.languages:
            rows += [[]] * bool(rows) + [
                [("languages", "key")],
                *bars(exam.languages, width, _MOST_LANGUAGES, self.glyphs),
            ]
        for column in columns[1:] if self.first else columns:
            rows += [[]] * bool(rows) + self._column(column, width, False)
        facts = self.source.facts if self.source else None
        for note in [*(facts.notes if facts else []), *exam.notes]:
            rows += [[]] * bool(rows) + [[(line, "muted")] for line in wrap(note, width)]
        return rows

    def _column(self, column: ColumnFigures, width: int, here: bool) -> list[Row]:
        kinds = list(column.kinds.items())
        kind = ", ".join(f"{name} {words.count(count)}" if len(kinds) > 1 else name for name, count in kinds)
        mark = f"{self.glyphs.here} " if here else ""
        rows: list[Row] = [
            [(mark, "accent"), (plain(column.name, width // 2), "key"), ("  " + plain(kind, width), "faint")]
        ]
        about = "" if column.distinct_exact else "about "
        parts = [
            f"{about}{words.count(column.distinct)} distinct",
            f"{words.count(column.nulls)} null" if column.nulls else "",
            f"{words.count(column.empty)} empty" if column.empty else "",
        ]
        rows.append(joined(texts(parts, "text"), self.glyphs))
        if column.labels:
            return rows + bars(column.labels, width, _MOST_LABELS, self.glyphs)
        return rows + self._figures(column, width)

    def _figures(self, column: ColumnFigures, width: int) -> list[Row]:
        rows: list[Row] = []
        known = [(name, getattr(column, name)) for name in _FIGURES if getattr(column, name) is not None]
        if known:
            if column.unit and column.unit not in (column.name, "value"):
                rows.append([(plain(column.unit, width), "muted")])
            rows += _flow([[(f"{name} ", "muted"), (figure(value), "text")] for name, value in known], width)
        if column.histogram is not None and column.min != column.max:
            rows += drawn(column.histogram, width, _HISTOGRAM_ROWS, self.glyphs)
        return rows


def _flow(parts: list[Row], width: int) -> list[Row]:
    """Parts one after the other, on as many lines as they take."""
    rows: list[Row] = []
    used = 0
    for part in parts:
        size = sum(len(text) for text, _ in part)
        if not rows or used + 2 + size > width:
            rows.append([*part])
            used = size
        else:
            rows[-1] += [("  ", ""), *part]
            used += 2 + size
    return rows
