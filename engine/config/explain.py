"""Turning a validation error into a sentence with file, line, value and cure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from engine.config.base import section_of
from engine.config.runfile import RunFile

Loc = Sequence[str | int]
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text in quotes",
    "bool": "true or false",
    "list": "a list, [ … ]",
    "dict": "a table",
    "model": "a table",
}


def explain(error: ErrorDetails, where: str, text: str, typed: Collection[str] = ()) -> str:
    """Return one line for one pydantic error of the run file `where` whose source is `text`.

    `typed` are the dotted keys that came from the command line.
    """
    loc = clean_loc(error)
    key = dotted(loc)
    line = locate(text, loc)
    place = "--set" if key in typed else f"{where}:{line}" if line else where
    return f"{place}: {_sentence(error, loc, key)}"


def clean_loc(error: ErrorDetails) -> tuple[str | int, ...]:
    """Where the mistake is, without the branch of a union that pydantic adds to the path."""
    if error["type"] == "extra_forbidden":
        return error["loc"]
    return tuple(part for part in error["loc"] if part not in ("float", "int", "str", "list[str]", "[key]"))


def _sentence(error: ErrorDetails, loc: Loc, key: str) -> str:
    kind, given = error["type"], error["input"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        near = nearest_key(loc)
        return f"unknown key `{key}`" + (f"; did you mean `{near}`?" if near else f"; {_known(loc)}")
    if kind == "missing":
        return f"`{key}` is missing; {_purpose(loc)}"
    if kind == "value_error":
        return f"`{key}`: {context['error']}" if key else str(context["error"])
    if kind == "literal_error":
        choices = get_close_matches(str(given), re.findall(r"'([^']*)'", context["expected"]), n=1)
        hint = f"; did you mean {choices[0]!r}?" if choices else ""
        return f"`{key}` is {given!r}; it must be {context['expected']}{hint}"
    if key == "data" and kind == "list_type":
        return "`data` is a list of sources: write its header with two brackets, [[data]]"
    base = kind.removesuffix("_type")
    if base in _KINDS:
        return f"`{key}` must be {_KINDS[base]}, not {_show(given)}"
    message = error["msg"][0].lower() + error["msg"][1:]
    if kind == "string_pattern_mismatch":
        message = "use letters, digits, dot, dash and underscore, at most 64, starting with a letter or digit"
    return f"`{key}` is {_show(given)}: {message}"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r}"
    return f"{value!r}" if len(repr(value)) < 60 else f"a {type(value).__name__}"


def dotted(loc: Loc) -> str:
    """("data", 0, "path") -> "data[0].path"."""
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def section_at(loc: Loc) -> type[BaseModel] | None:
    """The model whose table holds the last part of `loc`; None where the path leads nowhere."""
    model: type[BaseModel] = RunFile
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        if field is None:
            return None
        below = section_of(field)
        if below is None:
            return None
        model = below
    return model


def all_keys(model: type[BaseModel] = RunFile, prefix: str = "") -> Iterator[str]:
    """Every dotted key of the run file."""
    for name, field in model.model_fields.items():
        below = section_of(field)
        yield prefix + name
        if below is not None:
            yield from all_keys(below, f"{prefix}{name}.")


def nearest_key(loc: Loc) -> str | None:
    """The key that was probably meant: a near name in the same section, else the same or a near name elsewhere."""
    name = str(loc[-1])
    section = section_at(loc)
    parent = ".".join(str(p) for p in loc[:-1] if not isinstance(p, int))
    if section is not None:
        near = get_close_matches(name, section.model_fields, n=1, cutoff=0.6)
        if near:
            return f"{parent}.{near[0]}" if parent else near[0]
    by_name: dict[str, str] = {}
    for key in all_keys():
        by_name.setdefault(key.rpartition(".")[2], key)
    near = get_close_matches(name, by_name, n=1, cutoff=0.75)
    return by_name[near[0]] if near else None


def _known(loc: Loc) -> str:
    section = section_at(loc)
    return "keys here: " + ", ".join(section.model_fields) if section else "`luthier spec` lists every key"


def _purpose(loc: Loc) -> str:
    section = section_at(loc)
    field = section.model_fields.get(str(loc[-1])) if section else None
    if field is not None and field.description:
        return field.description.split("\n")[0].rstrip(",") + (
            "" if field.description.split("\n")[0].endswith(".") else " …"
        )
    return f"add it, for example as [{loc[-1]}]" if len(loc) == 1 else "add it"


_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-\"'.]+)\s*=")


def locate(text: str, loc: Loc) -> int | None:
    """Line (from 1) on which the key at `loc` stands in a TOML text; of its table where the key is not there."""
    if not loc:
        return None
    wanted_table = tuple(p for p in loc[:-1] if not isinstance(p, int))
    index = next((p for p in loc if isinstance(p, int)), 0)
    table: tuple[str, ...] = ()
    seen: dict[tuple[str, ...], int] = {}
    fallback: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(header[2].split("."))
            seen[table] = seen.get(table, -1) + 1
            if table == tuple(p for p in loc if not isinstance(p, int)):
                return number
            if table == wanted_table and seen[table] == index:
                fallback = number
        elif key := _KEY.match(line):
            path = (*table, *key[1].replace('"', "").replace("'", "").split("."))
            here = seen.get(table, 0) == index if table == ("data",) else True
            if path == (*wanted_table, str(loc[-1])) and here:
                return number
    return fallback
