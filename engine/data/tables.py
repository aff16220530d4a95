"""JSON arrays, CSV, TSV and Parquet as rows. CSV cells are texts and stay texts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from engine.data.jsonl import kind_of, parse
from engine.data.rows import BadLine, Records, Row
from engine.data.stream import read_bytes
from engine.errors import DataError


def read_json(path: Path) -> Records:
    """Read a JSON file: an array of objects, or an object that holds exactly one such array.

    A file that is no JSON as a whole but one object per line is read as JSON Lines by the caller.
    Raises DataError when it is neither.
    """
    value, reason = parse(read_bytes(path))
    if reason:
        raise DataError(f"{path} {reason}.")
    if isinstance(value, dict):
        arrays = {key: item for key, item in value.items() if isinstance(item, list)}
        if set(arrays) & {"messages", "conversations"}:  # one conversation is a dataset of one row
            return Records(path, [Row(f"{path.name}#1", value)], [])
        if len(arrays) != 1:
            raise DataError(
                f"{path} is one object with {len(arrays)} lists; a dataset is a list of objects, "
                "or an object that holds one. Save the list alone, or use JSON Lines."
            )
        value = next(iter(arrays.values()))
    if not isinstance(value, list):
        raise DataError(f"{path} is {kind_of(value)}; a dataset is a list of objects.")
    rows: list[Row] = []
    bad: list[BadLine] = []
    for number, item in enumerate(value, 1):
        origin = f"{path.name}#{number}"
        if isinstance(item, dict):
            rows.append(Row(origin, item))
        else:
            bad.append(BadLine(origin, f"is {kind_of(item)}, not an object {{…}}"))
    return Records(path, rows, bad)


def read_csv(path: Path) -> Records:
    """Read a CSV file whose first line names the columns."""
    return _read_delimited(path, ",")


def read_tsv(path: Path) -> Records:
    """Read a tab-separated file whose first line names the columns."""
    return _read_delimited(path, "\t")


def _read_delimited(path: Path, delimiter: str) -> Records:
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start + 1}). Save it as UTF-8.") from None
    csv.field_size_limit(1 << 30)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    bad: list[BadLine] = []
    names: list[str] = []
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return Records(path, rows, bad)
        except csv.Error as error:
            bad.append(BadLine(f"{path.name}:{line}", f"is not valid CSV: {error}"))
            line = reader.line_num + 1
            continue
        origin, line = f"{path.name}:{line}", reader.line_num + 1
        if not cells:
            continue
        if not names:
            names = cells
            if len(set(names)) != len(names):
                raise DataError(f"{path}: the header names a column twice: {', '.join(names)}.")
        elif len(cells) != len(names):
            bad.append(BadLine(origin, f"has {len(cells)} cells where the header names {len(names)} columns"))
        else:
            rows.append(Row(origin, dict(zip(names, cells, strict=True))))


def read_parquet(path: Path) -> Records:
    """Read a Parquet file. Raises DataError when it is none."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no readable Parquet file: {str(error).splitlines()[0]}") from error
    rows = [Row(f"{path.name}#{number}", values) for number, values in enumerate(table.to_pylist(), 1)]
    return Records(path, rows, [])
