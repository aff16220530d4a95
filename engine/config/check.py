"""A run file that is being changed: what it would say, all that is wrong with it, and what in it is unusual.

Quick enough to be asked at every key that is typed. Invariant: the text says what the table says, valid or not, with the
comments of the file wherever its lines can be kept.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from engine.config.edit import laid_text, lay
from engine.config.explain import key_path, locate
from engine.config.form import groups
from engine.config.load import Table, anchor_paths, read_text
from engine.config.mistakes import mistakes
from engine.config.remarks import Remark, remarks_on
from engine.config.runfile import NAME_PATTERN, RunFile
from engine.config.splice import rewritten
from engine.config.use import parsed, tidied
from engine.errors import ConfigError

__all__ = ["Checked", "Problem", "Remark", "check"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that has to be put right before the run file can be used."""

    key: str
    """The key to look at first; "" where it is about the file as a whole, a section's name where it is about no key in it."""
    message: str
    line: int | None = None
    """In `Checked.text`, from 1; of the section where the key itself is not in the text."""
    keys: tuple[str, ...] = ()
    """All keys it is about."""


@dataclass
class Checked:
    """What a draft says."""

    run: RunFile | None
    """With the paths looked up; None where there are problems."""
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    table: Table = field(default_factory=dict)
    """The tables with the changes, as the file would hold them."""
    text: str = ""
    """TOML with the changes."""


def check(path: Path | None, table: Table | None, changes: Mapping[str, Any]) -> Checked:
    """What a run file says with `changes` (key -> value; None takes the key out).

    The run file is the one at `path`; `table` stands for a draft that is no file yet, whose relative paths are looked up in the
    current folder. Every mistake is told. Raises ConfigError where `path` cannot be read.
    """
    folder = path.expanduser().absolute().parent if path is not None else Path.cwd()
    before: str | None = None
    problems: list[Problem] = []
    if table is None:
        before = read_text(path.expanduser()) if path is not None else ""
        try:
            table = parsed(before, path or Path("run.toml"))
        except ConfigError as error:
            stands = re.search(r"line (\d+)", str(error))
            message = str(error).partition(": ")[2] or str(error)
            return Checked(None, [Problem("", message, int(stands[1]) if stands else None)], [], {}, before)
    wanted, steps, refused = lay(table, changes, folder)
    problems += [Problem(key, message) for key, message in refused.items()]
    if before is None:
        text = _whole(wanted, folder)
    else:
        text = laid_text(before, steps, path or Path("run.toml")) or rewritten(None, {}, wanted, [])[0]
    run, wrong, out = mistakes(_resolved(wanted, path, folder))
    for item in wrong:
        at = next((line for key in item.keys if (line := locate(text, key_path(key)))), None)
        problems.append(Problem(item.keys[0] or "", item.sentence, at, item.keys))
    problems.sort(key=lambda problem: _rank(problem.key, wanted))
    said = remarks_on(run, out) if run is not None else []
    return Checked(run if not problems else None, problems, said, wanted, text)


def _rank(key: str, table: Table) -> int:
    """Where a key stands in the form; what is no key of it comes last."""
    sources = table.get("data")
    order = [item.key for group in groups(len(sources) if isinstance(sources, list) else 1) for item in group.fields]
    return next((number for number, name in enumerate(order) if name == key or name.startswith(f"{key}.")), len(order))


def _resolved(table: Table, path: Path | None, folder: Path) -> Table:
    """As `engine.config.load.load` looks at it: named by its file, with absolute paths."""
    out = copy.deepcopy(table)
    if path is not None and re.fullmatch(NAME_PATTERN, path.stem):
        out.setdefault("name", path.stem)
    anchor_paths(out, folder)
    return out


def _whole(table: Table, folder: Path) -> str:
    """The text of a draft that is no file yet: without what says what holds anyway."""
    data = table.get("data")
    if isinstance(data, list) and all(isinstance(item, dict) for item in data):
        table = {**table, "data": [tidied(item, folder) for item in data]}
        return rewritten(None, {}, table, [])[0]
    return tomli_w.dumps(table)
