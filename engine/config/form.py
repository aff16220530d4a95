"""The run file as a form: which fields there are, of what kind, within what bounds, and what is to be known of each.

Everything comes from the models of the run file; nothing is declared a second time, so a new key is in the form by itself.
Invariant: every key of the run file is in exactly one group. Kinds follow from annotations (`Advice.kind` where two kinds are
written alike, as a text and a path are).
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.config.advice import Advice
from engine.config.base import section_of
from engine.config.field_turning import turn
from engine.config.field_values import parse, show
from engine.config.runfile import RunFile

__all__ = ["Field", "Group", "Kind", "advice_of", "field_of", "groups", "parse", "show", "turn"]

Kind = Literal["bool", "choice", "int", "float", "text", "path", "list", "lines", "table"]
RUN = "run"
"""Key of the group of keys that stand in no section."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of the run file."""

    key: str
    """ "lora.rank", "data[0].exclude.findings"."""
    section: str
    """Key of its group."""
    name: str
    """Its last part, or both where a table lies in a section: "exclude.findings"."""
    label: str
    kind: Kind
    choices: tuple[Any, ...]
    """Of kind "choice": the values, in the order of the model."""
    optional: bool
    """Whether it may have no value."""
    default: Any
    bounds: str
    """What is allowed, in words: "1 to 1024"; empty where anything of its kind is."""
    help: str
    advice: Advice
    required: bool = False
    """Whether there is no default."""
    least: float | None = None
    most: float | None = None
    annotation: Any = field(default=None, repr=False, compare=False)
    """The type, without what is said about it."""


@dataclass(slots=True)
class Group:
    """The fields of a section."""

    key: str
    title: str
    help: str
    fields: list[Field]


def groups(sources: int = 1) -> list[Group]:
    """The form of a run file with so many [[data]] tables, in the order of the run file."""
    return [
        Group(key, title, text, [_numbered(item, number) for item in fields] if number is not None else list(fields))
        for base, title, text, fields in _groups()
        for key, title, number in (
            [(f"{base}[{n}]", f"{title} {n + 1}" if sources > 1 else title, n) for n in range(sources)]
            if base == "data"
            else [(base, title, None)]
        )
    ]


def field_of(key: str) -> Field | None:
    """The field of a key such as "data[2].path"; None where there is none."""
    plain, number = key, 0
    if key.startswith("data["):
        index, _, rest = key[5:].partition("]")
        if not index.isdecimal():
            return None
        plain, number = f"data[0]{rest}", int(index)
    found = _by_key().get(plain)
    return _numbered(found, number) if found is not None and number else found


def advice_of(info: FieldInfo) -> Advice:
    """What is to be known of a key; an empty advice where nobody wrote one."""
    return next((item for item in info.metadata if isinstance(item, Advice)), Advice())


@lru_cache(maxsize=1)
def _by_key() -> dict[str, Field]:
    return {item.key: item for group in groups(1) for item in group.fields}


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[str, str, str, tuple[Field, ...]], ...]:
    plain = {name: info for name, info in RunFile.model_fields.items() if section_of(info) is None}
    out = [(RUN, "Run", _flat(RunFile.__doc__), tuple(_field(name, name, RUN, info) for name, info in plain.items()))]
    for name, info in RunFile.model_fields.items():
        section = section_of(info)
        if section is not None:
            key = name if info.annotation is section else f"{name}[0]"
            title = _TITLES.get(name, name.replace("_", " ").capitalize())
            out.append((name, title, _flat(section.__doc__), tuple(_fields(section, key, key, ""))))
    return tuple(out)


_TITLES = {"lora": "LoRA", "eval": "Evaluation"}


def _fields(model: type[BaseModel], place: str, group: str, above: str) -> Iterator[Field]:
    for name, info in model.model_fields.items():
        below = section_of(info)
        if below is not None:
            yield from _fields(below, f"{place}.{name}", group, f"{above}{name}.")
        else:
            yield _field(f"{place}.{name}", above + name, group, info)


def _numbered(item: Field, number: int) -> Field:
    if not number:
        return item
    key = item.key.replace("[0]", f"[{number}]", 1)
    return replace(item, key=key, section=f"data[{number}]")


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _field(key: str, name: str, group: str, info: FieldInfo) -> Field:
    advice = advice_of(info)
    members, said = _members(info.annotation)
    said = [*info.metadata, *said]
    kind, choices = _kind(members)
    default = info.get_default(call_default_factory=True)
    least, most = _ends(said)
    return Field(
        key=key,
        section=group,
        name=name,
        label=advice.label or name.replace(".", " ").replace("_", " "),
        kind=advice.kind or kind,
        choices=choices,
        optional=type(None) in members,
        default=None if default is PydanticUndefined else default,
        bounds=_bounds(said, kind),
        help=_flat(info.description),
        advice=advice,
        required=info.is_required(),
        least=least,
        most=most,
        annotation=info.annotation,
    )


def _members(annotation: Any) -> tuple[list[Any], list[Any]]:
    """The alternatives of a type, and what is said about them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *said = get_args(annotation)
        members, more = _members(inner)
        return members, [*said, *more]
    if origin in (Union, types.UnionType):
        both = [_members(item) for item in get_args(annotation)]
        return [member for members, _ in both for member in members], [item for _, said in both for item in said]
    return [annotation], []


def _kind(members: list[Any]) -> tuple[Kind, tuple[Any, ...]]:
    literals = tuple(value for item in members if get_origin(item) is Literal for value in get_args(item))
    rest = [item for item in members if item is not type(None) and get_origin(item) is not Literal]
    origins = {get_origin(item) for item in rest}
    if not rest:
        return "choice", literals
    if rest == [bool]:
        return ("choice", (*literals, True, False)) if literals else ("bool", ())
    if dict in origins:
        return "table", ()
    if list in origins and str not in rest:
        return "list", ()
    if rest == [int]:
        return "int", ()
    if set(rest) <= {int, float}:
        return "float", ()
    return "text", ()


def _ends(said: list[Any]) -> tuple[float | None, float | None]:
    """The least and most that is allowed, or where what is allowed begins and ends."""
    low = [getattr(item, name) for item in said for name in ("ge", "gt") if getattr(item, name, None) is not None]
    high = [getattr(item, name) for item in said for name in ("le", "lt") if getattr(item, name, None) is not None]
    return (max(low) if low else None), (min(high) if high else None)


def _bounds(said: list[Any], kind: Kind) -> str:
    """What is allowed, in words; a validator tells it in the first sentence of its docstring."""
    found = {
        name: getattr(item, name)
        for item in said
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length")
        if getattr(item, name, None) is not None
    }
    words = [
        (item.func.__doc__ or "").strip().split(". ")[0].split("\n")[0].rstrip(".")
        for item in said
        if isinstance(item, AfterValidator)
    ]
    words = [text[0].lower() + text[1:] for text in words if text]
    if words:
        return words[0]
    if kind == "list" and "min_length" in found and found.get("min_length") == found.get("max_length"):
        return f"{found['min_length']} values"
    if "ge" in found and "le" in found:
        return f"{_figure(found['ge'])} to {_figure(found['le'])}"
    parts = []
    for name, text in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
        if name in found and not (name == "lt" and found[name] >= 1 << 62):
            parts.append(f"{text} {_figure(found[name])}")
    return ", ".join(parts)


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"
