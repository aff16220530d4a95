"""Statistics of columns against pandas and numpy, and by hand where those have no opinion."""

from __future__ import annotations

import datetime
import decimal
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.figures import figures, histogram
from engine.data.quality.digests import digest
from engine.data.statistics import COLUMNS, Columns, Distinct
from engine.facts import ColumnFigures


def described(*rows: dict[str, Any]) -> list[ColumnFigures]:
    columns = Columns()
    for row in rows:
        columns.take(row)
    return columns.figures(len(rows))


def column(values: Sequence[Any]) -> ColumnFigures:
    (found,) = described(*({"x": value} for value in values))
    return found


def test_kinds_nulls_and_missing_values_are_counted() -> None:
    text, number = described({"t": "ab", "n": 1}, {"t": " ", "n": 3.5}, {"t": None})
    assert text.kinds == {"text": 2, "null": 1}
    assert (text.nulls, text.empty, text.distinct, text.unit) == (1, 1, 2, "characters")
    assert number.kinds == {"number": 2, "missing": 1}
    assert (number.nulls, number.unit, number.min, number.max, number.mean) == (1, "value", 1, 3.5, 2.25)


def test_a_column_that_appears_late_was_missing_before() -> None:
    first, late = described({"a": 1}, {"a": 2}, {"a": 3, "b": "x"})
    assert (first.name, late.name) == ("a", "b")
    assert (late.kinds, late.nulls) == ({"missing": 2, "text": 1}, 2)


def test_lists_objects_times_and_mixed_columns() -> None:
    mixed = column([[1, 2], [], "a", {"k": 1}, True, datetime.date(2024, 1, 1), b"\x00", decimal.Decimal("1.5")])
    assert mixed.kinds == {"list": 2, "text": 1, "object": 1, "bool": 1, "date": 1, "bytes": 1, "number": 1}
    assert (mixed.unit, mixed.max, mixed.distinct) == ("items", 2, 8)


def test_a_number_a_text_and_a_truth_are_distinct() -> None:
    assert column([1, "1", True, 1.0, [1], "1"]).distinct == 4


def test_truths_are_counted() -> None:
    found = column([True, False, True, None])
    assert (found.labels, found.kinds, found.distinct) == ({"true": 2, "false": 1}, {"bool": 3, "null": 1}, 2)
    assert found.histogram is None


def test_numbers_that_are_none_are_counted_and_left_out() -> None:
    found = column([1.0, math.nan, math.inf, -math.inf, 10**400, 3.0])
    assert found.kinds == {"not finite": 4, "number": 2}
    assert (found.min, found.max, found.mean) == (1, 3, 2)


def test_large_whole_numbers_stay_distinct() -> None:
    assert column([2**60, 2**60 + 1, 2**60]).distinct == 2


@given(st.lists(st.one_of(st.text(), st.none()), min_size=1, max_size=60))
def test_texts_against_pandas(values: list[str | None]) -> None:
    found = column(values)
    texts = pd.Series([value for value in values if value is not None], dtype=object)
    assert (found.distinct, found.nulls) == (texts.nunique(), values.count(None))
    assert found.empty == sum(not text.strip() for text in texts)
    if len(texts):
        check(found, pd.Series([len(text) for text in texts]))


@given(
    st.lists(
        st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e12, 1e12, allow_subnormal=False)), min_size=1, max_size=80
    )
)
def test_numbers_against_pandas(values: list[float]) -> None:
    found = column(values)
    assert found.distinct == len(set(values))
    check(found, pd.Series(values, dtype=float))


def check(found: ColumnFigures, series: pd.Series[float]) -> None:
    """Compare all figures with those of pandas; the histogram with a count by hand."""
    near = {"rel": 1e-9, "abs": 1e-6 * float(series.abs().max() or 1)}
    expected = (
        series.min(),
        series.mean(),
        series.median(),
        series.quantile(0.95),
        series.quantile(0.99),
        series.max(),
    )
    got = (found.min, found.mean, found.median, found.p95, found.p99, found.max)
    assert got == pytest.approx(expected, **near)
    if len(series) > 1:
        assert found.std == pytest.approx(series.std(), **near)
    else:
        assert found.std is None
    assert found.histogram is not None
    edges, counts = found.histogram.edges, found.histogram.counts
    assert len(edges) == len(counts) + 1 <= 11
    assert sum(counts) == len(series)
    assert edges == sorted(edges)
    assert edges[0] == series.min()
    assert edges[-1] >= series.max()
    last = len(counts) - 1
    for i, count in enumerate(counts):
        upper = series <= edges[i + 1] if i == last else series < edges[i + 1]
        assert count == int(((series >= edges[i]) & upper).sum())


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1000), min_size=12, max_size=200))
def test_histograms_of_fractions_are_those_of_numpy(values: list[float]) -> None:
    array = np.array([*values, 0.5, 700.25])
    p99 = np.percentile(array, 99)
    if array.max() - array.min() <= 10 * (p99 - array.min()):
        counts, edges = np.histogram(array, bins=10)
        found = histogram(array)
        assert found.edges == pytest.approx(list(edges))
        assert sum(abs(a - b) for a, b in zip(found.counts, counts.tolist(), strict=True)) <= 2  # edges may round apart


def test_histograms_of_whole_numbers_have_whole_edges() -> None:
    few = histogram(np.array([3, 5, 5, 4, 3]))
    assert (few.edges, few.counts) == ([3, 4, 5, 6], [2, 1, 2])
    many = histogram(np.arange(1001))
    assert many.edges == [101.0 * i for i in range(11)]
    assert many.counts == [101] * 9 + [92]
    assert histogram(np.array([7, 7])) == histogram(np.array([7.0, 7.0]))
    assert histogram(np.array([7, 7])).counts == [2]
    assert histogram(np.array([0.5])).edges == [0.5, 0.5]


def test_a_few_far_values_do_not_hide_all_others() -> None:
    lengths = np.append(np.arange(100, 200).repeat(10), 1_000_000)
    found = histogram(lengths)
    assert found.edges[-1] == 1_000_001
    assert found.counts[-1] == 1
    assert min(found.counts[:-1]) > 30
    fractions = histogram(lengths + 0.5)
    assert (len(fractions.counts), fractions.counts[-1] < 20) == (10, True)


def test_values_at_the_ends_of_what_a_float_holds() -> None:
    found = figures("x", {}, np.array([-1.7e308, 1.7e308, 0.0]), "value")
    assert found.histogram is not None
    assert sum(found.histogram.counts) == 3
    assert (found.min, found.max, found.std) == (-1.7e308, 1.7e308, None)


def test_labels_of_columns_with_few_texts() -> None:
    found = column(["yes"] * 5 + ["no"] * 3 + ["maybe"])
    assert found.labels == {"yes": 5, "no": 3, "maybe": 1}
    assert column([f"text {i}" for i in range(9)]).labels == {}  # all different: no labels
    many = column([f"label {i % 30}" for i in range(400)])
    assert (len(many.labels), many.distinct) == (20, 30)
    assert column([f"label {i % 30}" for i in range(100)]).labels == {}  # 30 % distinct
    assert column([f"label {i % 1500}" for i in range(9000)]).labels == {}
    long = column(["x" * 150_000, "y" * 150_000] * 20)  # too long to be kept
    assert (long.labels, long.distinct) == ({}, 2)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=3000))
@settings(max_examples=20)
def test_distinct_texts_are_exact_whether_counted_as_labels_or_not(numbers: list[int]) -> None:
    found = column([f"t{number}" for number in numbers])
    assert (found.distinct, found.distinct_exact) == (len(set(numbers)), True)
    assert found.labels == {} or Counter(found.labels) <= Counter(f"t{number}" for number in numbers)


def test_distinct_values_are_exact_up_to_the_limit_and_near_it_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Distinct, "EXACT", 1000)
    below, above = Distinct(), Distinct()
    for i in range(20_000):
        below.add(digest(i % 1000))
        above.add(digest(i % 7919))
    assert below.count() == (1000, True)
    count, exact = above.count()
    assert not exact
    assert count == pytest.approx(7919, rel=0.1)
    above.add(digest("one more"))
    assert above.count()[1] is False


def test_columns_beyond_the_limit_are_left_out() -> None:
    columns = Columns()
    columns.take({f"c{i}": i for i in range(COLUMNS + 5)})
    assert columns.beyond
    assert len(columns.figures(1)) == COLUMNS
