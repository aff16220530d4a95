"""Rows into a file: JSON Lines, written beside their place and put there whole; rows that cannot be read go into FILE.bad.

The service and the command line write by the same functions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.data.rows import BadLine, Record
from engine.data.table import Table
from engine.errors import DataError

BAD = ".bad"


def target_of(path: str, overwrite: bool, reading: Iterable[Path]) -> Path:
    """The absolute path of an export. Raises DataError where it cannot or may not be written."""
    if not path.strip() or "\0" in path:
        raise DataError("An export needs the path of a file to write to.")
    target = Path(os.path.abspath(os.path.expanduser(path)))
    try:
        return _checked(target, overwrite, reading)
    except OSError as error:
        raise DataError(f"{str(target)[:200]} cannot be written: {error.strerror}. Choose another name.") from None


def _checked(target: Path, overwrite: bool, reading: Iterable[Path]) -> Path:
    if target.is_dir():
        raise DataError(f"{target} is a folder. Name a file in it, for example {target / 'rows.jsonl'}.")
    if not target.parent.is_dir():
        raise DataError(f"There is no folder {target.parent}. Make it first, or choose another.")
    taken = list(reading)
    for place in (target, _bad_path(target)):
        if any(_same(place, other) for other in taken):
            raise DataError(
                f"{place} is a file that is being read; an export never writes over it. Choose another name."
            )
        if place.exists() and not overwrite:
            raise DataError(f"{place} is there already. Choose another name, or say that it may be replaced.")
    return target


def line_of(table: Table, row: int, record: Record) -> bytes:
    """A row, from 0, as a line of the export: of JSON Lines files byte for byte as it stands."""
    if isinstance(record, BadLine) or "jsonl" in table.kind:
        return table.raw(row)
    try:
        return json_text(record.values).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
        return json.dumps(record.values, default=str).encode()


def json_text(value: Any) -> str:
    """A value as text: texts as they are, anything else as compact JSON; JSON has no word but null for not-a-number."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
    except ValueError:
        return msgspec.json.encode(value, enc_hook=str).decode()


def _name(part: Path, place: Path) -> None:
    """Give a file its name, where nothing has it. Raises OSError."""
    try:
        os.link(part, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if place.exists():
            raise
        part.replace(place)


def _same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        return os.path.samefile(path, other)
    return False


def _bad_path(target: Path) -> Path:
    return target.with_name(target.name + BAD)


class RowFiles:
    """The file and its companion for unreadable rows, under other names until they are whole."""

    def __init__(self, target: Path, overwrite: bool, tag: int) -> None:
        self._target = target
        self._places = [target, _bad_path(target)]
        self._parts = [path.with_name(f".{path.name}.{os.getpid()}-{tag}.part") for path in self._places]
        self._overwrite = overwrite
        self._open: list[BinaryIO] = []
        self.written = 0
        self.unreadable = 0

    def __enter__(self) -> RowFiles:
        self._begin(0)
        return self

    def write(self, line: bytes, unreadable: bool) -> None:
        """Write a row to the file it belongs in. Raises DataError when there is no room."""
        if unreadable and len(self._open) == 1:
            self._begin(1)
        try:
            self._open[unreadable].write(line + b"\n")
        except OSError as error:
            raise self._failure(error) from error
        self.unreadable += unreadable
        self.written += not unreadable

    def settle(self) -> None:
        """Have everything on the disk; may take seconds."""
        try:
            for file in self._open:
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._failure(error) from error

    def put_in_place(self) -> None:
        """Give the files their names; without leave to replace, nothing that came there meanwhile is replaced."""
        try:
            for part, place, _ in zip(self._parts, self._places, self._open, strict=False):
                if self._overwrite:
                    part.replace(place)
                else:
                    _name(part, place)
        except OSError as error:
            raise self._failure(error) from error

    def _begin(self, which: int) -> None:
        try:
            self._open.append(self._parts[which].open("xb", buffering=1 << 20))
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> DataError:
        reason = error.strerror or str(error)
        return DataError(f"{self._target} cannot be written: {reason}. Choose another place, or make room.")

    def __exit__(self, *exception: object) -> None:
        for file in self._open:
            with suppress(OSError):
                file.close()
        for part in self._parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
