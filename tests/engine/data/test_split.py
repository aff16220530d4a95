"""The split: a function of seed and size, fair to each source, and never through the middle of a group."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.tokens import SplitSection
from engine.data.conversation import Conversation
from engine.data.split import Part, divide
from engine.errors import DataError


def rows(count: int, name: str = "d", column: str = "", every: int = 1) -> list[Conversation]:
    return [Conversation(f"{name}:{i}", (), {column: i // every} if column else {}) for i in range(count)]


def one(count: int, **keys: object) -> tuple[list[int], list[int]]:
    return divide([Part(rows(count))], SplitSection.model_validate(keys))


def test_a_function_of_seed_and_size() -> None:
    train, test = one(1000, test_size=0.1, seed=3)
    assert len(test) == 100
    assert sorted(train + test) == list(range(1000))
    assert one(1000, test_size=0.1, seed=3) == (train, test)
    assert one(1000, test_size=0.1, seed=4)[1] != test
    assert one(10, test_size=3, shuffle=False)[1] == [7, 8, 9]
    assert one(10, test_size=0)[1] == []
    with pytest.raises(DataError, match=r"test_size = 10 holds out 10 of 10 rows and leaves none to train on"):
        one(10, test_size=10)


def test_each_source_gives_its_share() -> None:
    parts = [Part(rows(900, "a")), Part(rows(100, "b"))]
    _, test = divide(parts, SplitSection(test_size=0.1))
    assert Counter(i >= 900 for i in test) == {False: 90, True: 10}
    _, test = divide(parts, SplitSection(test_size=50))
    assert Counter(i >= 900 for i in test) == {False: 45, True: 5}
    _, together = divide(parts, SplitSection(test_size=50, stratify=False))
    assert len(together) == 50
    assert together != test


@given(count=st.integers(2, 60), every=st.integers(1, 9), size=st.floats(0.01, 0.5), seed=st.integers(0, 99))
def test_a_group_stays_on_one_side(count: int, every: int, size: float, seed: int) -> None:
    data = rows(count, column="page", every=every)
    if count <= every:
        return  # one group only
    train, test = divide([Part(data)], SplitSection(test_size=size, seed=seed, group_by="page"))
    pages = [{data[i].values["page"] for i in side} for side in (train, test)]
    assert not pages[0] & pages[1]
    assert len(test) < size * count + 1 + every
    assert sorted(train + test) == list(range(count))


def test_groups_span_sources_where_they_are_drawn_together() -> None:
    parts = [Part(rows(30, "a", "page")), Part(rows(30, "b", "page"))]
    train, test = divide(parts, SplitSection(test_size=0.3, group_by="page", stratify=False))
    assert {i % 30 for i in train} & {i % 30 for i in test} == set()
    with pytest.raises(DataError, match=r"b:0 has no column 'page', which split.group_by names"):
        divide([parts[0], Part(rows(3, "b"))], SplitSection(group_by="page"))


def test_a_source_that_brings_its_own_is_left_alone() -> None:
    parts = [Part(rows(10, "a"), given=rows(4, "v")), Part(rows(20, "b"))]
    train, test = divide(parts, SplitSection(test_size=0.1))
    assert test[:4] == [10, 11, 12, 13], "those behind the source's own rows"
    assert len(test) == 6
    assert set(range(10)) <= set(train)
    assert divide([parts[0]], SplitSection(test_size=0))[1] == [10, 11, 12, 13]


def test_a_group_of_several_sources_stays_on_one_side_whatever_stratify_says() -> None:
    parts = [Part(rows(200, "a", "page", 2)), Part(rows(300, "b", "page", 4))]
    train, test = divide(parts, SplitSection(test_size=0.1, group_by="page"))
    pages = [one.values["page"] for part in parts for one in part.conversations]
    assert test
    assert not {pages[i] for i in train} & {pages[i] for i in test}


def test_two_tables_of_one_file_do_not_leak_into_each_other() -> None:
    for stratify in (True, False):
        parts = [Part(rows(40), rows_of="file"), Part(rows(25), rows_of="file"), Part(rows(30), rows_of="other")]
        train, test = divide(parts, SplitSection(test_size=0.2, stratify=stratify))
        origin = [("other" if i >= 65 else "file", i % 65 % 40) for i in range(95)]
        assert {origin[i] for i in train} & {origin[i] for i in test} == set()
        assert sorted(train + test) == list(range(95))
