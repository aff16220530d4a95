"""Keys of a run file as a form names them: "tokens.max_length", "data[0].template"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config.explain import key_path


def at(table: Any, key: str) -> Any:
    """The value of a key in the tables of a run file; None where there is none."""
    for step in key_path(key):
        if isinstance(step, int):
            table = table[step] if isinstance(table, list) and step < len(table) else None
        else:
            table = table.get(step) if isinstance(table, Mapping) else None
    return table


def option(key: str) -> str:
    """A key as `--set` names it: "data[0].path" -> "data.0.path"."""
    return ".".join(map(str, key_path(key)))
