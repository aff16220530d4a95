"""A row in full: as the fields of its file, or as the conversation that a run would be given, with roles.

A turn that is learned has a bar at its left edge and the word "trained" beside its role, so that the colour says nothing alone.
"""

from __future__ import annotations

from engine.facts import Turn
from engine.service.protocol import RowInFull
from tui import words
from tui.data.model import Source
from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.painted import row_width
from tui.widgets.row_view import highlighted
from tui.widgets.scroller import Scroller

_ROLE_INK = {"assistant": "train", "user": "title", "system": "muted", "tool": "eval", "text": "train"}


class RowDetail(Scroller):
    """The pane of one row."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: Source | None = None
        self.as_turns = True
        self._lines: list[Row] = []
        self._made_for: tuple[object, ...] = ()
        self._number = 0

    def show(self, source: Source | None) -> None:
        """Show the row that was read of a source; another row is shown from its start."""
        self.source = source
        row = source.row if source else None
        number = row.number if row else 0
        if number != self._number:
            self._number, self.top = number, 0
        self.repaint()

    @property
    def turns_shown(self) -> bool:
        """Whether the row is shown as a conversation: where it is one, and nobody asked for its fields."""
        row = self.source.row if self.source else None
        return self.as_turns and row is not None and bool(row.conversations)

    def title(self) -> Row:
        """Which row, and as what."""
        row = self.source.row if self.source else None
        if row is None:
            return [("row", "title")]
        return [
            (f"row {words.count(row.number)}", "title"),
            (" as turns" if self.turns_shown else " as fields", "muted"),
        ]

    def badge(self) -> Row:
        """Whether it goes on below."""
        count, room = len(self._lines), self.inner[1]
        if count <= room or not self._made_for:
            return []
        return [(f"{min(100, round(100 * (self.top + room) / count))}%", "muted")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        source = self.source
        row = source.row if source else None
        pattern = source.wanted.pattern if source and not source.wanted.regex else ""
        excluded = bool(source and row and row.number in source.excluded_rows)
        key = (id(row), width, self.as_turns, pattern, excluded)
        if self._made_for != key:
            self._made_for = key
            self._lines = self._make(row, width - 1, pattern, excluded) if row else []
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """No row was read, or none can be."""
        if self.source is not None and self.source.row_error:
            return [[(line, "bad")] for line in wrap(self.source.row_error, width)]
        return [[("No row is chosen.", "faint")]] if self.source is None or not self.source.reachable else []

    # Making the lines

    def _make(self, row: RowInFull, width: int, sought: str, excluded: bool) -> list[Row]:
        rows: list[Row] = [[(line, "faint")] for line in wrap(row.origin, width, 2)]
        if excluded:
            rows.append([(f"{self.glyphs.excluded} ", "warn"), ("left out of a run; x takes it back", "warn")])
        elif row.note or row.state != "ok":
            ink = {"unreadable": "bad", "ok": "muted"}.get(row.state, "warn")
            glyphs = {"unreadable": self.glyphs.no, "excluded": self.glyphs.excluded, "ok": self.glyphs.dot}
            glyph = glyphs.get(row.state, self.glyphs.warn)
            lines = wrap(row.note or row.state, max(8, width - 2), 6)
            rows += [[(f"{glyph} " if i == 0 else "  ", ink), (line, "text")] for i, line in enumerate(lines)]
        for rule in row.findings:
            rows.append([(f"{self.glyphs.warn} ", "warn"), (plain(rule.replace("_", " "), width - 2), "warn")])
        if row.raw:
            rows += [[], [("as it stands in the file", "muted")]]
            rows += [highlighted(line, sought, "text") for line in wrap(row.raw, width, 400)]
        rows += self._turns(row, width, sought) if self.turns_shown else self._fields(row, width, sought)
        return rows

    def _fields(self, row: RowInFull, width: int, sought: str) -> list[Row]:
        rows: list[Row] = []
        for field in row.fields:
            rows += [[], [(plain(field.name, width - 8), "key"), (f"  {plain(field.kind, 8)}", "faint")]]
            if not field.text:
                rows.append([("(empty)", "faint")])
            else:
                rows += [highlighted(line, sought, "text") for line in wrap(field.text, width)]
            rows += self._cut(field.cut)
        return rows

    def _turns(self, row: RowInFull, width: int, sought: str) -> list[Row]:
        rows: list[Row] = []
        many = len(row.conversations) > 1
        for number, turns in enumerate(row.conversations, 1):
            if many:
                rows += [[], [(f"conversation {number} of {len(row.conversations)}", "muted")]]
            for turn in turns:
                rows += [[], *self._turn(turn, width, sought)]
        return rows

    def _turn(self, turn: Turn, width: int, sought: str) -> list[Row]:
        bar = (f"{self.glyphs.trained} ", "train") if turn.trained else ("  ", "")
        head: Row = [bar, (plain(turn.role, 16), _ROLE_INK.get(turn.role, "text"))]
        head.append(("  trained" if turn.trained else "", "train"))
        room = width - row_width(head) - 2
        if turn.source and turn.source != turn.role and room > 3:
            head.append((f"  {plain(turn.source, room)}", "faint"))
        ink = "text" if turn.trained or turn.role == "user" else "muted"
        lines = wrap(turn.text, max(8, width - 2)) if turn.text else ["(empty)"]
        return [head, *([bar, *highlighted(line, sought, ink)] for line in lines), *self._cut(turn.cut)]

    def _cut(self, cut: int) -> list[Row]:
        if not cut:
            return []
        return [[(f"{words.count(cut)} more characters; ", "muted"), ("p", "key"), (" shows all", "muted")]]
