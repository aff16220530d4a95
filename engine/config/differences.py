"""In what two run files differ: resolved values, in the order of the run file's keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.config.form import Field, groups
from engine.config.load import Table


@dataclass(frozen=True, slots=True)
class Difference:
    """A key with two values; None where it has none, or where there is no such source."""

    key: str
    before: Any
    after: Any


def differ(before: Table, after: Table) -> list[Difference]:
    """What `after` says otherwise than `before`. Keys that a table leaves out count with their defaults.

    Neither need be a valid run file.
    """
    counts = _sources(before), _sources(after)
    return [
        Difference(item.key, old, new)
        for group in groups(max(counts))
        for item in group.fields
        if not same(
            old := resolved(before, item, counts[0]),
            new := resolved(after, item, counts[1]),
        )
    ]


def resolved(table: Table, field: Field, sources: int | None = None) -> Any:
    """The value of a field in `table`, its default where the table leaves it out; None for a source that is not there."""
    node: Any = table
    if field.key.startswith("data["):
        number = int(field.key[5 : field.key.index("]")])
        if number >= (_sources(table) if sources is None else sources):
            return None
    for part in field.key.replace("]", "").replace("[", ".").split("."):
        if part.isdecimal() and isinstance(node, list):
            node = node[int(part)] if int(part) < len(node) else None
        else:
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            return field.default
    return node


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same; 1 is 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _sources(table: Table) -> int:
    found = table.get("data")
    return len(found) if isinstance(found, list) else 0
