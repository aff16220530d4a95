"""What a run would take of a source, counted once: rows, conversations, and the groups that a split keeps together."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.data.learned import unlearned
from engine.data.quality.digests import digest
from engine.data.rows import BadLine, Row
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.service.jobs import Job
    from engine.service.sources import Source


class Groups(msgspec.Struct, frozen=True):
    """Rows that belong together, in the order of the first row of each."""

    keys: NDArray[np.uint64]
    sizes: NDArray[np.int64]


class Kept(msgspec.Struct, frozen=True):
    """Numbers about the rows that a run would take."""

    rows: int
    conversations: int
    groups: Groups | None = None
    """None where every row is its own group."""


def count_kept(source: Source, job: Job, group_by: str | None = None) -> Kept:
    """Walk over the rows and count. Raises DataError when a row does not have the column `group_by`."""
    verdicts, reading = source.verdicts, source.reading
    if reading.gathers:
        return _count_gathered(source, job, group_by)
    rows, conversations, keys = 0, 0, array("Q")
    for block in source.walk(job):
        for row, record in block:
            taken = verdicts.taken(row, record)
            if isinstance(record, BadLine) or not taken:
                continue
            rows, conversations = rows + 1, conversations + taken
            if group_by is not None:
                keys.append(_key(record.origin, record.values, group_by))
        job.progress(f"counting {source.facts.name}", block.upto, source.expected)
    return Kept(rows, conversations, _groups(keys) if group_by is not None else None)


def _count_gathered(source: Source, job: Job, group_by: str | None) -> Kept:
    """Of conversations that are spread over rows: a row counts where a conversation begins, as it does in a run."""
    verdicts, reading, section = source.verdicts, source.reading, source.section
    taken: list[Row] = []
    for block in source.walk(job):
        taken += [record for row, record in block if isinstance(record, Row) and verdicts.keeps(row, record)]
        job.progress(f"counting {source.facts.name}", block.upto, source.expected)
    found = [one for one in reading.convert_all(taken).conversations if not unlearned(one, section)]
    begun = {one.origin: one.values for one in found}
    keys = [_key(origin, values, group_by) for origin, values in begun.items()] if group_by is not None else []
    return Kept(len(begun), len(found), _groups(keys) if group_by is not None else None)


def _key(origin: str, values: dict[str, Any], group_by: str) -> int:
    if group_by not in values:
        raise DataError(
            f"{origin} has no column {group_by!r}, which split.group_by names. "
            f"It has {', '.join(map(repr, values)) or 'none'}."
        )
    return int.from_bytes(digest(values[group_by]), "little")


def _groups(keys: Sequence[int]) -> Groups:
    unique, first, counts = np.unique(np.array(keys, dtype=np.uint64), return_index=True, return_counts=True)
    order = np.argsort(first)
    return Groups(unique[order], counts[order])
