"""A run file that is not there yet: tables that a screen put together, with what was changed of them, as the text of a file.

What it says is checked before anybody sees it. `engine.config.use.write` writes it, and only where no file came up meanwhile.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config.load import Table, anchor_paths
from engine.config.runfile import NAME_PATTERN
from engine.config.splice import rewritten
from engine.config.use import Change, Plan, checked, shortened, shown, tidied
from engine.errors import ConfigError

_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\[\d+\])*(?:\.[A-Za-z0-9_-]+(?:\[\d+\])*)*")


def plan_new(path: Path, tables: Table, changes: Mapping[str, Any]) -> Plan:
    """Return what a new run file at `path` would say: `tables` with `changes` (key -> value; None takes the key out).

    Relative paths in `tables` are looked up in the current folder; those inside the folder of the run file are shortened. It is
    named by its file where that can be a name. Raises ConfigError where there is a file already, a key leads nowhere, or the
    result is no run file.
    """
    path = Path(os.path.realpath(path.expanduser()))
    if path.exists():
        raise ConfigError(f"{path} is there already. Name a file that is not there yet.")
    wanted = copy.deepcopy(tables)
    anchor_paths(wanted, Path.cwd())
    for key, value in changes.items():
        _lay(wanted, key, value)
    if re.fullmatch(NAME_PATTERN, path.stem):
        wanted.pop("name", None)
    model = wanted.get("model")
    for key in ("path", "chat_template"):
        if isinstance(model, dict) and isinstance(model.get(key), str):
            model[key] = shortened(model[key], path.parent)
    if isinstance(wanted.get("data"), list):
        wanted["data"] = [tidied(source, path.parent) for source in wanted["data"]]
    text, _ = rewritten(None, {}, wanted, [])
    done = [Change("new", key, shown(value)) for key, value in changes.items()]
    return Plan(path, text, None, checked(text, path), done)


def _lay(table: Table, key: str, value: Any) -> None:
    """Put one change in. Raises ConfigError for a key that leads nowhere."""
    parts = re.split(r"[.\[]", key.replace("]", "")) if _KEY.fullmatch(key) else []
    nowhere = ConfigError(f"{key!r} leads nowhere in this draft, so it cannot be written.")
    node: Any = table
    for part in parts[:-1]:
        if isinstance(node, list):
            if not part.isdecimal() or int(part) >= len(node):
                raise nowhere
            node = node[int(part)]
        elif part in node or value is not None:
            node = node.setdefault(part, {})
        else:
            return  # what is not there need not be taken out
        if not isinstance(node, dict | list):
            raise nowhere
    if not parts or not isinstance(node, dict):
        raise nowhere
    node.pop(parts[-1], None)
    if value is not None:
        node[parts[-1]] = value
