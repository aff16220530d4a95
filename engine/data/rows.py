"""Rows as they stand in a file, and lines that cannot be read.

A row keeps where it came from; nothing about it is coerced. A line that is no row costs that line and no other: it
becomes a `BadLine` with file, line and reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a source. `origin` is `file:line` for text files and `file#row` (from 1) for tables."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line or record that is no usable row, and why."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Records:
    """What a file holds."""

    path: Path
    rows: list[Row]
    bad: list[BadLine]
