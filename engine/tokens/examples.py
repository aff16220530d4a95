"""Encoded sequences, stored flat: eight bytes a token, whatever the number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.tokens.encode import IGNORE, Encoded, Int32


class Examples:
    """The sequences that are trained or evaluated on, in a fixed order. Immutable once built."""

    def __init__(self, encoded: Iterable[tuple[int, Encoded]]) -> None:
        """Keep what has a token to train on of (number of the source, sequence) pairs.

        Everything that was found is counted, `findings`: rule -> sequences.
        """
        ids: list[Int32] = []
        labels: list[Int32] = []
        self.origins: list[str] = []
        self.sources: list[int] = []
        """Of each sequence, the number of its source."""
        self.findings: Counter[str] = Counter()
        self.encoded = 0
        """Sequences that were looked at, those that were left out included."""
        for source, sequence in encoded:
            self.encoded += 1
            self.findings.update(sequence.findings)
            if "dropped" in sequence.findings or "no_trained_token" in sequence.findings:
                continue
            ids.append(sequence.ids)
            labels.append(sequence.labels)
            self.origins.append(sequence.origin)
            self.sources.append(source)
        self.lengths: npt.NDArray[np.int64] = np.array([len(x) for x in ids], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        empty = np.zeros(0, dtype=np.int32)
        self._ids = np.concatenate(ids) if ids else empty
        self._labels = np.concatenate(labels) if labels else empty

    def __len__(self) -> int:
        return len(self.origins)

    def ids(self, index: int) -> Int32:
        """Token ids of a sequence, shape [T]."""
        return self._ids[self._starts[index] : self._starts[index + 1]]

    def labels(self, index: int) -> Int32:
        """Labels of a sequence, shape [T]."""
        return self._labels[self._starts[index] : self._starts[index + 1]]

    @property
    def highest_id(self) -> int:
        """The largest token id, -1 where there is none."""
        return int(self._ids.max()) if len(self._ids) else -1

    @property
    def tokens(self) -> int:
        """Tokens in all."""
        return len(self._ids)

    @property
    def supervised_tokens(self) -> int:
        """Tokens that are trained on, in all."""
        return int((self._labels != IGNORE).sum())
