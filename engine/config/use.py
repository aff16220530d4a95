"""Putting sources into a run file: which of its [[data]] tables change, what the file will say, writing it whole.

A file that is there keeps everything else as it stands, comments too: only the tables that change are written anew.
`plan` says what would happen, and how many comments would be lost with the tables; `write` does it in one move, and only
to the file that the plan was made for.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.config.data import DataSection
from engine.config.load import Table, anchor_paths, read_text, validate
from engine.config.runfile import NAME_PATTERN, RunFile
from engine.config.splice import Merged, rewritten
from engine.errors import ConfigError

MANAGED = (
    *(
        "path",
        "preset",
        "subset",
        "revision",
        "split",
        "weight",
        "format",
        "columns",
        "assistant",
        "text_unit",
        "exclude",
    ),
)
"""Keys that a source decides: where the new table lacks one, the old table loses it. Other keys of the old table stay."""


@dataclass(frozen=True)
class Change:
    """What happens to one source of the file."""

    kind: Literal["new", "changed", "gone", "same"]
    name: str
    detail: str = ""
    """Which keys change: "weight none -> 0.7"."""


@dataclass(frozen=True)
class Plan:
    """What a run file would say."""

    path: Path
    text: str
    before: str | None
    """What the file says now; None where there is none."""
    run: RunFile
    changes: list[Change] = field(default_factory=list)
    lost_comments: int = 0
    """Comments inside tables that are written anew."""


def plan(path: Path, sources: Sequence[Table], model: str = "", only: bool = False) -> Plan:
    """Return what `path` would say with `sources` among its [[data]] tables; with `only`, without any other.

    `model` goes into a file that names none yet. Raises ConfigError where the file cannot be read, or where the result would be
    no run file.
    """
    path = Path(os.path.realpath(path.expanduser()))
    before = read_text(path) if path.exists() else None
    table = parsed(before or "", path)
    folder = path.parent
    merged = merge_sources(_tables_of(table, path), [tidied(source, folder) for source in sources], folder, only)
    wanted: Table = {**table, "data": [new for _, new in merged if new is not None]}
    if model and "path" not in (table.get("model") or {}):
        wanted["model"] = {**(table.get("model") or {}), "path": shortened(model, folder)}
    text, lost = rewritten(before, table, wanted, merged)
    changes = [change for old, new in merged if (change := _change(old, new, table))]
    return Plan(path, text, before, checked(text, path), changes, lost)


def checked(text: str, path: Path) -> RunFile:
    """Return the run file that `text` is at `path`. Raises ConfigError that lists every mistake."""
    return checked_table(parsed(text, path), path, text)


def checked_table(table: Table, path: Path, text: str) -> RunFile:
    """Return the run file that `table`, which is changed, declares at `path`; `text` says on which line a mistake stands.

    Raises ConfigError that lists every mistake.
    """
    if re.fullmatch(NAME_PATTERN, path.stem):
        table.setdefault("name", path.stem)
    anchor_paths(table, path.parent)
    return validate(table, str(path), text)


def write(planned: Plan) -> None:
    """Write what was planned. Raises ConfigError where the file has changed since, or cannot be written."""
    path = planned.path
    now = read_text(path) if path.exists() else None
    if now != planned.before:
        raise ConfigError(f"{path} has changed meanwhile; look at it again before it is written.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(planned.text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, path.stat().st_mode & 0o777 if now is not None else 0o666 & ~_umask())
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# Tables


def parsed(text: str, path: Path) -> Table:
    """The tables of a TOML text. Raises ConfigError where it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not valid TOML: {error}.") from error


def _tables_of(table: Table, path: Path) -> list[Table]:
    found = table.get("data", [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ConfigError(f"{path}: `data` is a list of sources: write its header with two brackets, [[data]]")
    return found


def tidied(source: Table, folder: Path) -> Table:
    """A source as it is written: without keys that say what holds anyway, its path as short as it can be."""
    says_nothing = DataSection.model_construct().model_dump()
    kept = {key: value for key, value in source.items() if value is not None and value != says_nothing.get(key)}
    if isinstance(kept.get("exclude"), dict):
        kept["exclude"] = {key: value for key, value in kept["exclude"].items() if value}
        if not kept["exclude"]:
            del kept["exclude"]
    if kept.get("path"):
        kept["path"] = shortened(kept["path"], folder)
    else:
        kept.pop("path", None)
    return kept


def shortened(path: str, folder: Path) -> str:
    """Relative to the folder of the run file where it lies in there, so that the two can move together."""
    if not os.path.isabs(path):
        return path
    inside = os.path.relpath(path, folder)
    return path if inside.startswith(os.pardir) else inside


def _place(table: Table, folder: Path) -> tuple[str, ...]:
    """What makes two tables the same source."""
    path = table.get("path")
    if isinstance(path, str) and path:
        here = os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
        path = here if os.path.isabs(path) or os.path.exists(here) else path
    return (str(path or ""), *(str(table.get(key) or "") for key in ("preset", "subset", "split")))


def merge_sources(old: Sequence[Table], new: Sequence[Table], folder: Path, only: bool = False) -> Merged:
    """Pairs of a table's old number and what it becomes: (None, table) is new, (number, None) goes.

    A source that is there already keeps its place and the keys that are not ours.
    """
    waiting = {_place(table, folder): table for table in new}
    merged: Merged = []
    for number, table in enumerate(old):
        fresh = waiting.pop(_place(table, folder), None)
        if fresh is None:
            merged.append((number, None if only else table))
            continue
        kept = {key: value for key, value in table.items() if key not in MANAGED and key not in fresh}
        path = {"path": table["path"]} if "path" in table else {}
        merged.append((number, {**fresh, **path, **kept}))
    return [*merged, *((None, table) for table in waiting.values())]


def _change(number: int | None, new: Table | None, table: Table) -> Change | None:
    old = table["data"][number] if number is not None else None
    if old is None and new is not None:
        return Change("new", _name(new), ", ".join(f"{key} {shown(new[key])}" for key in new if key != "path"))
    if old is None:
        return None
    if new is None:
        return Change("gone", _name(old))
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    detail = ", ".join(f"{key} {shown(old.get(key))} -> {shown(new.get(key))}" for key in keys)
    return Change("changed" if keys else "same", _name(new), detail)


def _name(table: Table) -> str:
    return str(table.get("path") or table.get("preset") or "?")


def shown(value: Any) -> str:
    """A value for a sentence; a long list by its first entries."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(shown(item) for item in value[:6])}{f', … {len(value)} in all' if len(value) > 6 else ''}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
