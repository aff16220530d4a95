"""A TOML text as statements, each with its place in the table and its lines, so that one can be changed and the rest be left.

What a statement says is never decided here but by tomllib; here it is only found where it ends.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""("data", 0, "path"): where a value stands in a table."""
_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_TEXT_END = re.compile("\"\"\"|'''")
_KEY = re.compile(rf"[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART})*)[ \t]*=[ \t]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a key with its value: lines `start` to before `end`."""

    path: Path
    start: int
    end: int
    table: Path
    """Of a key: the table whose header it stands under. Of a header: its own path."""
    is_header: bool = False


def lines_of(text: str) -> list[str]:
    """Lines as TOML knows them, each with its end; other characters that break lines elsewhere do not here."""
    lines = [f"{line}\n" for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "\n" else lines


def statements(lines: Sequence[str]) -> Iterator[Statement]:
    """The statements of a text that is valid TOML. Raises ValueError where it is not."""
    table: Path = ()
    counts: dict[Path, int] = {}
    at = 0
    while at < len(lines):
        bare = lines[at].strip()
        if not bare or bare.startswith("#"):
            at += 1
        elif bare.startswith("["):
            table = _header_path(lines[at], counts)
            yield Statement(table, at, at + 1, table, is_header=True)
            at += 1
        else:
            end = _end(lines, at)
            yield Statement((*table, *key_parts(lines[at])), at, end, table)
            at = end


def _header_path(line: str, counts: dict[Path, int]) -> Path:
    """Of [a.b] the names, with a number behind each that is a list of tables."""
    node: Any = tomllib.loads(line)
    names: list[str] = []
    while node:
        name, node = next(iter(node.items()))
        names.append(name)
        node = node[0] if isinstance(node, list) else node
    path: Path = ()
    for number, name in enumerate(names):
        path = (*path, name)
        if number == len(names) - 1 and line.lstrip().startswith("[["):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def key_parts(line: str) -> tuple[str, ...]:
    """The names in a dotted key. Raises ValueError where no key stands there."""
    found = _KEY.match(line)
    if found is None:
        raise ValueError(f"no key: {line!r}")
    node: Any = tomllib.loads(f"{found[1]} = 0")
    parts: list[str] = []
    while isinstance(node, dict):
        name, node = next(iter(node.items()))
        parts.append(name)
    return tuple(parts)


def _end(lines: Sequence[str], start: int) -> int:
    """One past the last line of the key and value that begin at `start`."""
    for end in range(start + 1, len(lines) + 1):
        last = lines[end - 1]
        if end > start + 1 and last.split("#")[0].rstrip().endswith(",") and not _TEXT_END.search(last):
            continue  # within a list, whose end this cannot be: a long one is not read again with every line
        try:
            tomllib.loads("".join(lines[start:end]))
        except ValueError:
            continue
        return end
    raise ValueError(f"no end: {lines[start]!r}")


def with_value(text: str, value: str) -> str:
    """The text of a key and value with another value. Key, white space and the comment behind it stay."""
    found = _KEY.match(text)
    assert found is not None
    return text[: found.end()] + value + _comment(text, found.end()) + "\n"


def _comment(text: str, after: int) -> str:
    """The comment behind a value, with the white space before it."""
    said = tomllib.loads(text)
    at = text.find("#", max(after, text.rstrip("\n").rfind("\n")))
    while at >= 0:
        before = text[:at]
        try:
            if tomllib.loads(before) == said:
                gap = len(before) - len(before.rstrip(" \t"))
                return before[len(before) - gap :] + text[at:].rstrip("\n")
        except ValueError:
            pass  # a # within a text
        at = text.find("#", at + 1)
    return ""
