"""Tokens laid on lines: as splits, with their ids below, or as a table. Pure: inks and the cursor are the widget's.

Invariant: every token of the window has exactly one cell on a main line (`row_of`), and no line is wider than the pane.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from rich.cells import chop_cells

from engine.service.protocol import Tokens
from tui.text import cell_len
from tui.tokens.pieces import Written, written

View = Literal["splits", "ids", "table"]
VIEWS: tuple[View, ...] = ("splits", "ids", "table")
IDS_ROWS = 3
"""Lines of the view with ids: pieces, ids, labels."""
_GAP = 1


class Cell(NamedTuple):
    """A part of a line that belongs to a token."""

    token: int
    """Position in the row."""
    x: int
    width: int
    text: str
    lead: str = ""
    """What stands before it in the cell: the characters of its group."""


@dataclass(slots=True)
class Line:
    """A line: cells, or a rule with words in it."""

    cells: list[Cell] = field(default_factory=list)
    rule: str = ""
    part: int = 0
    """In the view with ids: 0 pieces, 1 ids, 2 labels."""


@dataclass
class Layout:
    """The lines of a window of a row."""

    view: View
    lines: list[Line] = field(default_factory=list)
    pieces: list[Written] = field(default_factory=list)
    start: int = 0
    """Position of the first token."""
    _tokens: list[int] = field(default_factory=list)
    _rows: list[int] = field(default_factory=list)

    def close(self) -> Layout:
        """Know where each token is."""
        last = -1
        for row, line in enumerate(self.lines):
            if line.cells and not line.part and line.cells[-1].token > last:
                self._tokens.append(line.cells[0].token)
                self._rows.append(row)
                last = line.cells[-1].token
        return self

    def row_of(self, token: int) -> int:
        """The main line on which a token begins."""
        found = bisect_right(self._tokens, token) - 1
        return self._rows[max(0, found)] if self._rows else 0

    def x_of(self, token: int) -> int:
        """The column in which a token begins."""
        line = self.lines[self.row_of(token)] if self.lines else Line()
        return next((cell.x for cell in line.cells if cell.token == token), 0)

    def token_at(self, row: int, x: int) -> int | None:
        """The token nearest to a column of a line; None where the line has none."""
        cells = self.lines[row].cells if 0 <= row < len(self.lines) else []
        if not cells:
            return None
        return min(cells, key=lambda cell: max(cell.x - x, x - cell.x - cell.width + 1, 0)).token

    def beside(self, token: int, by: int, x: int) -> int:
        """The token `by` lines of tokens above or below, nearest to a column; the same one where there is none."""
        rows = self._rows
        index = max(0, bisect_right(rows, self.row_of(token)) - 1)
        target = min(max(0, index + by), len(rows) - 1) if rows else 0
        if not rows or target == index:
            return token
        found = self.token_at(rows[target], x)
        return token if found is None else found


def rules(row: Tokens, max_length: int) -> dict[int, str]:
    """Where a rule stands before a token, and what it says: where sequences begin and end that are not the whole row."""
    end = row.total
    found: dict[int, str] = {}
    if row.state == "refused" or not end:
        return found
    limit = f"max_length {max_length:,}"
    kept = sorted(row.sequences)
    if not kept:
        return {0: f"left out: longer than {limit}"} if row.cut else found
    if kept[0][0] > 0:
        found[kept[0][0]] = f"cut until here: {limit}"
    for number, (first, _) in enumerate(kept[1:], 2):
        found[first] = f"sequence {number} of {len(kept)}: {limit}"
    if kept[-1][1] < end:
        found[kept[-1][1]] = f"cut here: {limit}"
    return found


def laid(row: Tokens, view: View, width: int, max_length: int, ascii_only: bool = False, apart: bool = False) -> Layout:
    """Lay a window out on lines of `width` cells. `apart`: leave a cell between tokens, where grounds cannot be told apart."""
    pieces = written(row.tokens, row.text, row.text_start, ascii_only)
    layout = Layout(view, pieces=pieces, start=row.start)
    breaks = rules(row, max_length)
    if view == "table":
        _table(layout, row, breaks)
    else:
        _flow(layout, row, breaks, max(4, width), 1 if apart else 0)
    return layout.close()


def _table(layout: Layout, row: Tokens, breaks: dict[int, str]) -> None:
    for index, piece in enumerate(layout.pieces):
        token = row.start + index
        if token in breaks:
            layout.lines.append(Line(rule=breaks[token]))
        layout.lines.append(Line([Cell(token, 0, 1 << 16, piece.text, piece.lead)]))


class _Unit(NamedTuple):
    token: int
    text: str
    lead: str
    width: int
    word: bool
    """Whether a line may well be broken before it."""


def _flow(layout: Layout, row: Tokens, breaks: dict[int, str], width: int, gap: int) -> None:
    """Tokens one behind the other; a line ends where the text has one, or before a word that does not fit."""
    ids = layout.view == "ids"
    gap = _GAP if ids else gap
    line: list[_Unit] = []

    def flush() -> None:
        layout.lines.extend(_lines(line, row, gap, ids) if line else [])
        line.clear()

    for index, piece in enumerate(layout.pieces):
        token = row.start + index
        if token in breaks:
            flush()
            layout.lines.append(Line(rule=breaks[token]))
        size = cell_len(piece.lead) + cell_len(piece.text)
        if ids:
            fact = row.tokens[index]
            size = min(width, max(size, len(str(fact.id)), len(label_of(fact.mark, fact.id))))
        elif size > width:  # one token of many lines
            flush()
            parts = chop_cells(piece.lead + piece.text, width)
            layout.lines += [Line([Cell(token, 0, cell_len(part), part)]) for part in parts]
            continue
        if line and _used(line, gap) + gap + size > width:
            moved = [] if piece.starts_word else _taken_along(line)
            flush()
            line += moved
            if line and _used(line, gap) + gap + size > width:
                flush()
        line.append(_Unit(token, piece.text, piece.lead, size, piece.starts_word))
        if piece.ends_line:
            flush()
    flush()


def _used(line: list[_Unit], gap: int) -> int:
    return sum(unit.width for unit in line) + gap * (len(line) - 1)


def _taken_along(line: list[_Unit]) -> list[_Unit]:
    """Take the beginning of the word that does not fit off a full line, where it is short, and return it."""
    for at in range(len(line) - 1, len(line) // 2, -1):
        if line[at].word:
            moved = line[at:]
            del line[at:]
            return moved
    return []


def _lines(units: list[_Unit], row: Tokens, gap: int, ids: bool) -> list[Line]:
    cells: list[Cell] = []
    below: list[Cell] = []
    labels: list[Cell] = []
    x = 0
    for unit in units:
        cells.append(Cell(unit.token, x, unit.width, unit.text, unit.lead))
        if ids:
            fact = row.tokens[unit.token - row.start]
            below.append(Cell(unit.token, x, unit.width, str(fact.id)))
            labels.append(Cell(unit.token, x, unit.width, label_of(fact.mark, fact.id)))
        x += unit.width + gap
    found = [Line(cells)]
    return [*found, Line(below, part=1), Line(labels, part=2)] if ids else found


def label_of(mark: str, number: int) -> str:
    """The label of a token as the loss gets it: its own id, or -100; nothing where it is in no sequence."""
    return str(number) if mark == "trained" else "-100" if mark == "masked" else "cut"
