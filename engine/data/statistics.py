"""What the columns of a table hold: types, nulls, distinct values, lengths or ranges. Exact, over all rows given."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.rows import Row

KINDS = {str: "text", bool: "bool", int: "number", float: "number", list: "list", dict: "object", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Spread:
    """Minimum, mean, median, 95th percentile and maximum."""

    min: float
    mean: float
    median: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column. `spread` is over the characters of texts, the items of lists, or the numbers themselves."""

    name: str
    kinds: dict[str, int]
    """Kind of value -> rows; "missing" where a row does not have the column."""
    empty: int
    """Texts that are nothing but white space."""
    distinct: int
    unit: str
    """What `spread` measures: characters, items, or value."""
    spread: Spread | None


def describe(rows: Sequence[Row]) -> list[ColumnStatistics]:
    """The statistics of every column, in the order of their first appearance."""
    names = dict.fromkeys(name for row in rows for name in row.values)
    return [_column(name, rows) for name in names]


def _column(name: str, rows: Sequence[Row]) -> ColumnStatistics:
    kinds: Counter[str] = Counter()
    distinct: set[bytes] = set()
    sizes: dict[str, list[float]] = {"characters": [], "items": [], "value": []}
    empty = 0
    for row in rows:
        if name not in row.values:
            kinds["missing"] += 1
            continue
        value = row.values[name]
        kind = KINDS.get(type(value), type(value).__name__)
        kinds[kind] += 1
        distinct.add(digest(value))
        if kind == "text":
            sizes["characters"].append(len(value))
            empty += not value.strip()
        elif kind == "list":
            sizes["items"].append(len(value))
        elif kind == "number":
            sizes["value"].append(value)
    unit = max(sizes, key=lambda key: len(sizes[key]))
    return ColumnStatistics(name, dict(kinds), empty, len(distinct), unit, spread_of(sizes[unit]))


def digest(value: Any) -> bytes:
    """Sixteen bytes that are the same for equal JSON values."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def spread_of(values: Sequence[float]) -> Spread | None:
    """The spread of finite numbers; None of none."""
    finite = sorted(v for v in values if v == v and abs(v) != float("inf"))
    if not finite:
        return None
    return Spread(
        min=finite[0],
        mean=statistics.fmean(finite),
        median=finite[len(finite) // 2],
        p95=finite[min(len(finite) - 1, len(finite) * 95 // 100)],
        max=finite[-1],
    )


def duplicates(rows: Sequence[Row]) -> int:
    """How many rows say the same as an earlier one, white space and case aside."""
    seen: set[bytes] = set()
    again = 0
    for row in rows:
        key = digest({name: _folded(value) for name, value in row.values.items()})
        again += key in seen
        seen.add(key)
    return again


def _folded(value: Any) -> Any:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value
