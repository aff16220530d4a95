"""Encoded sequences, stored flat: eight bytes a token, whatever the number of rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.tokens.encoded import IGNORE, Encoded, Int32
from engine.tokens.findings import LEFT_OUT


class Examples:
    """The sequences that are trained or evaluated on, in a fixed order. Immutable once built."""

    def __init__(self, encoded: Iterable[tuple[int, int, Encoded]]) -> None:
        """Keep what has a token to train on of (index of the row, number of the source, sequence) triples.

        The sequences of a row come one behind the other. Everything that was found is counted.
        """
        ids: list[Int32] = []
        labels: list[Int32] = []
        self.origins: list[str] = []
        self.rows: list[int] = []
        """Of each sequence, the index of its row."""
        self.sources: list[int] = []
        """Of each sequence, the number of its source."""
        self.findings: Counter[str] = Counter()
        """Rule -> rows."""
        self.seen = 0
        """Rows that were looked at, those that were left out included."""
        self.cut_tokens = 0
        """Tokens that are in no sequence because of max_length."""
        self.left_out_tokens = 0
        """Tokens of sequences without a token to train on."""
        self.problems: list[tuple[str, str]] = []
        """(origin, problem) of the rows that their template refused."""
        row, said = -1, set[str]()
        for index, source, sequence in encoded:
            if index != row:
                row, said = index, set()
                self.seen += 1
            self.findings.update(set(sequence.findings) - said)
            said.update(sequence.findings)
            self.cut_tokens += sequence.cut
            if sequence.problem:
                self.problems.append((sequence.origin, sequence.problem))
            if any(rule in sequence.findings for rule in LEFT_OUT):
                self.left_out_tokens += len(sequence.ids)
                continue
            ids.append(sequence.ids)
            labels.append(sequence.labels)
            self.origins.append(sequence.origin)
            self.rows.append(index)
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
    def fingerprint(self) -> str:
        """Twelve hex digits over the ids and labels of all sequences."""
        digest = hashlib.blake2b(digest_size=6)
        for array in (self.lengths.astype("<i8"), self._ids.astype("<i4"), self._labels.astype("<i4")):
            digest.update(array.tobytes())
        return digest.hexdigest()

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
