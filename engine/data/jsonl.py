"""JSON Lines, read by our own line reader: a bad line costs that line and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from engine.data.rows import BadLine, Records, Row


def read_jsonl(path: Path) -> Records:
    """Read a JSON Lines file. Blank lines are passed over; a byte order mark and CRLF are understood."""
    rows: list[Row] = []
    bad: list[BadLine] = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if not raw.strip():
                continue
            origin = f"{path.name}:{number}"
            value, reason = parse(raw)
            if reason:
                bad.append(BadLine(origin, reason))
            elif not isinstance(value, dict):
                bad.append(BadLine(origin, f"is {kind_of(value)}, not an object {{…}}"))
            else:
                rows.append(Row(origin, value))
    return Records(path, rows, bad)


def parse(raw: bytes) -> tuple[Any, str]:
    """Return (value, "") for one JSON text, or (None, reason) with the column of the mistake."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start + 1})"
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value, ""
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text.strip() else ""
        return None, f"is not valid JSON: {error.msg.lower()} at {line}column {error.colno}"
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
