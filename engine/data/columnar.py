"""Parquet and Arrow files as tables: a row is decoded when it is asked for.

Of Parquet the last row group that was read stays in memory; Arrow files are mapped.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.arrow_values import records_of
from engine.data.rows import Record
from engine.data.whole import WholeTable
from engine.errors import DataError


class ColumnarTable(WholeTable):
    """Rows in batches of columns."""

    def __init__(self, path: Path, kind: str, lengths: list[int]) -> None:
        super().__init__(path, kind, path.stat().st_size)
        self._bounds = [0]
        for length in lengths:
            self._bounds.append(self._bounds[-1] + length)

    @abstractmethod
    def batch(self, index: int) -> Any:
        """The batch, as an Arrow table or record batch."""

    @property
    def known(self) -> int:
        """All of them: the file says how many."""
        return self._bounds[-1]

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows by number."""
        out: list[Record] = []
        stop = min(stop, self.known)
        while start < stop:
            index = bisect_right(self._bounds, start) - 1
            upto = min(stop, self._bounds[index + 1])
            out += records_of(self.batch(index).slice(start - self._bounds[index], upto - start), self.name, start + 1)
            start = upto
        return out

    def scan(self) -> Iterator[Record]:
        """All rows."""
        for start in range(0, self.known, 1024):
            yield from self.records(start, start + 1024)


class ParquetTable(ColumnarTable):
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        """Raises DataError when it is none."""
        import pyarrow.parquet

        try:
            self._file = pyarrow.parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is no readable Parquet file: {_first_line(error)}") from error
        _refuse_twins(path, self._file.schema_arrow.names)
        metadata = self._file.metadata
        super().__init__(path, "parquet", [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)])
        self._held: tuple[int, Any] = (-1, None)

    def batch(self, index: int) -> Any:
        """A row group. Raises DataError when it is damaged."""
        held, table = self._held
        if held != index:
            import pyarrow

            try:
                table = self._file.read_row_group(index, use_threads=False)
            except (pyarrow.ArrowException, OSError) as error:
                rows = f"rows {self._bounds[index] + 1} to {self._bounds[index + 1]}"
                raise DataError(f"{self.paths[0]}: {rows} cannot be read: {_first_line(error)}") from error
            self._held = (index, table)
        return table


class ArrowTable(ColumnarTable):
    """An Arrow file, in the stream or the file format."""

    def __init__(self, path: Path) -> None:
        """Raises DataError when it is neither."""
        import pyarrow

        try:
            source = pyarrow.memory_map(str(path))
            try:
                self._batches = pyarrow.ipc.open_stream(source).read_all().to_batches()
            except pyarrow.ArrowInvalid:
                source.seek(0)
                self._batches = pyarrow.ipc.open_file(source).read_all().to_batches()
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is no readable Arrow file: {_first_line(error)}") from error
        _refuse_twins(path, self._batches[0].schema.names if self._batches else [])
        super().__init__(path, "arrow", [batch.num_rows for batch in self._batches])

    def batch(self, index: int) -> Any:
        """A record batch."""
        return self._batches[index]


def _refuse_twins(path: Path, names: list[str]) -> None:
    """Of two columns of one name, a row could hold one only."""
    if len(set(names)) != len(names):
        raise DataError(f"{path} names a column twice: {', '.join(names)}. Rename one of them.")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


STATE, SPLITS = "state.json", "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved this folder."""
    return (folder / STATE).is_file() or (folder / SPLITS).is_file()


def saved_splits(folder: Path) -> dict[str, Path]:
    """The splits of a folder that `datasets` saved; one without splits is {"": folder}."""
    if not (folder / SPLITS).is_file():
        return {"": folder}
    names = _json(folder / SPLITS).get("splits")
    if not isinstance(names, list):
        raise DataError(f"{folder / SPLITS} names no list of splits: it was not written by `datasets`. Copy it again.")
    return {str(name): folder / str(name) for name in names}


def shards_of(folder: Path) -> list[Path]:
    """The Arrow files of a saved dataset, in order. Raises DataError when one is not there."""
    if not (folder / STATE).is_file():
        raise DataError(f"{folder} lacks its {STATE}: the folder was not saved whole. Copy it again.")
    files = _json(folder / STATE).get("_data_files")
    shards = (
        [str(file.get("filename", "")) for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    )
    if not shards or any("/" in shard or not (folder / shard).is_file() for shard in shards):
        raise DataError(f"{folder} lacks a file that its {STATE} names. Copy the folder again.")
    return [folder / shard for shard in shards]


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise DataError(f"{file} is no JSON object.")
    return value
