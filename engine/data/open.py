"""From a `[[data]]` table to a `Table`: which files, which split, which reader."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

from engine.config.data import PACKED, READABLE, DataSection
from engine.config.hub_id import looks_like_hub_id
from engine.data.chain import Chain
from engine.data.columnar import ArrowTable, ParquetTable, is_saved, saved_splits, shards_of
from engine.data.delimited import DelimitedTable
from engine.data.json_array import JsonArrayTable
from engine.data.json_values import parse
from engine.data.jsonl import JsonLinesTable
from engine.data.memory_table import MemoryTable, rows_of_object
from engine.data.rows import BadLine
from engine.data.stream import Bytes, ending, open_bytes, read_whole
from engine.data.table import Table
from engine.data.text_table import TextTable
from engine.errors import DataError

READERS: dict[str, Callable[[Path, DataSection], Table]] = {
    ".jsonl": lambda path, section: _json(path),
    ".ndjson": lambda path, section: _json(path),
    ".json": lambda path, section: _json(path),
    ".csv": lambda path, section: DelimitedTable(open_bytes(path), "csv"),
    ".tsv": lambda path, section: DelimitedTable(open_bytes(path), "tsv"),
    ".txt": lambda path, section: TextTable(open_bytes(path), section.text_unit),
    ".parquet": lambda path, section: ParquetTable(path),
    ".arrow": lambda path, section: ArrowTable(path),
}
_ABOUT_DATA = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json"}
_SPLIT_IN_NAME = re.compile(r"(?:^|[-_./])(train|test|validation|valid|val|dev|eval)(?=[-_./]|$)", re.IGNORECASE)
_SAME_SPLIT = {"val": "validation", "valid": "validation", "dev": "validation", "eval": "validation"}
HELD_OUT_SPLITS = ("validation", "test")
_SNIFFED = 1 << 20
_LINES_TRIED = 20


def open_table(section: DataSection) -> Table:
    """Open what a section names: a file, a folder, or a dataset of the hub. Nothing is read whole here.

    Raises DataError when it is not there, may not be read, is of an unknown kind, or has no split of that name.
    """
    if is_hub(section):
        from engine.data.hub import hub_table

        return hub_table(section)
    path = Path(section.path)
    if not os.path.exists(path):
        raise DataError(f"There is no data file {path}.{_near(path)}")
    try:
        return _folder(path, section) if path.is_dir() else _file(path, section)
    except PermissionError as error:
        raise DataError(f"{error.filename or path} may not be read by this user; check its permissions.") from None
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise DataError(
                f"{path} has more data files than a process may have open at once. Raise that number (`ulimit -n`), or join the "
                "files into fewer."
            ) from None
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from None


def is_hub(section: DataSection) -> bool:
    """Whether the section names a dataset of the hub, and nothing on this disk."""
    return not os.path.exists(section.path) and looks_like_hub_id(section.path)


def splits_of(section: DataSection) -> list[str]:
    """The names of the splits that a source has; none for a file, or where the files do not say."""
    if is_hub(section):
        from engine.data.hub import splits_of as splits_of_hub

        return splits_of_hub(section.path, section.subset, section.revision)
    path = Path(section.path)
    return [name for name in _splits_of_folder(path) if name] if path.is_dir() else []


def unassigned_files(folder: Path) -> list[str]:
    """Data files of a folder with splits whose names say no split: they are not read."""
    splits = _splits_of_folder(folder)
    return [str(file.relative_to(folder)) for file in splits.get("", [])] if "train" in splits else []


def _near(path: Path) -> str:
    if not os.path.isdir(path.parent):
        return ""
    near = sorted(p.name for p in path.parent.glob("*") if ending(p) in READABLE and p.exists())
    return f" Data files there: {', '.join(near[:6])}." if near else ""


def _file(path: Path, section: DataSection) -> Table:
    if section.split is not None:
        raise DataError(f"{path} is one file and has no split {section.split!r}. Name the file, or its folder.")
    kind = ending(path)
    if not path.is_file():
        raise DataError(f"{path} is no regular file. Write its rows into a file first.")
    if kind not in READERS:
        raise DataError(
            f"{path} has the ending {kind!r}; readable are {', '.join(sorted(READERS))}, "
            f"the text ones also with {' or '.join(PACKED)} behind."
        )
    if path.suffix.lower() in PACKED and kind in (".parquet", ".arrow"):
        raise DataError(f"{path} is packed once more: unpack it first, {kind} files are compressed inside already.")
    return READERS[kind](path, section)


def _folder(path: Path, section: DataSection) -> Table:
    splits = _splits_of_folder(path)
    if not splits:
        raise DataError(f"{path} is a folder without data files; readable are {', '.join(READABLE)}.")
    name = section.split
    if name is None:
        name = "train" if "train" in splits else "" if "" in splits else next(iter(splits))
    if name not in splits:
        known = ", ".join(split for split in splits if split) or "none"
        raise DataError(f"{path} has no split {name!r}; it has {known}.")
    whole = section.model_copy(update={"split": None})
    tables = [_file(file, whole) for file in splits[name]]
    for table, file in zip(tables, splits[name], strict=True):
        table.name = str(file.relative_to(path))  # rows of two files of one name must not look alike
    kinds = {table.kind.partition(" ")[0] for table in tables}
    kind = kinds.pop() if len(kinds) == 1 else "several kinds"
    return tables[0] if len(tables) == 1 else Chain(path.name, f"folder of {kind}", tables)


def _splits_of_folder(path: Path) -> dict[str, list[Path]]:
    """Split -> files, "" for files that name none."""
    if is_saved(path):
        return {name: shards_of(folder) for name, folder in saved_splits(path).items()}
    files = [
        file
        for file in sorted(path.rglob("*"))
        if ending(file) in READABLE and file.name not in _ABOUT_DATA and file.is_file() and not _hidden(file, path)
    ]
    splits: dict[str, list[Path]] = {}
    for file in files:
        found = _SPLIT_IN_NAME.findall(str(file.relative_to(path)))
        name = found[-1].lower() if found else ""
        splits.setdefault(_SAME_SPLIT.get(name, name), []).append(file)
    if "" in splits and len(splits) > 1 and "train" not in splits:
        splits = {"": files}  # names that only look like splits: nothing may be left out by a guess
    return dict(sorted(splits.items(), key=lambda item: (item[0] != "train", item[0])))


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _json(path: Path) -> Table:
    data = open_bytes(path)
    shape = _shape(data, ending(path))
    if shape == "lines":
        return JsonLinesTable(data, "jsonl")
    if shape == "array":
        return JsonArrayTable(data, "json")
    raw = read_whole(data)
    kind = f"json ({data.packing})" if data.packing else "json"
    rows = rows_of_object(path, raw)
    if isinstance(rows[0], BadLine) and _mostly_objects(raw):
        return JsonLinesTable(data, "jsonl")  # its first line was longer than what was looked at
    data.close()
    return MemoryTable(path, kind, rows, data.bytes_total)


def _shape(data: Bytes, kind: str) -> str:
    """lines, array or object, whatever the ending says: .json files often hold lines, .jsonl files may hold an array."""
    head = data.read(data.start, data.start + _SNIFFED).lstrip()
    end = head.find(b"\n")
    first = head if end < 0 else head[:end].strip()
    more = end >= 0 and bool(head[end:].strip())
    if first.startswith(b"["):
        return "lines" if more and isinstance(parse(first)[0], list) else "array"
    if kind != ".json" or not head:
        return "lines"
    return "lines" if more and (isinstance(parse(first)[0], dict) or _mostly_objects(head)) else "object"


def _mostly_objects(head: bytes) -> bool:
    """Whether lines that hold objects follow a first line that does not; in an indented object, few lines are objects."""
    lines = [line for line in head.split(b"\n", _LINES_TRIED + 1)[1:-1] if line.strip()]
    return sum(isinstance(parse(line)[0], dict) for line in lines) * 2 > len(lines)
