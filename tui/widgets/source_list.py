"""The open sources: what is thought of each, how many rows it has. Also as one line, where there is no room for a list."""

from __future__ import annotations

from tui import words
from tui.data.model import Source, Verdict, verdict
from tui.glyphs import Glyphs
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import Painted, apart, row_width
from tui.widgets.scroller import Picker

_INK: dict[Verdict, str] = {"opening": "accent", "failed": "bad", "problem": "bad", "look": "warn", "ok": "good"}


def mark_of(source: Source, glyphs: Glyphs) -> tuple[str, str]:
    """The mark of a source, and its ink."""
    kind, _ = verdict(source)
    marks = {"opening": glyphs.states["starting"], "failed": glyphs.no, "problem": glyphs.no, "look": glyphs.warn}
    return marks.get(kind, glyphs.yes), _INK[kind]


def rows_of(source: Source) -> str:
    """Its number of rows, with a plus while they are counted."""
    if source.state != "open" and not source.rows:
        return ""
    going_on = source.state == "open" and not source.complete and not source.torn
    return words.count(source.rows) + ("+" if going_on else "")


class SourceList(Picker):
    """The sources, one below the other."""

    def title(self) -> Row:
        """A name."""
        return [("sources", "title")]

    def badge(self) -> Row:
        """How many, where it is more than meets the eye."""
        count = len(self.luthier.desk.sources)
        return [(str(count), "muted")] if count > self.inner[1] else []

    def refresh_sources(self) -> None:
        """The cursor is on the source that is looked at."""
        self.cursor = self.luthier.desk.current
        self.repaint()

    def count(self, width: int) -> int:
        """One line each."""
        return len(self.luthier.desk.sources)

    def line(self, index: int, width: int) -> Row:
        """Mark, name, rows."""
        source = self.luthier.desk.sources[index]
        mark, ink = mark_of(source, self.glyphs)
        right: Row = [(f" {rows_of(source)}", "muted")]
        name = plain(source.name, max(4, width - 2 - row_width(right)))
        return apart([(f"{mark} ", ink), (name, "text")], right, width)


class SourceBar(Painted):
    """The sources on one line, the one that is looked at lifted."""

    def paint(self, width: int, height: int) -> list[Row]:
        """As many as there is room for, around the present one."""
        desk = self.luthier.desk
        if not desk.sources:
            return []
        pieces = [self._piece(source, index == desk.current) for index, source in enumerate(desk.sources)]
        first, last = desk.current, desk.current + 1
        room = width - 6 - row_width(pieces[desk.current])
        while True:  # what comes after first, then what comes before
            if last < len(pieces) and row_width(pieces[last]) <= room:
                room -= row_width(pieces[last])
                last += 1
            elif first > 0 and row_width(pieces[first - 1]) <= room:
                first -= 1
                room -= row_width(pieces[first])
            else:
                break
        row: Row = [(f" {self.glyphs.left if first else ' '} ", "faint")]
        for piece in pieces[first:last]:
            row += piece
        return [[*row, (self.glyphs.here if last < len(pieces) else " ", "faint")]]

    def _piece(self, source: Source, here: bool) -> Row:
        mark, ink = mark_of(source, self.glyphs)
        _, word = verdict(source)
        name = plain(source.name, 28 if here else 16)
        back = " selected" if here else ""
        row: Row = [(f" {mark} ", ink + back), (name, ("title" if here else "muted") + back)]
        if here:
            row.append((f" {word}" if word not in ("ok", "opening") else "", ink + back))
        return [*row, (" ", back.strip()), (" ", "")]
