"""Statistics of columns, by hand."""

from __future__ import annotations

from typing import Any

from engine.data.rows import Row
from engine.data.statistics import describe, duplicates, spread_of


def rows(*values: dict[str, Any]) -> list[Row]:
    return [Row(f"d:{i}", value) for i, value in enumerate(values, 1)]


def test_kinds_nulls_and_missing_values_are_counted() -> None:
    text, number = describe(rows({"t": "ab", "n": 1}, {"t": " ", "n": 3.5}, {"t": None}))
    assert text.kinds == {"text": 2, "null": 1}
    assert (text.empty, text.distinct, text.unit) == (1, 3, "characters")
    assert number.kinds == {"number": 2, "missing": 1}
    assert number.spread is not None
    assert (number.spread.min, number.spread.max, number.spread.mean) == (1, 3.5, 2.25)


def test_lists_and_mixed_columns() -> None:
    (column,) = describe(rows({"x": [1, 2]}, {"x": []}, {"x": "a"}))
    assert column.kinds == {"list": 2, "text": 1}
    assert (column.unit, column.distinct) == ("items", 3)


def test_duplicates_pass_over_white_space_and_case() -> None:
    assert duplicates(rows({"a": "Hello  there"}, {"a": "hello there "}, {"a": "bye"}, {"a": 1}, {"a": 1})) == 2


def test_spread_of_nothing_and_of_what_is_no_number() -> None:
    assert spread_of([]) is None
    assert spread_of([float("nan"), 2.0]) == spread_of([2.0])
