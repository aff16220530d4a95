"""The settings of a run as the tables of a new run file: what is the default anyway is left out, so that the file is short."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

from engine.config.differences import same
from engine.config.explain import key_path
from engine.config.form import groups
from tui.configure.places import at

Table = dict[str, Any]


def began(config: Path) -> datetime.date | None:
    """The day on which a run's resolved file was written; None where it cannot be told."""
    try:
        return datetime.date.fromtimestamp(config.stat().st_mtime)
    except (OSError, OverflowError, ValueError):
        return None


def cloned(tables: Table, day: datetime.date | None = None) -> Table:
    """A copy of resolved tables without keys that say their default, and without tables that this leaves empty.

    `day`, on which the run began, is left out, too: it was filled in then, and a new run has its own.
    """
    wanted = copy.deepcopy(tables)
    if day is not None and at(wanted, "model.date") == day:
        _take_out(wanted, ("model", "date"))
    sources = wanted.get("data")
    for group in groups(max(1, len(sources)) if isinstance(sources, list) else 1):
        for field in group.fields:
            value = at(wanted, field.key)
            if value is not None and not field.required and same(value, field.default):
                _take_out(wanted, key_path(field.key))
    return {key: value for key, value in wanted.items() if value != {}}


def _take_out(table: Any, place: tuple[str | int, ...]) -> None:
    """Without the key at a place, and without the tables that held nothing else."""
    nodes = [table]
    for step in place[:-1]:
        nodes.append(nodes[-1][step])
    nodes[-1].pop(place[-1], None)
    for step, node in zip(reversed(place[:-1]), reversed(nodes[:-1]), strict=True):
        if isinstance(step, int) or node[step] != {}:
            return
        del node[step]
