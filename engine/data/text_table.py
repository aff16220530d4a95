"""Plain text files as rows: by line, by paragraph, or whole."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from engine.data.rows import BadLine, Record, Row
from engine.data.spans import SpanTable
from engine.data.stream import Bytes

TextUnit = Literal["line", "paragraph", "document"]
COLUMN = "text"
_PARAGRAPH = re.compile(rb"(?:[ \t]*\r?\n){2,}")


class TextTable(SpanTable):
    """A UTF-8 text file. `origin` names the first line of a row; a row that is not UTF-8 costs only itself.

    Every line is a row, an empty one too; paragraphs are what blank lines separate.
    """

    def __init__(self, data: Bytes, unit: TextUnit) -> None:
        super().__init__(data, "text")
        self.unit = unit
        self._line = 1

    def find(self, piece: bytes, at: int, last: bool) -> int:
        """Spans of lines or paragraphs that end in the piece."""
        if self.unit == "line":
            return self._lines(piece, at, last)
        if self.unit == "document":
            return self._document(piece, at) if last else 0
        return self._paragraphs(piece, at, last)

    def _lines(self, piece: bytes, at: int, last: bool) -> int:
        if not last:
            piece = piece[: piece.rfind(b"\n") + 1]
        if not piece:
            return 0
        ends = np.flatnonzero(np.frombuffer(piece, dtype=np.uint8) == 10).astype(np.int64)
        if not piece.endswith(b"\n"):
            ends = np.append(ends, len(piece))
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        numbers = np.arange(self._line, self._line + len(ends), dtype=np.uint32)
        self._line += len(ends)
        self.add_many((starts + at).tobytes(), (ends + at).tobytes(), numbers.tobytes())
        return len(piece)

    def _document(self, piece: bytes, at: int) -> int:
        if piece.strip():
            self.add(at, at + len(piece), 1)
        return len(piece)

    def _paragraphs(self, piece: bytes, at: int, last: bool) -> int:
        start, gaps = 0, list(_PARAGRAPH.finditer(piece))
        if not last and gaps and gaps[-1].end() == len(piece):
            gaps.pop()  # the gap may go on behind the piece
        for gap in gaps:
            self._paragraph(piece, start, gap.start(), at)
            self._line += piece.count(b"\n", start, gap.end())
            start = gap.end()
        if last:
            self._paragraph(piece, start, len(piece), at)
            return len(piece)
        return start

    def _paragraph(self, piece: bytes, start: int, end: int, at: int) -> None:
        text = piece[start:end]
        if text.strip():
            blank = len(text) - len(text.lstrip(b"\r\n"))
            self.add(at + start + blank, at + end, self._line + text.count(b"\n", 0, blank))

    def read_span(self, raw: bytes, number: int) -> Record:
        """One row."""
        origin = f"{self.name}:{number}"
        try:
            text = raw.decode().replace("\r\n", "\n").strip("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            return BadLine(origin, f"is not UTF-8 (byte {error.start + 1} of this {self.unit})")
        return Row(origin, {COLUMN: text})
