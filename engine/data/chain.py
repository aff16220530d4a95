"""Several tables one after another, as one: the files of a folder, the shards of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.data.rows import Record
from engine.data.stream import hash_of_files
from engine.data.table import Table


class Chain:
    """Rows of the first table, then of the second, …; see `table.Table` for what the members mean."""

    note = commit = ""

    def __init__(self, name: str, kind: str, tables: Sequence[Table]) -> None:
        self.name = name
        self.kind = kind
        self.tables = list(tables)
        self.paths: list[Path] = [path for table in tables for path in table.paths]

    @property
    def known(self) -> int:
        """Rows up to the first table that is still growing."""
        total = 0
        for table in self.tables:
            total += table.known
            if not table.complete:
                break
        return total

    @property
    def complete(self) -> bool:
        """Whether every table is."""
        return all(table.complete for table in self.tables)

    @property
    def problem(self) -> str:
        """What is wrong with the first table with a problem."""
        return next((table.problem for table in self.tables if table.problem), "")

    @property
    def bytes_done(self) -> int:
        """Of all tables."""
        return sum(table.bytes_done for table in self.tables)

    @property
    def bytes_total(self) -> int:
        """Of all tables."""
        return sum(table.bytes_total for table in self.tables)

    @property
    def fingerprint(self) -> str:
        """The hash of the hashes of the files."""
        return hash_of_files(self.paths)

    def grow(self) -> bool:
        """Grow the first table that can."""
        growing = next((table for table in self.tables if not table.complete), None)
        if growing is not None:
            growing.grow()
        return not self.complete

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number, across tables."""
        out: list[Record] = []
        for table in self.tables:
            known, complete = table.known, table.complete
            if start < known and stop > 0:
                out += table.records(max(0, start), min(stop, known))
            start, stop = start - known, stop - known
            if not complete or stop <= 0:
                break
        return out

    def raw(self, index: int) -> bytes:
        """A row as it stands in its file."""
        for table in self.tables:
            if index < table.known:
                return table.raw(index)
            index -= table.known
        raise IndexError(index)

    def scan(self) -> Iterator[Record]:
        """All rows, table after table."""
        for table in self.tables:
            yield from table.scan()

    def close(self) -> None:
        """Close every table."""
        for table in self.tables:
            table.close()
