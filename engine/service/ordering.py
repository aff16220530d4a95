"""Sorting many rows with little memory: only keys are kept, and of texts only their beginning.

Numbers come first, by value; then texts, case aside; then anything else by its JSON; rows without a value come last, whichever
the direction. Rows with equal keys stay in the order of the file.
"""

from __future__ import annotations

import math
from array import array
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.export import json_text
from engine.service.views import Numbers

KEY_MEMORY = 96 << 20
_NARROW, _WIDE = 8, 64


class Keys:
    """The keys of rows that are to be sorted, of `rows` at most."""

    def __init__(self, rows: int) -> None:
        self._width = max(_NARROW, min(_WIDE, KEY_MEMORY // max(1, rows)))
        """Bytes of a text that count: two texts that begin alike so far stay in the order of the file."""
        self._numbers = array("d")
        self._numbered = array("i")
        self._texts = [_Texts(self._width), _Texts(self._width)]
        self._missing = array("i")

    def add(self, row: int, value: Any) -> None:
        """Note a row; None has no place in the order."""
        if isinstance(value, str):
            self._texts[0].add(row, value)
        elif isinstance(value, (int, float, Decimal)):
            self._number(row, value)
        elif value is None:
            self._missing.append(row)
        else:
            self._texts[1].add(row, json_text(value))

    def _number(self, row: int, value: float | Decimal) -> None:
        try:
            key = float(value)
        except OverflowError:
            key = math.inf if value > 0 else -math.inf
        if math.isnan(key):
            self._missing.append(row)
        else:
            self._numbers.append(key)
            self._numbered.append(row)

    def order(self, descending: bool) -> Numbers:
        """The rows in their order."""
        numbers = _sorted(np.frombuffer(self._numbers, dtype=np.float64), self._numbered, descending)
        parts = [numbers, *(texts.order(descending) for texts in self._texts)]
        if descending:
            parts.reverse()
        return np.concatenate([*parts, np.frombuffer(self._missing, dtype=np.int32)])


class _Texts:
    """Texts by their first bytes. UTF-8 sorts as its characters do."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._keys = bytearray()
        self._rows = array("i")

    def add(self, row: int, text: str) -> None:
        key = text[: self._width].casefold().encode("utf-8", "surrogatepass")[: self._width]
        self._keys += key.ljust(self._width, b"\0")
        self._rows.append(row)

    def order(self, descending: bool) -> Numbers:
        return _sorted(np.frombuffer(self._keys, dtype=f"S{self._width}"), self._rows, descending)


def _sorted(keys: NDArray[Any], rows: array[int], descending: bool) -> Numbers:
    numbers = np.frombuffer(rows, dtype=np.int32)
    if descending:  # backwards twice, so that equal keys keep their order
        return numbers[len(keys) - 1 - np.argsort(keys[::-1], kind="stable")[::-1]]
    return numbers[np.argsort(keys, kind="stable")]
