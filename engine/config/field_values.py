"""Values of a form's fields as people type and read them.

Invariant: `parse(field, show(field, value))` is `value` again, for every value that the field's type has; what would be read
as something else is shown as TOML.
"""

from __future__ import annotations

import datetime
import re
import tomllib
import types
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import tomli_w

if TYPE_CHECKING:
    from engine.config.form import Field

_TRUE = ("true", "yes", "on", "1", "x", "[x]")
_FALSE = ("false", "no", "off", "0", "[ ]", "[]")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS = 1 << 63


def parse(field: Field, text: str) -> Any:
    """The value that `text` means; None, which takes the key out of the file, for an empty one.

    Bounds and what other keys say are for `engine.config.check`. Raises ValueError with a sentence.
    """
    bare = text.strip()
    if not bare:
        return None
    if field.kind == "bool":
        return _bool(field, bare)
    if field.kind == "choice":
        return _choice(field, bare)
    if field.kind == "int":
        return _number(field, bare, whole=True)
    if field.kind == "float":
        return _number(field, bare, whole=False)
    if field.kind == "table":
        return _table(field, bare)
    if field.kind in ("list", "lines"):
        return _list(field, text)
    return _text(field, text)


def show(field: Field, value: Any) -> str:
    """A value as it stands in a form; "" where there is none."""
    if value is None:
        return ""
    for text in _candidates(field, value):
        try:
            if equal(parse(field, text), value):
                return text
        except ValueError:
            continue
    return toml(value)


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")


# Reading


def _bool(field: Field, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"`{field.key}` must be true or false, not the text {text!r}")


def _choice(field: Field, text: str) -> Any:
    for value in field.choices:
        spelt = ("true" if value else "false") if isinstance(value, bool) else str(value)
        if text.lower() == spelt.lower() or text in (f'"{spelt}"', f"'{spelt}'"):
            return value
    names = [("true" if value else "false") if isinstance(value, bool) else str(value) for value in field.choices]
    near = get_close_matches(text, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"`{field.key}` is {text!r}; it must be {', '.join(names[:-1])} or {names[-1]}{hint}")


def _number(field: Field, text: str, whole: bool) -> int | float:
    plain = text.replace("_", "").replace(",", "") if re.fullmatch(r"[-+]?\d{1,3}([,_]\d{3})+", text) else text
    if whole or int in _plain_types(field.annotation):
        if re.fullmatch(r"[-+]?\d+", plain, re.ASCII):
            return _whole(field, plain)
        if whole:
            raise ValueError(f"`{field.key}` must be a whole number, not the text {text!r}")
    try:
        number = float(plain)
    except ValueError:
        raise ValueError(f"`{field.key}` must be a number, not the text {text!r}") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(f"`{field.key}` is {text}: it must be a finite number")
    return number


def _whole(field: Field, text: str) -> int:
    if len(text.lstrip("-+0")) > 19 or not -_DIGITS <= int(text) < _DIGITS:
        raise ValueError(f"`{field.key}` is {text[:24]}: a run file has no whole number as large as that")
    return int(text)


def _table(field: Field, text: str) -> dict[str, Any]:
    inside = text if text.startswith("{") else f"{{{text}}}"
    value = _as_toml(inside)
    if not isinstance(value, dict):
        raise ValueError(f'`{field.key}` must be a table such as {{name = "value"}}, not {text!r}')
    return value


def _list(field: Field, text: str) -> Any:
    bare = text.strip()
    literals = [
        value for item in _alternatives(field.annotation) if get_origin(item) is Literal for value in get_args(item)
    ]
    if bare in literals:
        return bare
    if bare.startswith("["):
        value = _as_toml(bare)
        if isinstance(value, list):
            return value
    parts = text.split("\n") if field.kind == "lines" else text.split(",")
    items = [part.strip() for part in parts if part.strip()]
    element = _element(field.annotation)
    if element in (int, float):
        return [_element_number(field, item, element) for item in items]
    return [_unquoted(item) for item in items]


def _element_number(field: Field, text: str, element: type) -> int | float:
    try:
        value: int | float = int(text) if element is int else float(text)
    except ValueError:
        kind = "whole numbers" if element is int else "numbers"
        raise ValueError(f"`{field.key}` must be {kind} with commas between them, not {text!r}") from None
    return _whole(field, str(value)) if isinstance(value, int) else value


def _text(field: Field, text: str) -> Any:
    """A text; where the type has others beside it, what is written like them."""
    bare = text.strip()
    others = _plain_types(field.annotation)
    if int in others and re.fullmatch(r"[-+]?\d+", bare, re.ASCII):
        return _whole(field, bare)
    if list in others:
        parts = [part.strip() for part in bare.split(",")]
        if len(parts) > 1 and all(map(_WORD.fullmatch, parts)):
            return parts
        if bare.startswith("["):
            value = _as_toml(bare)
            if isinstance(value, list):
                return value
    if datetime.date in others:
        try:
            return datetime.date.fromisoformat(bare)
        except ValueError:
            raise ValueError(f"`{field.key}` must be a date such as 2026-01-31, not the text {bare!r}") from None
    return _unquoted(bare)


def _unquoted(text: str) -> str:
    """What stands in quotes as TOML writes them, or the text itself."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        value = _as_toml(text)
        if isinstance(value, str):
            return value
    return text


def _as_toml(text: str) -> Any:
    try:
        found = tomllib.loads(f"x = {text}")
    except (ValueError, RecursionError):
        return None
    return found["x"] if len(found) == 1 else None


# Writing


def _candidates(field: Field, value: Any) -> list[str]:
    """Ways to write it, the shortest first."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, float):
        return [_float(value)]
    if isinstance(value, list):
        between = "\n" if field.kind == "lines" else ", "
        plain = [_float(item) if isinstance(item, float) else str(item) for item in value]
        return [between.join(plain), toml(value)] if value else ["[]"]
    if isinstance(value, dict):
        return [toml(value)]
    return [str(value), toml(value)]


def _float(value: float) -> str:
    """As short as it can be without being another: 0.05, 2e-4."""
    short = next(text for text in (f"{value:.{digits}g}" for digits in range(6, 18)) if float(text) == value)
    if value and abs(value) < 1e-3:
        digits = len(short.split("e")[0].replace(".", "").replace("-", "").lstrip("0"))
        short = f"{value:.{max(0, digits - 1)}e}"
    head, found, tail = short.partition("e")
    return f"{head}e{int(tail)}" if found else head


def _toml_key(name: str) -> str:
    return name if _KEY.fullmatch(name) else toml(name)


# Types


def _alternatives(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for item in get_args(annotation) for member in _alternatives(item)]
    return [annotation]


def _plain_types(annotation: Any) -> list[Any]:
    return [get_origin(item) or item for item in _alternatives(annotation)]


def _element(annotation: Any) -> Any:
    """Of a list: the type of what stands in it."""
    for item in _alternatives(annotation):
        if get_origin(item) is list:
            (inner,) = get_args(item)
            return _alternatives(inner)[0]
    return str


def equal(one: Any, other: Any) -> bool:
    """Whether two values say the same; 1 is 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
