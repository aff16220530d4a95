"""How long the rows are in tokens, and the limit that cuts them: a line that the arrow keys move.

What a moved limit would cut is drawn at once from the bins, marked with ~, until the engine has counted. Actions of the
widget: `change_back` and `change` move the limit a step. Doubling and halving it is for the screen (`tui.lengths.scaled`).
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from engine.facts import Histogram
from engine.token_facts import LengthFacts
from tui import words
from tui.flow import flowed
from tui.histogram import columns_of, levels_drawn
from tui.keys import bindings
from tui.lengths import Cut, cut_by, length_at, place_of, stepped
from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.painted import Painted

_TICKS = tuple(2**power for power in range(3, 21))
_CUT = "cut"
"""What the shares below the axis are."""
_CUT_TRUNCATIONS = ("right", "left")
"""Ways of cutting whose loss follows from the lengths alone."""


def limit_name(limit: int) -> str:
    """A limit on an axis: 512, 2k."""
    return f"{limit // 1024}k" if limit >= 1024 and limit % 1024 == 0 else words.count(limit)


def share(part: float, whole: float) -> str:
    """A share in percent, with what an eye can use of it."""
    value = 100 * part / whole if whole else 0.0
    if 0 < value < 0.01:
        return "<0.01 %"
    return f"{value:.2f} %" if 0 < value < 1 else f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %"


class LengthChart(Painted, can_focus=True):
    """The histogram. Posts `Limit` when the line is moved."""

    framed = True
    BINDINGS = bindings("form")

    class Limit(Message):
        """Another limit is wanted."""

        def __init__(self, chart: LengthChart, limit: int) -> None:
            super().__init__()
            self.chart, self.limit = chart, limit

        @property
        def control(self) -> LengthChart:
            """The chart."""
            return self.chart

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.facts: LengthFacts | None = None
        self.pending: int | None = None
        self.context: int | None = None
        self.truncation, self.note, self.waiting = "right", "", ""
        self._columns = 0

    def show(
        self,
        facts: LengthFacts | None,
        pending_limit: int | None = None,
        *,
        context: int | None = None,
        truncation: str = "right",
        note: str = "",
        waiting: str = "",
    ) -> None:
        """Show lengths. `pending_limit` is one that the engine has not counted for yet, `context` the model's own limit.

        `note` says of which rows the figures are; `waiting` stands where there is none yet.
        """
        self.facts, self.pending, self.context = facts, pending_limit, context
        self.truncation, self.note, self.waiting = truncation, note, waiting
        self.repaint()

    @property
    def limit(self) -> int:
        """Where the line is."""
        if self.pending is not None:
            return self.pending
        return self.facts.max_length if self.facts else 0

    @property
    def exact(self) -> bool:
        """Whether the engine has counted for the limit."""
        return self.facts is not None and self.limit == self.facts.max_length

    # Painting

    def title(self) -> Row:
        """A name and the limit."""
        row: Row = [("lengths", "title")]
        return row if self.facts is None else [*row, ("  limit ", "muted"), *self._limit_words()]

    def badge(self) -> Row:
        """Of which rows the figures are."""
        if self.facts is None:
            return []
        return [(plain(self.note, 40) or f"{words.count(self.facts.rows)} rows", "muted")]

    def _limit_words(self) -> Row:
        facts, glyphs = self.facts, self.glyphs
        assert facts is not None
        row: Row = [(f"{glyphs.left} ", "accent"), (words.count(self.limit), "strong"), (f" {glyphs.here}", "accent")]
        return row if self.exact else [*row, (f" was {words.count(facts.max_length)}", "muted")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Bars, axis, what the limit does, how long the rows are."""
        facts = self.facts
        if facts is None:
            return [[(line, "muted")] for line in wrap(self.waiting or "No lengths are known yet.", width)]
        if not facts.rows or not any(facts.counts):
            return [[(line, "muted")] for line in wrap("No training row can be tokenized.", width)]
        said = self._effect(facts, width)
        figures = self._figures(facts, width)
        axis: list[Row] = []
        if height - len(said) >= 3:
            axis = self._axis(facts, width)[: 3 if height - len(said) >= 6 else 2]
        if height - len(said) - len(axis) - len(figures) < 2:
            figures = []
        room = max(0, height - len(said) - len(axis) - len(figures))
        return [*self._bars(facts, width, room), *axis, *said, *figures][:height]

    def _shape(self, facts: LengthFacts, width: int) -> tuple[list[float], int]:
        """Rows in each column, and the columns left of the limit's line, which takes one by itself."""
        room, counts = max(1, width - 1), facts.counts
        if len(counts) > room:
            columns = columns_of(Histogram([], counts), room)
        else:
            columns = [float(counts[column * len(counts) // room]) for column in range(room)]
        self._columns = len(columns)
        return columns, round(place_of(facts, self.limit + 0.5) * len(columns))

    def _bars(self, facts: LengthFacts, width: int, height: int) -> list[Row]:
        if height < 1:
            return []
        columns, at = self._shape(facts, width)
        top, steps = max(columns), len(self.glyphs.blocks)
        levels = [0 if not count else max(1, round(count / top * height * steps)) for count in columns]
        rows: list[Row] = []
        label = words.count(self.limit)
        for y, text in enumerate(levels_drawn(levels, height, self.glyphs)):
            left, right = text[:at], text[at:]
            row: Row = [(left, "train"), (self.glyphs.limit, "strong"), (right, "bad")]
            if y == 0 and not right[: len(label) + 1].strip() and len(label) < width - at - 1:
                row = [*row[:2], (label, "strong"), (right[len(label) :], "bad")]
            elif y == 0 and len(label) < at and not left[-len(label) - 1 :].strip():
                row = [(left[: -len(label)], "train"), (label, "strong"), *row[1:]]
            rows.append(row)
        return rows

    def _axis(self, facts: LengthFacts, width: int) -> list[Row]:
        """A line with ticks, the limits there, and behind "cut" the share of rows that each would cut."""
        columns, at = self._shape(facts, width)
        line = list(self.glyphs.horizontal * (len(columns) + 1))
        line[at] = self.glyphs.limit
        names, shares = " " * width, " " * width
        taken = width + 1
        for limit in reversed(_TICKS):
            if not facts.edges[0] <= limit < facts.edges[-1]:
                continue
            cut = cut_by(facts, limit)
            texts = (limit_name(limit), ("" if cut.exact else "~") + share(cut.rows, facts.rows))
            size = max(map(len, texts))
            column = round(place_of(facts, limit + 0.5) * len(columns))
            column += column > at
            start = min(max(0, column - size // 2), width - size)
            if start + size + 1 > taken or start <= len(_CUT):
                continue
            taken = start
            if column != at:
                line[column] = self.glyphs.tick
            names = _put(names, texts[0].center(size), start)
            shares = _put(shares, texts[1].center(size), start)
        marked: Row = [("".join(line[:at]), "line"), (line[at], "strong"), ("".join(line[at + 1 :]), "line")]
        shares = _put(shares, _CUT[:width], 0) if shares.strip() else shares
        return [marked, [(names, "muted")], [(shares, "faint")]]

    def _effect(self, facts: LengthFacts, width: int) -> list[Row]:
        """What the limit cuts; estimates are marked."""
        about = "" if self.exact else "~"
        cut = Cut(facts.over, facts.lost, True) if self.exact else cut_by(facts, self.limit)
        lost = self.exact or self.truncation in _CUT_TRUNCATIONS
        ink = "warn" if round(cut.rows) else "good"
        waiting = "..." if self.glyphs.ascii_only else "…"
        rows_part: Row = [(f"{about}{share(cut.rows, facts.rows)}", ink), (" of rows too long ", "muted")]
        rows_part.append((f"({about}{words.count(cut.rows)})", "muted"))
        tokens: Row = [(f"{about}{words.count(cut.tokens)}" if lost else waiting, "text"), (" tokens lost", "muted")]
        tokens.append((f" ({about}{share(cut.tokens, facts.tokens)})" if lost else "", "muted"))
        return flowed([rows_part, tokens], width, self.glyphs)

    def _figures(self, facts: LengthFacts, width: int) -> list[Row]:
        waiting = "..." if self.glyphs.ascii_only else "…"
        parts: list[Row] = [
            [(f"{name} ", "muted"), (words.count(getattr(facts, name)), "text")]
            for name in ("p50", "p95", "p99", "max")
        ]
        for name, value in (("sequences", facts.sequences), ("tokens left out", facts.left_out)):
            parts.append([(words.count(value) if self.exact else waiting, "text"), (f" {name}", "muted")])
        return flowed(parts, width, self.glyphs)

    # Moving

    def move_to(self, limit: int) -> None:
        """Put the line at `limit`, and tell."""
        if self.facts is not None and limit != self.limit:
            self.pending = limit
            self.repaint()
            self.post_message(self.Limit(self, limit))

    def action_change(self) -> None:
        """A step up."""
        self.move_to(stepped(self.limit, 1, self.context))

    def action_change_back(self) -> None:
        """A step down."""
        self.move_to(stepped(self.limit, -1, self.context))

    def on_click(self, event: events.Click) -> None:
        """A click on the bars puts the line there, on the nearest step."""
        column = event.x - 2
        if self.facts is not None and 0 <= column <= self._columns:
            length = round(length_at(self.facts, column / max(1, self._columns)))
            below = stepped(length + 1, -1, self.context)
            above = stepped(length, 1, self.context)
            self.move_to(below if length - below <= above - length else above)


def _put(line: str, text: str, start: int) -> str:
    return line[:start] + text + line[start + len(text) :]
