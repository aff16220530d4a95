"""Texts that are not there: null, missing, empty, or nothing but white space."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from typing import Any, ClassVar

import numpy as np

from engine.data.found import RowNumbers
from engine.data.quality.base import SAMPLES, Rule, Seen, Setting, View, counted, field_of
from engine.facts import FindingFacts

_SHAPES = 10_000
_QUOTED = re.compile(r"column '([^']+)'")
_PATH = re.compile(r"[^\s\[\]]+(?:\[\d+\])+")
_STEP = re.compile(r"\[(\d+)\]|\.?([^\[\].]+)")
_CONTENTS = ("content", "value", "text")


class MissingText(Rule):
    """A column is null or not there: one that the format needs, or any where rows have no format."""

    title: ClassVar[str] = "Missing texts"
    why: ClassVar[str] = "Without this text a row has no question or no answer, so nothing can be learned from it."
    cure: ClassVar[str] = "Fill the texts in, name the right columns, or leave these rows out."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._names: dict[str, None] = {}
        self._fields: Counter[str] = Counter()
        self._shapes: dict[tuple[str, ...], int] = {}
        self._numbers = array("I")
        self._shape_of = array("H")

    def look(self, row: View) -> None:
        if not self.setting.formatted:
            self._look_at_columns(row)
        elif row.misfit:
            fields = _missing_fields(row)
            if fields:
                self._fields.update(field_of(name) for name in fields)
                self.found(row.number, f"{' and '.join(fields)} is null or missing")

    def _look_at_columns(self, row: View) -> None:
        """A column may first appear later, so what counts is which columns a row has; few rows differ in that."""
        shape = tuple([name for name, value in row.values.items() if value is not None])
        index = self._shapes.get(shape)
        if index is None:
            if len(self._shapes) == _SHAPES:
                return
            index = self._shapes[shape] = len(self._shapes)
            self._names.update(dict.fromkeys(shape))
        if len(shape) < len(row.values):
            self._names.update(dict.fromkeys(row.values))
        self._numbers.append(row.number)
        self._shape_of.append(index)

    def rows(self, seen: Seen) -> RowNumbers:
        if self.setting.formatted:
            return super().rows(seen)
        shapes, shape_of = list(self._shapes), np.array(self._shape_of, dtype=np.int64)
        rows_of = np.bincount(shape_of, minlength=len(shapes)).tolist()
        having: Counter[str] = Counter()
        for shape, rows in zip(shapes, rows_of, strict=True):
            having.update(dict.fromkeys(shape, rows))
        lacking = {name: len(shape_of) - having[name] for name in self._names}
        self._fields = Counter({name: rows for name, rows in lacking.items() if rows})
        hit = np.array([len(shape) < len(self._names) for shape in shapes] or [False])[shape_of]
        numbers = np.array(self._numbers, dtype=np.int64)[hit]
        self.samples = []
        for number, at in zip(numbers[:SAMPLES], shape_of[hit][:SAMPLES], strict=True):
            missing = [name for name in self._names if name not in shapes[at]]
            self.samples.append(f"row {number}: {' and '.join(missing[:5])} is null or missing")
        return np.sort(numbers)

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({counted(self._fields)})"
        found.severity = "error" if self.setting.formatted else "note"
        if not self.setting.formatted:
            found.why = "Rows without a value in a column; whether that matters depends on what the column is used for."
        return found

    def notes(self) -> list[str]:
        if len(self._shapes) < _SHAPES:
            return []
        return [
            f"Missing texts were looked for in the first {len(self._numbers):,} rows: their columns differ too much."
        ]


def _missing_fields(row: View) -> list[str]:
    """What the complaint of the format names, where it is null or not there."""
    columns = [name for name in _QUOTED.findall(row.misfit) if row.values.get(name) is None]
    return columns or [path for path in _PATH.findall(row.misfit) if _is_void(row.values, path)]


def _is_void(values: Any, path: str) -> bool:
    """Whether there is nothing at a path like "messages[2]", or a turn without a text."""
    for index, key in _STEP.findall(path):
        if index and isinstance(values, list) and int(index) < len(values):
            values = values[int(index)]
        elif key and isinstance(values, dict):
            values = values.get(key)
        else:
            return False
    if isinstance(values, dict):
        return all(values.get(key) is None for key in _CONTENTS) and not values.get("tool_calls")
    return values is None


class EmptyText(Rule):
    """A text is empty or white space: of a turn, or in a column where rows have no format."""

    title: ClassVar[str] = "Empty texts"
    why: ClassVar[str] = "An empty question or answer teaches the model to say nothing, or to answer what nobody asked."
    cure: ClassVar[str] = "Look at a few of them, then fill them in or leave these rows out."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._fields: Counter[str] = Counter()

    def look(self, row: View) -> None:
        if all(row.texts) and not any(map(str.isspace, row.texts)):
            return
        if row.messages:
            fields = [m.source for m in row.messages if _blank(m.content) and m.role != "tool" and not m.tool_calls]
        else:
            fields = [name for name, text in row.values.items() if type(text) is str and _blank(text)]
        if fields:
            self._fields.update({field_of(name) for name in fields})
            self.found(row.number, f"nothing in {' and '.join(fields[:5])}")

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({counted(self._fields)})"
        if not self.setting.formatted:
            found.severity = "note"
            found.why = "Whether an empty text matters depends on what its column is used for."
        return found


def _blank(text: str) -> bool:
    return not text or text.isspace()
