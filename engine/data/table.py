"""Tables: rows that can be reached by number, whatever the file. The one interface of everything that reads data.

A table is opened in milliseconds and grows: each `grow` looks at a further piece of the file, and rows up to `known` can be
reached at once. Only one thread may call `grow`; any thread may read rows. Nothing of the file stays in memory but
where its rows begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from engine.data.rows import Record


class Table(Protocol):
    """Rows of one source, numbered from 0."""

    name: str
    """What people call it: the name of the file or dataset."""
    kind: str
    """jsonl, json, csv, tsv, parquet, arrow, text, folder or hub; with " (gzip)" or " (zstd)" behind."""
    paths: list[Path]
    """The files that were read, for hashes and messages."""
    note: str
    """A sentence about where the rows come from, or ""."""
    commit: str
    """On the hub, the commit that the rows are of; else ""."""

    @property
    def known(self) -> int:
        """Rows that can be reached now."""

    @property
    def complete(self) -> bool:
        """Whether `known` is all there is."""

    @property
    def problem(self) -> str:
        """Why it ended early (a torn gzip file), or ""."""

    @property
    def bytes_done(self) -> int:
        """Bytes of the files that were looked at so far."""

    @property
    def bytes_total(self) -> int:
        """Bytes of the files."""

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 that is the same where the rows are: of the file, of the hashes of files, or of the hub's commit."""

    def grow(self) -> bool:
        """Look at a further piece of the file, some tens of milliseconds of work; whether there is more."""

    def records(self, start: int, stop: int) -> list[Record]:
        """The rows from `start` to before `stop` (cut to what is known), or the bad lines that stand in their place."""

    def raw(self, index: int) -> bytes:
        """A row as it stands in the file; of binary files its JSON."""

    def scan(self) -> Iterator[Record]:
        """All rows in order, growing where that is not done yet."""

    def close(self) -> None:
        """Give files back."""
