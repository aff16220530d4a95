"""What batches are made of: sequences of tokens that know their row and their source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.tokens.encoded import Int32

Int64 = npt.NDArray[np.int64]
Piece = tuple[int, int, int]
"""A sequence, and the tokens of it from the first to before the last that are meant."""


class Sequences(Protocol):
    """Sequences in a fixed order. Their tokens may be in memory, or made when they are asked for."""

    @property
    def lengths(self) -> Int64:
        """Tokens of each; shape [N]."""

    @property
    def sources(self) -> Sequence[int]:
        """Of each, the number of its source."""

    @property
    def rows(self) -> Sequence[int]:
        """Of each, the index of its row among all rows."""

    @property
    def origins(self) -> Sequence[str]:
        """Of each, where its row stands: file:line."""

    def __len__(self) -> int: ...

    def ids(self, index: int) -> Int32:
        """Token ids of a sequence, shape [T]."""

    def labels(self, index: int) -> Int32:
        """Labels of a sequence, shape [T]."""


def whole(sequences: Sequences, index: int) -> Piece:
    """All of a sequence."""
    return index, 0, int(sequences.lengths[index])
