"""Tables over text files: where each row begins and ends is kept, the rows themselves are read when they are asked for.

Twenty bytes a row stay in memory. A subclass finds the spans in a piece of the file and reads one span.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.data.rows import Record
from engine.data.stream import PIECE, Bytes, hash_of_files

_BLOCK = 8 << 20


class SpanTable(ABC):
    """Rows of one text file; see `table.Table` for what the members mean."""

    note = commit = ""

    def __init__(self, data: Bytes, kind: str) -> None:
        self.data = data
        self.name = data.path.name
        self.kind = f"{kind} ({data.packing})" if data.packing else kind
        self.paths: list[Path] = [data.path]
        self.problem = ""
        self.at = data.start
        """Bytes that were looked at."""
        self._starts = array("q")
        self._ends = array("q")
        self._numbers = array("I")
        self._known = 0
        self._complete = False
        self._growing = threading.Lock()

    @abstractmethod
    def find(self, piece: bytes, at: int, last: bool) -> int:
        """Note the spans that end in `piece`, which begins at byte `at`; return how many of its bytes are done with.

        The rest comes again, with more behind it; `last` says that nothing more comes.
        """

    @abstractmethod
    def read_span(self, raw: bytes, number: int) -> Record:
        """The row, or bad line, in these bytes. `number` is its line, or its place in the file."""

    def finish(self) -> str:
        """What is wrong with the file as a whole, once all of it was seen; "" when nothing is."""
        return ""

    def add(self, start: int, end: int, number: int) -> None:
        """Note one span."""
        self._starts.append(start)
        self._ends.append(end)
        self._numbers.append(number)

    def add_many(self, starts: bytes, ends: bytes, numbers: bytes) -> None:
        """Note many, as the bytes of arrays of int64, int64 and uint32."""
        self._starts.frombytes(starts)
        self._ends.frombytes(ends)
        self._numbers.frombytes(numbers)

    @property
    def known(self) -> int:
        """Rows that can be reached now."""
        return self._known

    @property
    def complete(self) -> bool:
        """Whether that is all."""
        return self._complete

    @property
    def bytes_done(self) -> int:
        """Bytes on disk that were looked at."""
        return self.data.bytes_done(self.at)

    @property
    def bytes_total(self) -> int:
        """Bytes on disk."""
        return self.data.bytes_total

    @property
    def fingerprint(self) -> str:
        """The hash of the file."""
        return hash_of_files(self.paths)

    def grow(self, piece_bytes: int = PIECE) -> bool:
        """Look at a further piece; a row longer than a piece makes it longer."""
        with self._growing:
            done = self._complete
            while not done:
                while self.data.size < self.at + piece_bytes and not self.data.complete:
                    self.data.more()
                stop = min(self.data.size, self.at + piece_bytes)
                piece = self.data.read(self.at, stop)
                short = len(piece) < stop - self.at
                last = short or (self.data.complete and stop == self.data.size)
                used = self.find(piece, self.at, last)
                self.at += used
                piece_bytes *= 2
                if last:
                    cut = f"{self.data.path} became shorter while it was read. Open it again." if short else ""
                    self.problem = self.data.problem or cut or self.finish()
                    self._complete = done = True
                elif used:
                    done = True
            self._known = len(self._numbers)
            return not self._complete

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number, in one read unless they are very large."""
        stop = min(stop, self._known)
        out: list[Record] = []
        while start < stop:
            first, upto = self._starts[start], start + 1
            while upto < stop and self._ends[upto] - first <= _BLOCK:
                upto += 1
            block = self.data.read(first, self._ends[upto - 1])
            starts, ends = self._starts[start:upto], self._ends[start:upto]
            numbers = self._numbers[start:upto]
            read_span = self.read_span
            out += [read_span(block[s - first : e - first], n) for s, e, n in zip(starts, ends, numbers, strict=True)]
            start = upto
        return out

    def block(self, start: int, stop: int) -> tuple[bytes, npt.NDArray[np.int64]]:
        """The bytes of rows side by side, and where in them each begins; fewer rows where they are large."""
        stop = min(stop, self._known)
        first, upto = self._starts[start], start + 1
        while upto < stop and self._ends[upto] - first <= _BLOCK:
            upto += 1
        starts = np.array(self._starts[start:upto], dtype=np.int64) - first
        return self.data.read(first, self._ends[upto - 1]), starts

    def raw(self, index: int) -> bytes:
        """A row as it stands in the file."""
        return self.data.read(self._starts[index], self._ends[index])

    def scan(self) -> Iterator[Record]:
        """All rows in order, growing as it goes."""
        at = 0
        while True:
            stop = min(self._known, at + 4096)
            if at < stop:
                yield from self.records(at, stop)
                at = stop
            elif not self.grow() and at >= self._known:
                return

    def close(self) -> None:
        """Close the file."""
        self.data.close()
