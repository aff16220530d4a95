"""What a run would take of a source, counted once: rows, conversations, and the groups that a split keeps together."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.data.quality.digests import digest
from engine.data.rows import BadLine
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
    verdicts = source.verdicts
    rows, conversations, keys = 0, 0, array("Q")
    for block in source.walk(job):
        for row, record in block:
            taken = verdicts.taken(row, record)
            if isinstance(record, BadLine) or not taken:
                continue
            rows, conversations = rows + 1, conversations + taken
            if group_by is not None:
                if group_by not in record.values:
                    raise DataError(
                        f"{record.origin} has no column {group_by!r}, which split.group_by names. "
                        f"It has {', '.join(map(repr, record.values)) or 'none'}."
                    )
                keys.append(int.from_bytes(digest(record.values[group_by]), "little"))
        job.progress(f"counting {source.table.name}", block.upto, source.expected)
    if group_by is None:
        return Kept(rows, conversations)
    unique, first, counts = np.unique(np.frombuffer(keys, dtype=np.uint64), return_index=True, return_counts=True)
    order = np.argsort(first)
    return Kept(rows, conversations, Groups(unique[order], counts[order]))
