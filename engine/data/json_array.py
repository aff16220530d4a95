"""A JSON file that is one array: its elements by number, without holding the array.

Strings and brackets are told apart by numpy over a piece at a time, so an element that is no valid JSON costs only
itself, and a file that was cut keeps what came before the cut.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from engine.data.json_values import record_of
from engine.data.rows import Record
from engine.data.spans import SpanTable
from engine.data.stream import Bytes

_QUOTE, _BACKSLASH = 0x22, 0x5C
_WEIGHT = np.zeros(256, dtype=np.int8)
_WEIGHT[[0x5B, 0x7B]] = 1
_WEIGHT[[0x5D, 0x7D]] = -1
_COMMA = 0x2C
_WHITE = b" \t\r\n"
_SLASHES = re.compile(rb"\\+")


class JsonArrayTable(SpanTable):
    """The elements of the outermost array."""

    def __init__(self, data: Bytes, kind: str = "json") -> None:
        super().__init__(data, kind)
        self._depth = 0
        self._in_string = False
        self._slash = False
        """Whether the last byte seen was a backslash that escapes the next one."""
        self._begin: int | None = None
        """Where the present element begins, behind its bracket or comma."""
        self._count = 0
        self._closed: int | None = None

    def find(self, piece: bytes, at: int, last: bool) -> int:
        """Elements end at commas and at the closing bracket of depth one."""
        octets = np.frombuffer(piece, dtype=np.uint8)
        outside = self._outside_strings(piece, octets)
        weights = np.where(outside, _WEIGHT[octets], 0)
        depths = np.cumsum(weights, dtype=np.int32) + self._depth
        ends = outside & (
            ((octets == _COMMA) & (depths == 1)) | ((weights < 0) & (depths == 0)) | ((weights > 0) & (depths == 1))
        )
        for i in np.flatnonzero(ends).tolist():
            self._boundary(piece[i], at + i)
        self._depth = int(depths[-1]) if len(piece) else self._depth
        return len(piece)

    def _boundary(self, byte: int, position: int) -> None:
        if byte not in b"[{" and self._begin is not None:
            empty = byte != _COMMA and not self._count and not self.data.read(self._begin, position).strip(_WHITE)
            if not empty:
                self._count += 1
                self.add(self._begin, position, self._count)
        if byte in b"]}":
            self._closed = self._closed or position + 1
        self._begin = position + 1 if byte in b"[{," else None

    def _outside_strings(self, piece: bytes, octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        quotes = octets == _QUOTE
        if self._slash and len(piece):
            quotes[0] = False
        for match in _SLASHES.finditer(piece):
            start, end = match.span()
            length = end - start - (1 if start == 0 and self._slash else 0)
            if length % 2 and end < len(piece):
                quotes[end] = False
        tail = len(piece) - len(piece.rstrip(b"\\"))
        whole = tail == len(piece)
        self._slash = (tail - (1 if whole and self._slash and tail else 0)) % 2 == 1
        inside = (np.cumsum(quotes) + self._in_string) % 2 == 1
        if len(piece):
            self._in_string = bool(inside[-1])
        outside: npt.NDArray[np.bool_] = ~(inside | quotes)
        return outside

    def finish(self) -> str:
        """Say when the array was not closed."""
        if self._depth > 0 or self._in_string:
            return f"{self.data.path} ends inside element {self._count + 1}: the array is not closed. Was it written whole?"
        if self._depth < 0:
            return f"{self.data.path} closes more brackets than it opens, after element {self._count}."
        if self._closed and self.data.read(self._closed, self.data.size).strip(_WHITE):
            return (
                f"{self.data.path} goes on behind its array, at byte {self._closed + 1}. Use JSON Lines, or one array."
            )
        return ""

    def read_span(self, raw: bytes, number: int) -> Record:
        """One element."""
        return record_of(f"{self.name}#{number}", raw.strip(_WHITE))
