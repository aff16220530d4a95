"""All mistakes of a run file at once, each with the keys that it is about.

pydantic stops at the first layer: a section with a wrong value is not asked whether its keys agree. So what is wrong is taken
out of a copy, and the rest is asked again. Invariant: a mistake that only came from taking another one out is not told.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.config.base import section_of
from engine.config.data import DataSection
from engine.config.explain import clean_loc, dotted, section_at, sentence
from engine.config.runfile import RunFile

Loc = tuple[str | int, ...]
Table = dict[str, Any]
_MOST_ROUNDS = 16
_DOTTED = re.compile(r"\b[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+)+\b")
_WHOLE_SECTION = re.compile(r"\[([a-z_]+)\]")
_SOURCE = re.compile(r"\bdata\[(\d+)\]")
_NAME = re.compile(r"`([a-z_]+)`|\b([a-z]+(?:_[a-z]+)+)\b|\b([a-z_]+)(?= =| \()|^([a-z_]+)\b")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that a run file may not say."""

    loc: Loc
    """Where it was found; a section where several of its keys disagree."""
    keys: tuple[str, ...]
    """The keys it is about, the one to change first; a section's name where it is about none of its keys."""
    sentence: str


def mistakes(table: Table) -> tuple[RunFile | None, list[Mistake], set[str]]:
    """The run file that `table` declares, all that is wrong with it, and keys that were taken out to see the rest.

    With mistakes, the run file is what is left without them, or None where nothing was.
    """
    work = copy.deepcopy(table)
    found: list[Mistake] = []
    touched: set[str] = set()
    for number in range(_MOST_ROUNDS):
        try:
            return RunFile.model_validate(work), found, touched
        except ValidationError as error:
            moved = False
            told = set(touched)
            for items in _by_place(error.errors()):
                mistake = _mistake(items, work)
                if number == 0 or not told & set(mistake.keys):
                    found.append(mistake)
                moved |= _take_out(work, mistake, items[0]["type"], touched)
            if not moved:
                break
    return None, found, touched


def _by_place(errors: Sequence[ErrorDetails]) -> list[list[ErrorDetails]]:
    """The errors of each place together: those of the alternatives of a type are about the same value."""
    out: dict[tuple[Loc, str], list[ErrorDetails]] = {}
    for item in errors:
        loc = clean_loc(item)
        whole = isinstance(item["input"], dict) and item["type"] == "value_error"
        out.setdefault((loc, str(item["ctx"]["error"]) if whole else ""), []).append(item)
    return list(out.values())


def _mistake(items: Sequence[ErrorDetails], table: Table) -> Mistake:
    loc = clean_loc(items[0])
    text = sentence(items)
    if items[0]["type"] != "value_error" or _leaf(loc) is not None:
        return Mistake(loc, (_form_key(loc),), text)
    keys = _keys_in(str(items[0]["ctx"]["error"]), loc, table)
    keys.sort(key=lambda key: _at(table, _place(key)) is None)  # what stands in the file comes first
    return Mistake(loc, tuple(keys) or (dotted(loc),), text)


def _leaf(loc: Loc) -> int | None:
    """How many parts of `loc` lead to a key that holds a value; None where it leads to a section or nowhere."""
    model: type[BaseModel] | None = RunFile
    for number, part in enumerate(loc):
        if isinstance(part, int):
            continue
        info = model.model_fields.get(part) if model is not None else None
        if info is None:
            return None
        model = section_of(info)
        if model is None:
            return number + 1
    return None


def _form_key(loc: Loc) -> str:
    """The key of the form that `loc` lies in; `loc` itself where there is none."""
    length = _leaf(loc)
    return dotted(loc[:length] if length else loc)


def _keys_in(text: str, loc: Loc, table: Table) -> list[str]:
    """The keys that a sentence names, in the order of their names."""
    keys: dict[str, int] = {}
    for found in _DOTTED.finditer(text):
        if _leaf(_place(found[0])) == len(_place(found[0])):
            keys.setdefault(found[0], found.start())
    section, prefix = (section_at((*loc, "")), dotted(loc)) if loc else (None, "")
    if source := _SOURCE.search(text):
        section, prefix = DataSection, source[0]
    for found in _NAME.finditer(text):
        name = next(group for group in found.groups() if group)
        info = section.model_fields.get(name) if section is not None else None
        if info is not None and not text[: found.start()].endswith("."):
            keys.setdefault(f"{prefix}.{name}", found.start())
    for found in _WHOLE_SECTION.finditer(text):
        inside = table.get(found[1])
        for name in inside if isinstance(inside, dict) else ():
            keys.setdefault(f"{found[1]}.{name}", found.start())
    return sorted(keys, key=lambda key: keys[key])


def _take_out(work: Table, mistake: Mistake, kind: str, touched: set[str]) -> bool:
    """Put right in `work` what `mistake` is about, by its default or by anything that is allowed."""
    touched.update(mistake.keys)
    if kind == "value_error" and _leaf(mistake.loc) is None:
        return any(_without(work, _place(key)) for key in mistake.keys)
    length = _leaf(mistake.loc)
    loc = mistake.loc[:length] if length else mistake.loc
    section = section_at(loc) if loc else None
    info = section.model_fields.get(str(loc[-1])) if section is not None else None
    gone = _without(work, loc)
    if info is not None and info.is_required():
        return _set(work, loc, {"model": {"path": "?"}, "data": [{"path": "?"}]}.get(str(loc[-1]), "?")) or gone
    return gone


def _place(key: str) -> Loc:
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"[.\[]", key.replace("]", "")))


def _at(node: Any, loc: Loc) -> Any:
    for part in loc:
        if isinstance(part, int):
            node = node[part] if isinstance(node, list) and part < len(node) else None
        else:
            node = node.get(part) if isinstance(node, dict) else None
    return node


def _without(work: Table, loc: Loc) -> bool:
    """Take out what lies at `loc`, or the nearest thing above it that is there. False where nothing is."""
    while loc:
        above, last = _at(work, loc[:-1]), loc[-1]
        if isinstance(above, dict) and last in above:
            del above[last]
            return True
        if isinstance(above, list) and isinstance(last, int) and last < len(above):
            above[last] = {"path": "?"}
            return True
        if isinstance(above, dict | list):
            return False
        loc = loc[:-1]
    return False


def _set(work: Table, loc: Loc, value: Any) -> bool:
    above = _at(work, loc[:-1])
    if not isinstance(above, dict):
        return False
    above[str(loc[-1])] = value
    return True
