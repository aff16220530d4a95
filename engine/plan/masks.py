"""Sequences of which only is known how long they are and where they are trained: enough for a plan, and a few bytes each.

Invariant: `length_of`, `heaviest` and the batches say the same of them as of the sequences that are trained. Their tokens are
zeros.
"""

from __future__ import annotations

import numpy as np

from engine.plan_talk import MaskBytes
from engine.tokens.encoded import IGNORE, Int32
from engine.tokens.sequences import Int64


class Masks:
    """The sequences."""

    def __init__(self, lengths: Int64, sources: Int64, stretches: tuple[Int64, Int64, Int64]) -> None:
        self.lengths = lengths
        self._sources = sources
        self._number, self._start, self._stop = stretches
        self._bounds = np.searchsorted(self._number, np.arange(len(lengths) + 1))
        self.supervised: Int64 = np.zeros(len(lengths), dtype=np.int64)
        """Trained tokens of each that a loss is computed on."""
        np.add.at(self.supervised, self._number, self._stop - self._start)

    @classmethod
    def unpacked(cls, packed: MaskBytes) -> Masks:
        """The sequences that were packed."""
        lengths, sources, flat = (
            np.frombuffer(each, dtype="<i4").astype(np.int64)
            for each in (packed.lengths, packed.sources, packed.stretches)
        )
        third = len(flat) // 3
        return cls(lengths, sources, (flat[:third], flat[third : 2 * third], flat[2 * third :]))

    def chosen(self, indices: Int64) -> Masks:
        """Some of them, in another order, perhaps several times."""
        counts = np.diff(self._bounds)[indices]
        number = np.repeat(np.arange(len(indices)), counts)
        within = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(self._bounds[:-1][indices], counts) + within
        return Masks(self.lengths[indices], self._sources[indices], (number, self._start[at], self._stop[at]))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def sources(self) -> list[int]:
        """Of each, the number of its source."""
        found: list[int] = self._sources.tolist()
        return found

    @property
    def rows(self) -> range:
        """Of each, a number of its own."""
        return range(len(self.lengths))

    @property
    def origins(self) -> list[str]:
        """Nobody knows where they stand."""
        return [""] * len(self.lengths)

    def ids(self, index: int) -> Int32:
        """Zeros, shape [T]."""
        return np.zeros(int(self.lengths[index]), dtype=np.int32)

    def labels(self, index: int) -> Int32:
        """0 where it is trained, shape [T]."""
        labels = np.full(int(self.lengths[index]), IGNORE, dtype=np.int32)
        for at in range(int(self._bounds[index]), int(self._bounds[index + 1])):
            labels[self._start[at] : self._stop[at]] = 0
        return labels
