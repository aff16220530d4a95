"""Rows of the hub as tables: mapped from the cache, or from a stream into a file that nobody else sees.

See `table.Table` for what the members mean. Memory holds where batches begin, and the batch that was read last.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.data.arrow_values import plain_rows
from engine.data.rows import Record, Row
from engine.errors import DataError

SCAN = 1024


class _Rows:
    """What both kinds of tables have."""

    kind = "hub"

    def __init__(self, parts: Sequence[str], commit: str, note: str) -> None:
        self.name = ":".join(parts)
        self.paths: list[Path] = []
        self.commit = commit
        """The commit that the rows are of: `revision` would name it."""
        self.note = note
        """A sentence about where the rows come from, or ""."""
        self.problem = ""

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the dataset's id, subset, split and commit: equal where the rows are."""
        return hashlib.sha256(f"{self.name}@{self.commit}".encode()).hexdigest()

    @property
    def known(self) -> int:
        """Rows that can be reached now."""
        raise NotImplementedError

    def grow(self) -> bool:
        """Fetch more; whether there is more."""
        return False

    def _values(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        raise NotImplementedError

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number."""
        start, stop = max(0, start), min(stop, self.known)
        return [
            Row(f"{self.name}#{number}", values) for number, values in enumerate(self._values(start, stop), start + 1)
        ]

    def raw(self, index: int) -> bytes:
        """A row as JSON."""
        (values,) = self._values(index, index + 1)
        return msgspec.json.encode(values, enc_hook=str)

    def scan(self) -> Iterator[Record]:
        """All rows, fetching what is not there yet."""
        at = 0
        while True:
            while at < self.known:
                records = self.records(at, at + SCAN)
                at += len(records)
                yield from records
            if not self.grow() and at >= self.known:
                return

    def close(self) -> None:
        """Give files back."""


class HubTable(_Rows):
    """A split that is stored in the cache; its Arrow files are mapped."""

    complete = True

    def __init__(self, parts: Sequence[str], commit: str, dataset: Any, note: str = "") -> None:
        super().__init__(parts, commit, note)
        self._dataset = dataset.with_format("arrow")
        self.paths = [Path(entry["filename"]) for entry in dataset.cache_files]
        self.bytes_done = self.bytes_total = sum(path.stat().st_size for path in self.paths)

    @property
    def known(self) -> int:
        """All of them."""
        return len(self._dataset)

    def _values(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        yield from plain_rows(self._dataset[start:stop]) if start < stop else []


class StreamTable(_Rows):
    """A split that comes over the network, kept in an unlinked file as it comes."""

    BATCH = 256
    bytes_total = 0
    """Nobody knows before the end."""

    def __init__(
        self,
        parts: Sequence[str],
        commit: str,
        batches: Iterator[Any],
        explain: Callable[[BaseException], DataError],
        note: str = "",
    ) -> None:
        """`batches` yields Arrow tables; `explain` puts what it raises into words."""
        super().__init__(parts, commit, note)
        self.complete = False
        self.bytes_done = 0
        self._batches, self._explain = batches, explain
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the table
        self._bounds, self._offsets = [0], [0]  # of batch i: its first row, its first byte
        self._held: tuple[int, list[dict[str, Any]]] = (-1, [])
        self._growing = threading.Lock()

    @property
    def known(self) -> int:
        """Rows that have come."""
        return self._bounds[-1]

    def grow(self) -> bool:
        """Fetch a batch. What goes wrong stands in `problem`, and the rows that came stay."""
        with self._growing:
            if self.complete:
                return False
            try:
                table = next(self._batches, None)
                if table is not None:
                    self._keep(table)
            except Exception as error:  # noqa: BLE001 - a network has endless ways to fail; all of them end the rows here
                self.problem, table = str(self._explain(error)), None
            if table is None:
                self.complete = True
                self.bytes_total = self.bytes_done
            return not self.complete

    def _keep(self, table: Any) -> None:
        import pyarrow

        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        written = memoryview(sink.getvalue())
        at = self._offsets[-1]
        while written:
            count = os.pwrite(self._file.fileno(), written, at)
            at, written = at + count, written[count:]
        self._offsets.append(at)
        self._bounds.append(self._bounds[-1] + table.num_rows)  # last: other threads read up to here
        self.bytes_done = at

    def _batch(self, index: int) -> list[dict[str, Any]]:
        held, rows = self._held
        if held != index:
            import pyarrow

            start, stop = self._offsets[index], self._offsets[index + 1]
            rows = plain_rows(pyarrow.ipc.open_stream(os.pread(self._file.fileno(), stop - start, start)).read_all())
            self._held = (index, rows)
        return rows

    def _values(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        while start < stop:
            index = bisect_right(self._bounds, start) - 1
            first, upto = self._bounds[index], min(stop, self._bounds[index + 1])
            yield from self._batch(index)[start - first : upto - first]
            start = upto

    def close(self) -> None:
        """Give the file back."""
        self._batches = iter(())
        self.complete = True
        self._file.close()
