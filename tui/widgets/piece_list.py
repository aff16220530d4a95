"""The entries of a vocabulary that match. Of any number only those around the view are here; what is missing is asked for."""

from __future__ import annotations

from textual.message import Message

from engine.service import protocol as p
from engine.token_facts import PieceFact
from tui import words
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.tokens.pieces import blanks
from tui.widgets.scroller import Picker

PIECES_ASKED = 200
"""Entries that are asked for at a time."""
MOST_PIECES = 4000


class PieceList(Picker):
    """Entries of a vocabulary, of which only those around the view are here."""

    header_rows = 1

    class Missing(Message):
        """Entries from `start` on are needed."""

        def __init__(self, start: int) -> None:
            super().__init__()
            self.start = start

    def __init__(self) -> None:
        super().__init__()
        self.matches = self.size_ = 0
        self.known, self.problem = False, ""
        self.pieces: dict[int, PieceFact] = {}
        self._asked: int | None = None

    def clear(self) -> None:
        """Something else is looked for."""
        self.pieces.clear()
        self.known, self._asked = False, None
        self.cursor = self.top = 0

    def take(self, found: p.Pieces) -> None:
        """Entries came."""
        if len(self.pieces) > MOST_PIECES:
            self.pieces = {i: piece for i, piece in self.pieces.items() if abs(i - self.cursor) < MOST_PIECES // 4}
        self.pieces |= dict(enumerate(found.pieces, found.start))
        self.matches, self.size_, self.known, self._asked = found.matches, found.size, True, None
        self.repaint()

    @property
    def current(self) -> PieceFact | None:
        """The entry under the cursor, once it is here."""
        return self.pieces.get(self.cursor)

    def title(self) -> Row:
        """A name."""
        return [("vocabulary", "title")]

    def badge(self) -> Row:
        """How many entries match."""
        if not self.known:
            return []
        if self.matches == self.size_:
            return [(f"{words.count(self.size_)} entries", "muted")]
        return [(words.count(self.matches), "text"), (f" of {words.count(self.size_)} match", "muted")]

    def count(self, width: int) -> int:
        """Entries that match."""
        return self.matches if self.known else 0

    def empty(self, width: int) -> list[Row]:
        """None matches, or none is here yet."""
        if self.problem:
            return [[(line, "bad")] for line in wrap(self.problem, width)]
        return [[("No entry matches." if self.known else "Looking…", "muted")]]

    def paint(self, width: int, height: int) -> list[Row]:
        """The entries in view; those that are not here are asked for."""
        rows = super().paint(width, height)
        end = min(self.count(width), self.top + max(1, height - self.header_rows))
        missing = next((i for i in range(self.top, end) if i not in self.pieces), None)
        if missing is not None and (start := missing // PIECES_ASKED * PIECES_ASKED) != self._asked:
            self._asked = start
            self.post_message(self.Missing(start))
        return rows

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Cells of id, piece, text and bytes; the bytes, then the text, go where there is no room."""
        number = max(6, len(str(max(self.size_ - 1, 0))) + 1)
        rest = max(0, width - number - 12)
        if rest < 20:
            return number, rest, 0, 0
        if rest < 44:
            return number, rest // 2, rest - rest // 2, 0
        share = min(36, rest // 3)
        return number, share, share, rest - 2 * share

    def heading(self, width: int) -> list[Row]:
        """Names of the columns."""
        number, piece, text, data = self._widths(width - 1)
        row: Row = [(pad("id", number, right=True) + " " * 10, "faint"), ("  " + pad("piece", piece), "faint")]
        return [[*row, (pad("text", text), "faint"), (pad("bytes", data), "faint")]]

    def line(self, index: int, width: int) -> Row:
        """Id, marks, piece, text, bytes."""
        number, piece_width, text_width, data_width = self._widths(width)
        piece = self.pieces.get(index)
        if piece is None:
            waiting = "..." if self.glyphs.ascii_only else "…"
            return [(pad(waiting, number, right=True), "faint")]
        marks = "special" if piece.special else "added" if piece.added else ""
        row: Row = [(pad(str(piece.id), number, right=True), "muted")]
        row.append((f"  {pad(marks, 8)}  ", "accent"))
        row.append((pad(plain(piece.piece, max(1, piece_width - 1)), piece_width), "muted"))
        if text_width:
            told = blanks(piece.text, self.glyphs.ascii_only) if piece.text else "bytes only" if piece.data else ""
            row.append((pad(plain(told, text_width - 1), text_width), "text" if piece.text else "faint"))
        if data_width:
            spaced = " ".join(piece.data[i : i + 2] for i in range(0, min(len(piece.data), 2 * data_width), 2))
            row.append((pad(plain(spaced, data_width), data_width), "faint"))
        return row
