"""Turning a validation error into a sentence with file, line, value and cure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from engine.config.base import section_of
from engine.config.runfile import RunFile
from engine.config.statements import lines_of, statements

Loc = Sequence[str | int]
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text in quotes",
    "bool": "true or false",
    "list": "a list, [ … ]",
    "dict": "a table",
    "model": "a table",
    "date": "a date such as 2026-01-31",
}
_BRANCHES = frozenset(
    {"float", "int", "str", "bool", "date", "constrained-str", "constrained-int", "constrained-float"}
)
"""Names of branches of a union in pydantic's paths; others hold a bracket."""
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "less than"}


def placed(text: str, where: str, source: str, loc: Loc, keys: Collection[str], typed: Collection[str] = ()) -> str:
    """A sentence about `keys` with its place: the command line, where one of them is `typed` there, or the file's line."""
    if not typed or not set(keys) & set(typed):
        line = locate(source, key_path(next(iter(keys), "")) or loc)
        return f"{where}:{line}: {text}" if line else f"{where}: {text}"
    return f"--set: {text}"


def explain(error: ErrorDetails, where: str, text: str, typed: Collection[str] = ()) -> str:
    """Return one line for one pydantic error of the run file `where` whose source is `text`.

    `typed` are the dotted keys that came from the command line.
    """
    loc = clean_loc(error)
    return placed(sentence([error]), where, text, loc, [dotted(loc)], typed)


def clean_loc(error: ErrorDetails) -> tuple[str | int, ...]:
    """Where the mistake is, without the branch of a union or the validator that pydantic adds to the path."""
    if error["type"] == "extra_forbidden":
        return error["loc"]
    model: type[BaseModel] | None = RunFile
    out: list[str | int] = []
    for part in error["loc"]:
        if isinstance(part, int):
            out.append(part)
        elif model is not None:
            out.append(part)
            field = model.model_fields.get(part)
            model = section_of(field) if field is not None else None
        elif part not in _BRANCHES and "[" not in part:
            out.append(part)
    return tuple(out)


def key_path(key: str) -> tuple[str | int, ...]:
    """ "data[0].path" -> ("data", 0, "path")."""
    parts = re.split(r"[.\[]", key.replace("]", ""))
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


def sentence(errors: Sequence[ErrorDetails]) -> str:
    """What is wrong with a value, and what to do. `errors` are about the same place: those of the alternatives of a type.

    A file, a form and the command line say it in these words.
    """
    known = [item for item in errors if item["type"] not in ("int_from_float", "none_required")] or list(errors)
    told = next((item for item in known if not item["type"].endswith("_type")), known[0])
    loc, given = clean_loc(told), told["input"]
    key, kind = dotted(loc), told["type"]
    if kind == "extra_forbidden":
        near = nearest_key(loc)
        return f"unknown key `{key}`" + (f"; did you mean `{near}`?" if near else f"; {_known(loc)}")
    if kind == "missing":
        return f"`{key}` is missing; {_purpose(loc)}"
    if kind == "value_error":
        said = str(told["ctx"]["error"])
        return f"`{key}` {said}" if key and said.startswith("is ") else f"`{key}`: {said}" if key else said
    if kind == "literal_error":
        expected = told["ctx"]["expected"]
        choices = get_close_matches(str(given), re.findall(r"'([^']*)'", expected), n=1)
        hint = f"; did you mean {choices[0]!r}?" if choices else ""
        others = [
            _KINDS[item["type"].removesuffix("_type")] for item in known if item["type"].removesuffix("_type") in _KINDS
        ]
        either = "".join(f", or {text}" for text in dict.fromkeys(others))
        return f"`{key}` is {_brief(given)}; it must be {expected}{either}{hint}"
    if key == "data" and kind == "list_type":
        return "`data` is a list of sources: write its header with two brackets, [[data]]"
    bases = [item["type"].removesuffix("_type") for item in known]
    if all(base in _KINDS for base in bases):
        return f"`{key}` must be {' or '.join(dict.fromkeys(_KINDS[base] for base in bases))}, not {_show(given)}"
    return f"`{key}` is {_brief(given)}: {_demand(told, key)}"


def _demand(error: ErrorDetails, key: str) -> str:
    """What pydantic asks for, in our words; its own where we have none."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        if key == "name":
            return "use letters, digits, dot, dash and underscore, at most 64, starting with a letter or digit"
        return 'write a number and a unit, such as "20GB" or "7.5GiB"'
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length", 1)
        things = "characters" if kind.startswith("string") else "entries"
        return "it must not be empty" if least == 1 else f"it must have at least {least} {things}"
    if kind == "too_long":
        return f"it must have at most {context.get('max_length')} entries"
    if kind == "finite_number":
        return "it must be a finite number"
    if kind.startswith("date"):
        return "it must be a date such as 2026-01-31, without quotes"
    for name, words in _BOUNDS.items():
        if name in context:
            return f"it must be {words} {_plain(context[name])}"
    return error["msg"][0].lower() + error["msg"][1:]


def _plain(number: Any) -> str:
    return f"{number:.0f}" if isinstance(number, float) and number == int(number) else f"{number}"


def _brief(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return f"{value!r}" if len(repr(value)) < 60 else f"{repr(value)[:56]}…"
    return _show(value)


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


def locate(text: str, loc: Loc) -> int | None:
    """Line (from 1) on which the key at `loc` stands in a TOML text; of its table where the key is not there."""
    places = _places(text)
    for length in range(len(loc), 0, -1):
        line = places.get(tuple(loc[:length]))
        if line is not None:
            return line
    return None


@lru_cache(maxsize=8)
def _places(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of every key and header; empty for a text that is no TOML."""
    out: dict[tuple[str | int, ...], int] = {}
    try:
        for statement in statements(lines_of(text)):
            out.setdefault(statement.path, statement.start + 1)
    except (ValueError, RecursionError):
        return {}
    return out
