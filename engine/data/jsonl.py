"""JSON Lines, read by our own line reader: a bad line costs that line and no other.

Blank lines are passed over; a byte order mark, CRLF and several objects on one line are understood. Nothing is coerced:
what JSON does not allow, and what Python would have to change, is a bad line with its column.
"""

from __future__ import annotations

import re

import numpy as np

from engine.data.json_values import concatenated, record_of
from engine.data.rows import Record
from engine.data.spans import SpanTable

_SIDE_BY_SIDE = re.compile(rb"\}[ \t\r]*\{")
_WHITE = np.frombuffer(b" \t\r\n\v\f", dtype=np.uint8)


class JsonLinesTable(SpanTable):
    """One object a line."""

    _line = 0

    def find(self, piece: bytes, at: int, last: bool) -> int:
        """Spans of lines; numpy looks for the newlines."""
        if not last:
            piece = piece[: piece.rfind(b"\n") + 1]
        if not piece:
            return 0
        octets = np.frombuffer(piece, dtype=np.uint8)
        ends = np.flatnonzero(octets == 10)
        if not piece.endswith(b"\n"):
            ends = np.append(ends, len(piece))
        starts = np.empty_like(ends)
        starts[0], starts[1:] = 0, ends[:-1] + 1
        numbers = np.arange(self._line + 1, self._line + 1 + len(ends))
        self._line += len(ends)
        blank = np.isin(octets[np.minimum(starts, len(piece) - 1)], _WHITE)
        odd = {int(i) for i in np.flatnonzero(blank) if not piece[starts[i] : ends[i]].strip()}
        crowded = self._crowded(piece, starts, ends)
        position = 0
        for i in sorted({*odd, *crowded}):
            self._note_slice(starts[position:i] + at, ends[position:i] + at, numbers[position:i])
            for start, end in crowded.get(i, ()):
                self.add(at + start, at + end, int(numbers[i]))
            position = i + 1
        self._note_slice(starts[position:] + at, ends[position:] + at, numbers[position:])
        return len(piece)

    def _note_slice(self, starts: np.ndarray, ends: np.ndarray, numbers: np.ndarray) -> None:
        self.add_many(
            starts.astype(np.int64).tobytes(), ends.astype(np.int64).tobytes(), numbers.astype(np.uint32).tobytes()
        )

    @staticmethod
    def _crowded(piece: bytes, starts: np.ndarray, ends: np.ndarray) -> dict[int, list[tuple[int, int]]]:
        """Lines that hold several objects: index -> their spans."""
        found: dict[int, list[tuple[int, int]]] = {}
        looked_at = -1
        for match in _SIDE_BY_SIDE.finditer(piece):
            i = int(np.searchsorted(ends, match.start()))
            if i == looked_at:
                continue
            looked_at = i
            start = int(starts[i])
            spans = concatenated(piece[start : ends[i]])
            if spans:
                found[i] = [(start + s, start + e) for s, e in spans]
        return found

    def read_span(self, raw: bytes, number: int) -> Record:
        """One object."""
        return record_of(f"{self.name}:{number}", raw)
