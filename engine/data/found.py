"""Rows that rules found, as numbers in order: which rules speak of a row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

RowNumbers = NDArray[np.int64]


def rules_of(found: Mapping[str, RowNumbers], number: int) -> list[str]:
    """The rules that found a row. The numbers of each are in order and each once."""
    return [rule for rule, rows in found.items() if _holds(rows, number)]


def _holds(rows: RowNumbers, number: int) -> bool:
    at = int(np.searchsorted(rows, number))
    return at < len(rows) and int(rows[at]) == number
