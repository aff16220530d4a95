"""A table of rows that are held in memory: small JSON files that are one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.data.json_values import kind_of, parse
from engine.data.rows import BadLine, Record, Row
from engine.data.whole import WholeTable


class MemoryTable(WholeTable):
    """Rows that were read at once."""

    def __init__(self, path: Path, kind: str, rows: Sequence[Record], size: int) -> None:
        super().__init__(path, kind, size)
        self._rows = list(rows)

    @property
    def known(self) -> int:
        """All of them."""
        return len(self._rows)

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number."""
        return self._rows[start:stop]

    def scan(self) -> Iterator[Record]:
        """All rows."""
        yield from self._rows


def rows_of_object(path: Path, raw: bytes) -> list[Record]:
    """The rows of a JSON file that is one object: the list of objects that it holds, one list a column, or itself."""
    value, reason, column = parse(raw)
    if reason or not isinstance(value, dict):
        reason = reason or f"is {kind_of(value)}; a dataset is a list of objects"
        return [BadLine(f"{path.name}#1", reason, column)]
    lists = {key: item for key, item in value.items() if isinstance(item, list) and item}
    nested = [item for item in lists.values() if all(isinstance(part, (dict, list)) for part in item)]
    lengths = {len(column) for column in lists.values()}
    if len(lists) == len(value) and len(lengths) == 1 and len(nested) == len(lists) and isinstance(nested[0][0], list):
        return _by_columns(path, lists, lengths.pop())
    if len(lists) == 1 and not set(lists) & {"messages", "conversations"} and nested and isinstance(nested[0][0], dict):
        return [_row_of_list(path, item, n) for n, item in enumerate(nested[0], 1)]
    return [Row(f"{path.name}#1", value)]


def _row_of_list(path: Path, item: Any, number: int) -> Record:
    origin = f"{path.name}#{number}"
    return Row(origin, item) if isinstance(item, dict) else BadLine(origin, f"is {kind_of(item)}, not an object {{…}}")


def _by_columns(path: Path, lists: dict[str, list[Any]], count: int) -> list[Record]:
    return [Row(f"{path.name}#{n + 1}", {key: column[n] for key, column in lists.items()}) for n in range(count)]
