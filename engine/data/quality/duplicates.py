"""Rows that stand in the data twice, and rows that stand in other data too."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.data.found import RowNumbers
from engine.data.quality.base import SAMPLES, Rule, Seen, Severity


class ExactDuplicate(Rule):
    """What the row says was said before, white space and case aside. The first row stays."""

    title: ClassVar[str] = "Exact duplicates"
    why: ClassVar[str] = (
        "The same row counts twice: the model learns it by heart, and a copy that is held out makes the evaluation "
        "look better than it is."
    )
    cure: ClassVar[str] = "Leave them out; the first of each stays."
    needs_digests: ClassVar[bool] = True

    def rows(self, seen: Seen) -> RowNumbers:
        if self.setting.gathers:
            return seen.numbers[:0]  # the same turn in two conversations makes no duplicate of either
        repeated, first = repeats(seen.digests)
        numbers = seen.numbers
        self.samples = [
            f"row {numbers[index]} says the same as row {numbers[of]}"
            for index, of in zip(repeated[:SAMPLES], first[:SAMPLES], strict=True)
        ]
        return np.sort(numbers[repeated])

    def notes(self) -> list[str]:
        return ["Each row is one turn: duplicates and leakage were not looked for."] if self.setting.gathers else []


def repeats(digests: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(indices of the digests that came before, index of the first of each), in order; 0 stands for nothing to compare."""
    order = np.argsort(digests, kind="stable")
    in_order = digests[order]
    again = np.flatnonzero((in_order[1:] == in_order[:-1]) & (in_order[1:] != 0)) + 1
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1])) if len(digests) else again
    first = order[starts[np.searchsorted(starts, again, side="right") - 1]]
    later = order[again]
    by_row = np.argsort(later)
    return later[by_row], first[by_row]


class Leakage(Rule):
    """The row stands in the held-out rows or in an evaluation set too."""

    title: ClassVar[str] = "Also in the held-out rows"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = (
        "What is trained on cannot be used to test: the evaluation then says how well the model remembers, not how well "
        "it answers."
    )
    cure: ClassVar[str] = "Leave these rows out of training; the held-out rows stay as they are."
    needs_digests: ClassVar[bool] = True

    def rows(self, seen: Seen) -> RowNumbers:
        if self.setting.gathers:
            return seen.numbers[:0]
        against = np.fromiter(self.setting.against, dtype=np.uint64, count=len(self.setting.against))
        against = against[against != 0]
        hit = np.isin(seen.digests, against)
        parts, parts_of = seen.digest_parts
        hit[parts_of[np.isin(parts, against)]] = True
        numbers = seen.numbers[hit]
        self.samples = [f"row {number} is held out too" for number in numbers[:SAMPLES]]
        return np.sort(numbers)
