"""JSON Lines, read by our own line reader: a bad line costs that line and no other."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NoReturn

from engine.data.rows import BadLine, Records, Row
from engine.data.stream import open_bytes
from engine.errors import DataError


def read_jsonl(path: Path) -> Records:
    """Read a JSON Lines file, gzip or not.

    Blank lines are passed over; a byte order mark, CRLF and several objects on one line are understood.
    Raises DataError for UTF-16, for other compression, and for a torn gzip file.
    """
    rows: list[Row] = []
    bad: list[BadLine] = []
    number = 0
    try:
        with open_bytes(path) as file:
            for number, raw in enumerate(file, 1):
                _read_line(f"{path.name}:{number}", raw, rows, bad)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a gzip file that ends after line {number}: {error}") from error
    return Records(path, rows, bad)


def _read_line(origin: str, raw: bytes, rows: list[Row], bad: list[BadLine]) -> None:
    if not raw.strip():
        return
    value, reason = parse(raw)
    values = [value]
    if "extra data" in reason:
        several = _concatenated(raw)
        if several is not None:
            values, reason = several, ""
    if reason:
        bad.append(BadLine(origin, reason))
        return
    for value in values:
        if isinstance(value, dict):
            rows.append(Row(origin, value))
        else:
            bad.append(BadLine(origin, f"is {kind_of(value)}, not an object {{…}}"))


def _concatenated(raw: bytes) -> list[Any] | None:
    """Several objects one after another on a line; None where they are not."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)
    text, at, values = raw.decode().strip(), 0, []
    try:
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            if not isinstance(value, dict):
                return None
            values.append(value)
            at = end + len(text[end:]) - len(text[end:].lstrip())
    except (ValueError, RecursionError):
        return None
    return values


def parse(raw: bytes) -> tuple[Any, str]:
    """Return (value, "") for one JSON text, or (None, reason) with the column of the mistake."""
    try:
        text = raw.decode("utf-8").rstrip()
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start + 1})"
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value, ""
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""
        return None, f"is not valid JSON: {error.msg.lower().removesuffix(' at')} ({line}column {error.colno})"
    except UnicodeEncodeError:
        return None, "holds half of a surrogate pair (\\ud800 to \\udfff alone), which is no character"
    except ValueError as error:
        return None, f"is not valid JSON: {error}"
    except RecursionError:
        return None, "is nested too deeply"


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), f"a {type(value).__name__}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} stands twice")
    return out
