"""What tables have in common whose rows are all within reach as soon as they are open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import msgspec

from engine.data.rows import Record, Row
from engine.data.stream import hash_of_files


class WholeTable(ABC):
    """A table of one file that does not grow; see `table.Table` for what the members mean."""

    problem = note = commit = ""
    complete = True

    def __init__(self, path: Path, kind: str, size: int) -> None:
        self.name = path.name
        self.kind = kind
        self.paths = [path]
        self.bytes_done = self.bytes_total = size

    @property
    def fingerprint(self) -> str:
        """The hash of the file."""
        return hash_of_files(self.paths)

    def grow(self) -> bool:
        """There is never more."""
        return False

    @abstractmethod
    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number."""

    def raw(self, index: int) -> bytes:
        """The JSON of a row, or what is said of a bad one."""
        record = self.records(index, index + 1)[0]
        return msgspec.json.encode(record.values if isinstance(record, Row) else record.reason, enc_hook=str)

    def close(self) -> None:  # noqa: B027 - a subclass that holds files open gives them back
        """Nothing is held open."""
