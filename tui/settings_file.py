"""Writing one setting into `settings.toml`: its line changes, comments and all other lines stay.

Invariant: what is written is read again first, and says what it said before and the new value; a write never leaves half a
file.
"""

from __future__ import annotations

import copy
import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from tui.settings import settings_path

Value = str | bool


def remember(key: str, value: Value) -> None:
    """Write one setting into the file.

    Raises OSError when it cannot be written, ValueError when the file that is there cannot be read as TOML.
    """
    path = Path(os.path.realpath(settings_path()))  # a link stays a link
    before = path.read_text("utf-8") if path.exists() else ""
    text = with_setting(before, key, value)
    if text != before:
        _write(path, text)


def with_setting(text: str, key: str, value: Value) -> str:
    """`text` with another value of `key`. Raises ValueError where `text` is no TOML."""
    import tomli_w

    wanted: dict[str, Any] = tomllib.loads(text)
    section, _, name = key.rpartition(".")
    node = wanted.setdefault(section, {}) if section else wanted
    if not isinstance(node, dict):
        raise ValueError(f"{section!r} is no section in the settings.")
    if node.get(name) == value and name in node:
        return text
    node[name] = copy.copy(value)
    line = tomli_w.dumps({name: value})
    edited = _edited(text, section, name, line)
    return edited if _says(edited, wanted) else tomli_w.dumps(wanted)


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except ValueError:
        return False


def _edited(text: str, section: str, name: str, line: str) -> str:
    from engine.config import statements as toml

    lines = toml.lines_of(text) if text else []
    found = list(toml.statements(lines))
    place = (section, name) if section else (name,)
    for statement in found:
        if statement.path == place and not statement.is_header:
            new = toml.with_value("".join(lines[statement.start : statement.end]), line.split("=", 1)[1].strip())
            return "".join([*lines[: statement.start], new, *lines[statement.end :]])
    if not section:
        first = next((statement.start for statement in found if statement.is_header), len(lines))
        while first and lines[first - 1].lstrip().startswith("#"):  # the comment above a section belongs to it
            first -= 1
        gap = ["\n"] if first < len(lines) else []
        return "".join([*lines[:first], line, *gap, *lines[first:]])
    under = [statement for statement in found if statement.table == (section,)]
    if under:
        return "".join([*lines[: under[-1].end], line, *lines[under[-1].end :]])
    return "".join([*lines, *(["\n"] if lines else []), f"[{section}]\n", line])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
