"""What the columns of a table hold: kinds, nulls, distinct values, lengths or ranges, labels.

Values come once, row by row; no text is kept but those of columns with few distinct ones. Counts, means and quantiles are
exact over all rows given; distinct values are exact up to `Distinct.EXACT` of them and estimated beyond.
"""

from __future__ import annotations

import datetime
import decimal
import math
from array import array
from collections import Counter
from typing import Any, ClassVar

import numpy as np

from engine.data.figures import figures
from engine.data.quality.digests import digest
from engine.facts import ColumnFigures

COLUMNS = 1000
"""Columns that are described; a file with more has names that are values."""
LABELS = 1000
"""A column with fewer distinct texts than this may be one of labels, as the dataset viewer of Hugging Face has it."""
SHOWN_LABELS = 20
_LABEL_CHARACTERS = 200_000  # that the distinct texts of a column may have together while they are counted
_SAFE_INTEGER = 2**53


class Distinct:
    """Counts distinct digests: all of them while there are few, and beyond `EXACT` from the smallest (a KMV sketch)."""

    EXACT: ClassVar[int] = 1_000_000

    def __init__(self) -> None:
        self._digests = bytearray()
        self._ceiling: int | None = None

    def add(self, value: bytes) -> None:
        """Take the 8-byte digest of a value."""
        self._digests += value
        if len(self._digests) >= 16 * self.EXACT:
            self._settle()

    def count(self) -> tuple[int, bool]:
        """(how many distinct values, whether that is exact)."""
        self._settle()
        kept = len(self._digests) // 8
        if self._ceiling is None:
            return kept, True
        return round((kept - 1) * 2.0**64 / self._ceiling), False

    def _settle(self) -> None:
        values = np.unique(np.frombuffer(self._digests, "<u8"))
        if self._ceiling is not None:
            values = values[values <= self._ceiling]
        if len(values) > self.EXACT:
            values = values[: self.EXACT]
            self._ceiling = int(values[-1])
        self._digests = bytearray(values.data)


class ColumnTally:
    """Takes the values of one column."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._characters = array("I")
        self._items = array("I")
        self._values = array("d")
        self._others: Counter[str] = Counter()
        self._truths: Counter[bool] = Counter()
        self._empty = 0
        self._distinct = Distinct()
        self._labels: dict[str, int] | None = {}
        self._room = _LABEL_CHARACTERS

    def add(self, value: Any) -> None:
        """Take a value; null is one."""
        kind = type(value)
        if kind is str:
            self._text(value)
        elif value is None:
            self._others["null"] += 1
        elif kind is bool:
            self._truths[value] += 1
        elif kind is int or kind is float or kind is decimal.Decimal:
            self._number(value)
        else:
            self._distinct.add(digest(value))
            if kind is list:
                self._items.append(len(value))
            else:
                self._others[_KINDS.get(kind, kind.__name__)] += 1

    def _text(self, text: str) -> None:
        self._characters.append(len(text))
        if not text or text.isspace():
            self._empty += 1
        labels = self._labels
        if labels is not None:
            if text in labels:
                labels[text] += 1
                return
            self._room -= len(text)
            if len(labels) < LABELS and self._room >= 0:
                labels[text] = 1
                return
            for label in labels:
                self._distinct.add(digest(label))
            self._labels = None
        self._distinct.add(digest(text))

    def _number(self, value: float | decimal.Decimal) -> None:
        try:
            number = float(value)
        except OverflowError:  # of a whole number with more than 308 digits
            number = math.inf
        if not math.isfinite(number):
            self._others["not finite"] += 1
        else:
            self._values.append(number)
        if type(value) is int and abs(value) > _SAFE_INTEGER:
            self._distinct.add(digest(value))

    def figures(self, rows: int) -> ColumnFigures:
        """The figures over `rows` rows, of which those that did not have the column were never added."""
        kinds = Counter({"text": len(self._characters), "number": len(self._values), "list": len(self._items)})
        kinds.update({"bool": self._truths.total()} | self._others)
        kinds["missing"] = rows - kinds.total()
        arrays: dict[str, array[Any]] = {"characters": self._characters, "items": self._items, "value": self._values}
        unit = max(arrays, key=lambda name: len(arrays[name]))
        distinct, exact = self._count_distinct()
        return figures(
            self.name, {kind: count for kind, count in kinds.most_common() if count > 0}, np.array(arrays[unit]), unit,
            nulls=kinds["null"] + kinds["missing"], empty=self._empty, distinct=distinct, distinct_exact=exact,
            labels=self._shown_labels(),
        )  # fmt: skip

    def _count_distinct(self) -> tuple[int, bool]:
        count, exact = self._distinct.count()
        numbers = np.array(self._values)
        count += len(np.unique(numbers[np.abs(numbers) <= _SAFE_INTEGER])) + len(self._truths)
        return count + len(self._labels or ()), exact

    def _shown_labels(self) -> dict[str, int]:
        if self._truths and not self._characters:
            return {str(truth).lower(): count for truth, count in self._truths.most_common()}
        labels, texts = self._labels or {}, len(self._characters)
        few = len(labels) <= 10 or (len(labels) < LABELS and len(labels) * 5 <= texts)
        if not few or len(labels) == texts:  # where every text is another, none is a label
            return {}
        return dict(Counter(labels).most_common(SHOWN_LABELS))


class Columns:
    """Takes rows, and describes their columns in the order of their first appearance."""

    def __init__(self) -> None:
        self._columns: dict[str, ColumnTally] = {}
        self.beyond = False
        """Whether there were columns beyond the limit, which are not described."""

    def take(self, values: dict[str, Any]) -> None:
        """Take a row."""
        columns = self._columns
        for name, value in values.items():
            column = columns.get(name)
            if column is None:
                if len(columns) == COLUMNS:
                    self.beyond = True
                    continue
                column = columns[name] = ColumnTally(name)
            column.add(value)

    def figures(self, rows: int) -> list[ColumnFigures]:
        """The figures of all columns over `rows` rows."""
        return [column.figures(rows) for column in self._columns.values()]


_KINDS: dict[type, str] = {
    dict: "object",
    bytes: "bytes",
    datetime.datetime: "time",
    datetime.date: "date",
    datetime.time: "time of day",
    datetime.timedelta: "duration",
}
