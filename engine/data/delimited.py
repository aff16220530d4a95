"""CSV and TSV, by the standard library's reader. The first record names the columns; cells are texts and stay texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from engine.data.rows import BadLine, Record, Row
from engine.data.spans import SpanTable
from engine.data.stream import Bytes
from engine.errors import DataError

csv.field_size_limit(1 << 30)


class DelimitedTable(SpanTable):
    """A record may span lines, where a cell in quotes holds newlines."""

    def __init__(self, data: Bytes, kind: str) -> None:
        """Its header is read with its first rows: `grow` raises DataError where it names a column twice or is no UTF-8."""
        super().__init__(data, kind)
        self._delimiter = "\t" if kind == "tsv" else ","
        self._line = 1
        self.columns: list[str] = []

    def find(self, piece: bytes, at: int, last: bool) -> int:
        """Spans of records: the reader takes line after line, and we look how far it came."""
        if not last:
            piece = piece[: piece.rfind(b"\n") + 1]
        lines = _Lines(piece)
        done = 0
        while True:
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            before = lines.taken
            try:
                cells = next(reader)
            except StopIteration:
                return len(piece) if last else done
            except csv.Error as error:
                if lines.at_end and not last:
                    return done  # the record may go on behind the piece
                if not self.columns:
                    raise DataError(
                        f"{self.data.path}: its first line, which names the columns, is no CSV: {error}."
                    ) from None
                # A quote that is not closed, or closed far below, takes its own line and not the file.
                lines.at, lines.taken = done, before
                next(lines)
                cells = ["?"]
            if not last and lines.at_end and lines.open_quote(done):
                return done
            self._record(cells, at + done, at + lines.at)
            self._line += lines.taken - before
            done = lines.at

    def _record(self, cells: list[str], start: int, end: int) -> None:
        if not cells:
            return
        if self.columns:
            self.add(start, end, self._line)
            return
        if any("\ufffd" in cell for cell in cells):
            self._refuse_encoding(start, end)
        if len(set(cells)) != len(cells):
            raise DataError(f"{self.data.path}: the header names a column twice: {', '.join(cells)}.")
        self.columns = cells

    def _refuse_encoding(self, start: int, end: int) -> None:
        try:
            self.data.read(start, end).decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.data.path}: its first line, which names the columns, is not UTF-8 (byte {error.start + 1}). "
                "Save it as UTF-8, for example with `iconv -f CP1252 -t UTF-8`."
            ) from None

    def read_span(self, raw: bytes, number: int) -> Record:
        """One record."""
        origin = f"{self.name}:{number}"
        try:
            cells = next(csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=self._delimiter, strict=True))
        except UnicodeDecodeError as error:
            return BadLine(origin, f"is not UTF-8 (byte {error.start + 1})")
        except csv.Error as error:
            return BadLine(origin, f"is not valid CSV: {error}")
        if len(cells) != len(self.columns):
            return BadLine(origin, f"has {len(cells)} cells where the header names {len(self.columns)} columns")
        return Row(origin, dict(zip(self.columns, cells, strict=True)))


class _Lines:
    """Lines of a piece as the csv reader wants them, counting how far it came. Bytes that are no UTF-8 do not stop it."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece
        self.at = 0
        self.taken = 0

    @property
    def at_end(self) -> bool:
        return self.at >= len(self._piece)

    def open_quote(self, start: int) -> bool:
        return self._piece.count(b'"', start) % 2 == 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at_end:
            raise StopIteration
        end = self._piece.find(b"\n", self.at) + 1 or len(self._piece)
        line = self._piece[self.at : end]
        self.at = end
        self.taken += 1
        return line.decode("utf-8", "replace")
