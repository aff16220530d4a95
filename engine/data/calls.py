"""Calls of functions and their definitions, in the several ways that datasets write them.

A call becomes a name and its arguments as one JSON text; a definition becomes an object as chat templates expect it:
{"type": "function", "function": {"name": …, "description": …, "parameters": …}}.
"""

from __future__ import annotations

import json
from typing import Any

from engine.data.conversation import ToolCall
from engine.data.json_values import kind_of
from engine.data.row_error import RowError


def calls_of(value: Any, source: str) -> tuple[ToolCall, ...]:
    """The calls in a list, an object, or the JSON text of either. Raises RowError."""
    if isinstance(value, str):
        value = _parsed(value, source, "a function call")
    return tuple(call_of(item, source) for item in (value if isinstance(value, list) else [value]))


def call_of(value: Any, source: str) -> ToolCall:
    """One call: {"name", "arguments"}, alone or under "function" beside an id. Raises RowError."""
    if isinstance(value, str):
        value = _parsed(value, source, "a function call")
    inner = value.get("function") if isinstance(value, dict) and value.get("function") is not None else value
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise RowError(f"{source} is no function call: it needs a name and arguments")
    arguments = inner.get("arguments", inner.get("parameters"))
    if isinstance(arguments, str):
        if arguments.strip():
            _parsed(arguments, source, "the arguments of a call")
        arguments = arguments.strip() or "{}"
    elif arguments is None:
        arguments = "{}"
    elif isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    else:
        raise RowError(f"{source} has arguments that are {kind_of(arguments)}, not an object or its JSON text")
    return ToolCall(inner["name"], arguments, str(value.get("id") or ""))


def tools_of(value: Any, column: str) -> tuple[dict[str, Any], ...]:
    """The definitions of functions in a column: a list of objects, or its JSON text. Raises RowError.

    Null fields are left out: tables give every definition the fields of all the others.
    """
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = _parsed(value, f"column {column!r}", "definitions of functions")
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise RowError(f"column {column!r} is {kind_of(value)}, not a list of definitions of functions")
    return tuple(_definition(item, f"{column}[{number}]") for number, item in enumerate(value))


def _definition(item: Any, source: str) -> dict[str, Any]:
    if isinstance(item, str):
        item = _parsed(item, source, "the definition of a function")
    inner = item.get("function", item) if isinstance(item, dict) else item
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise RowError(f"{source} defines no function: it needs a name")
    return {"type": "function", "function": _without_nulls({k: v for k, v in inner.items() if k != "type"})}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _parsed(text: str, source: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RowError(f"{source} is not valid JSON, which {what} must be: {text[:60]!r}") from None
