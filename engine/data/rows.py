"""Rows as they stand in a file, and lines that cannot be read.

A row keeps where it came from; nothing about it is coerced. A line that is no row costs that line and no other: it
becomes a `BadLine` with file, line and reason.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record of a source. `origin` is `file:line` for text files and `file#row` (from 1) for tables."""

    origin: str
    values: dict[str, Any]


class BadLine(msgspec.Struct, frozen=True, gc=False):
    """A line or record that is no usable row, and why."""

    origin: str
    reason: str
    column: int = 0
    """Where in the line, from 1; 0 for all of it."""


Record = Row | BadLine

KINDS = {str: "text", bool: "bool", int: "number", float: "number", list: "list", dict: "object", type(None): "null"}
"""Python type -> kind of value, as facts name it; anything else is called by its type."""
