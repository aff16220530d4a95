"""Writing changed [[data]] tables into the text of a run file, and leaving every other line as it stands.

Invariant: what comes out says exactly what was wanted; where cutting and pasting lines would not, the file is written anew
as a whole. How many comments are lost is always known.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

import tomli_w

from engine.config.load import Table

Merged = list[tuple[int | None, Table | None]]
"""An old table's number and what it becomes: (None, table) is new, (number, None) goes."""
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_FIRST_OF_TABLE = re.compile(r"\s*\[\[\s*(\"data\"|'data'|data)\s*\]\]")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")


def rewritten(before: str | None, table: Table, wanted: Table, merged: Merged) -> tuple[str, int]:
    """Return a text that says `wanted`, and how many comments of `before`, which says `table`, it loses."""
    if before is None:
        return _whole(wanted), 0
    if wanted == table:
        return before, 0
    spliced = _spliced(before, table, wanted, merged)
    if spliced is not None:
        return spliced
    return _whole(wanted), comments(before.splitlines())


def _spliced(before: str, table: Table, wanted: Table, merged: Merged) -> tuple[str, int] | None:
    """`before` with only the changed tables written anew; None where that would not say the same as `wanted`."""
    lines = before.splitlines(keepends=True)
    blocks = _blocks(lines)
    if len(blocks) != len(table.get("data", [])):
        return None
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    lost, at = 0, blocks[-1][1] if blocks else len(lines)
    fresh = "".join("\n" + _block(new) for number, new in merged if number is None and new is not None)
    lines.insert(at, fresh)
    for number, new in reversed(merged):
        if number is None or new == table["data"][number]:
            continue
        start, end = blocks[number]
        lost += comments(lines[start:end])
        lines[start:end] = [_block(new)] if new is not None else []
    text = "".join(lines)
    if wanted.get("model") != table.get("model"):
        if "model" in table:
            return None
        text = tomli_w.dumps({"model": wanted["model"]}) + "\n" + text if not _bare_keys_first(lines) else ""
    try:
        return (text.lstrip("\n"), lost) if text and tomllib.loads(text) == wanted else None
    except ValueError:
        return None


def _bare_keys_first(lines: Sequence[str]) -> bool:
    """Whether the file begins with keys of no table: a table put before them would swallow them."""
    for line in "".join(lines).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return not _HEADER.match(line)
    return False


def _whole(wanted: Table) -> str:
    """A run file, its sources last."""
    rest = {key: value for key, value in wanted.items() if key != "data"}
    return "\n".join([tomli_w.dumps(rest), *map(_block, wanted.get("data", []))]).lstrip("\n")


def _block(table: Table) -> str:
    """One source as people write it; tomli-w would put a short list of tables on one line."""
    text = tomli_w.dumps({"data": table})
    return "[[data]]\n" + text.removeprefix("[data]\n")


def _blocks(lines: Sequence[str]) -> list[tuple[int, int]]:
    """First line and one past the last line of every [[data]] table with the tables below it.

    Blank lines and comments at its end belong to what follows.
    """
    starts: list[int] = []
    ends: list[int] = []
    inside = False
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header is None:
            continue
        first = header[1].split(".")[0].strip().strip("\"'")
        if inside and (first != "data" or _FIRST_OF_TABLE.match(line)):
            ends.append(number)
            inside = False
        if _FIRST_OF_TABLE.match(line):
            starts.append(number)
            inside = True
    if inside:
        ends.append(len(lines))
    return [(start, _without_tail(lines, start, end)) for start, end in zip(starts, ends, strict=True)]


def _without_tail(lines: Sequence[str], start: int, end: int) -> int:
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def comments(lines: Sequence[str]) -> int:
    """How many of the lines hold a comment; a line of a text of several lines may be counted, too."""
    return sum("#" in (line if '"""' in line or "'''" in line else _STRING.sub("", line)) for line in lines)
