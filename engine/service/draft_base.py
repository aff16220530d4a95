"""The run file under a draft, and what a screen lays over it. The file itself is never changed here."""

from __future__ import annotations

import copy
import datetime
import re
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.load import Table, anchor_paths, merge, read_text, validate
from engine.config.runfile import NAME_PATTERN, RunFile
from engine.errors import ConfigError
from engine.runs.paths import RunDir

_PART = re.compile(r"([A-Za-z_]\w*)((?:\[\d+\])*)")
_INDEX = re.compile(r"\[(\d+)\]")
_TYPED = "--set: "


@dataclass(frozen=True, slots=True)
class Base:
    """Tables of a run file, their paths absolute."""

    table: Table
    folder: Path
    """Where relative paths of changes are looked up: beside the run file."""
    path: str = ""
    """The run file; "" for tables that are in none."""
    text: str = ""

    def run_file(self, changes: dict[str, Any]) -> RunFile:
        """The run file with `changes` laid over it, as `engine.service.token_protocol.Draft` has them.

        Raises ConfigError that lists every mistake.
        """
        table = copy.deepcopy(self.table)
        for key, value in changes.items():
            _lay(table, key, value, self.folder)
        if not self.text or "model.date" in changes:
            _read_day(table)
        where = self.path or "the draft"
        try:
            return validate(table, where, self.text, list(changes))
        except ConfigError as error:  # it speaks of the command line
            raise ConfigError(re.sub(f"(?m)^{_TYPED}", "", str(error))) from None


def base_of(path: str, table: Table) -> Base:
    """The run file at `path`, which may be a run directory; else `table`, with paths relative to the current folder.

    Raises ConfigError where there is none, or it is no TOML.
    """
    if not path:
        tables = copy.deepcopy(table)
        anchor_paths(tables, Path.cwd())
        return Base(tables, Path.cwd())
    file = Path(path).expanduser().absolute()
    if file.is_dir():
        file = RunDir(file).config
    text = read_text(file)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: this is not valid TOML: {error}.") from error
    if re.fullmatch(NAME_PATTERN, file.stem):
        tables.setdefault("name", file.stem)
    anchor_paths(tables, file.parent)
    return Base(tables, file.parent, str(file), text)


def _lay(table: Table, key: str, value: Any, folder: Path) -> None:
    """Put one change in. Raises ConfigError for a key that leads nowhere."""
    parts = _parts(key)
    try:
        if value is None:
            _take_away(table, parts)
            return
        nested: Any = value
        for part in reversed(parts):
            nested = {part: nested}
        anchor_paths(nested, folder)
        merge(table, nested)
    except (AttributeError, TypeError, IndexError, ValueError, KeyError):
        raise ConfigError(f"`{key}` leads nowhere in this run file, so it cannot be changed.") from None


def _read_day(table: Table) -> None:
    """What a screen sends travels as JSON, which has no dates: make of the text of one the date that TOML has."""
    model = table.get("model")
    if isinstance(model, dict) and isinstance(model.get("date"), str):
        with suppress(ValueError):  # what is no date is refused in words
            model["date"] = datetime.date.fromisoformat(model["date"])


def _parts(key: str) -> list[str]:
    """ "data[0].exclude.rows" -> data, 0, exclude, rows."""
    parts: list[str] = []
    for piece in key.split("."):
        match = _PART.fullmatch(piece)
        if match is None:
            raise ConfigError(f"`{key}` is no key of a run file. Write it as tokens.max_length, or data[0].template.")
        parts += [match[1], *_INDEX.findall(match[2])]
    return parts


def _take_away(table: Table, parts: list[str]) -> None:
    node: Any = table
    for part in parts[:-1]:
        if isinstance(node, dict) and part not in node:
            return
        node = node[int(part)] if isinstance(node, list) else node[part]
    if isinstance(node, list):
        del node[int(parts[-1])]
    else:
        node.pop(parts[-1], None)
