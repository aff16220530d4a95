"""Sorting by keys alone gives the order that sorting the values would give."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.service.ordering import Keys


def order(values: list[Any], descending: bool = False, rows: int = 1000) -> list[Any]:
    keys = Keys(rows)
    for row, value in enumerate(values):
        keys.add(row, value)
    return [values[row] for row in keys.order(descending).tolist()]


def test_numbers_then_texts_then_the_rest_and_missing_last() -> None:
    values = ["b", None, 10, [2], "A", 9.5, {"a": 1}, True, float("nan"), -(10**400), 10**400]
    assert order(values)[:-2] == [-(10**400), True, 9.5, 10, 10**400, "A", "b", [2], {"a": 1}]
    assert order(values, descending=True)[:-2] == [{"a": 1}, [2], "b", "A", 10**400, 10, 9.5, True, -(10**400)]
    assert order(values)[-2:] == [None, values[8]]


@pytest.mark.parametrize("descending", [False, True])
def test_texts_sort_by_their_folded_characters(descending: bool) -> None:
    rng = random.Random(3)
    values = ["".join(rng.choices("abcABCéÉ的中😀 ", k=rng.randrange(6))) for _ in range(500)]
    assert order(values, descending) == sorted(values, key=str.casefold, reverse=descending)


@pytest.mark.parametrize("descending", [False, True])
def test_equal_keys_stay_in_the_order_of_the_file(descending: bool) -> None:
    keys = Keys(10)
    for row in range(10):
        keys.add(row, "same" if row % 2 else 5)
    texts, numbers = [1, 3, 5, 7, 9], [0, 2, 4, 6, 8]
    assert keys.order(descending).tolist() == (texts + numbers if descending else numbers + texts)


def test_many_rows_get_short_keys() -> None:
    values = ["12345678b", "12345678a", "1234567"]
    assert order(values, rows=10) == ["1234567", "12345678a", "12345678b"]
    assert order(values, rows=100_000_000) == ["1234567", "12345678b", "12345678a"]
