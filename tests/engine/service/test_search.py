"""Patterns in values, and the look at bytes that never rules out a row that matches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.export import json_text
from engine.errors import DataError
from engine.service import search
from engine.service.search import Needle, holds, plain_test, regex_test

TRICKY = "aAsSkKiIßſ\u212aéÉΣσς的中 ,:\"'{}[]\\/\n\t019.-e+ﬁﬀİıﬆ😀"
texts = st.text(st.sampled_from(TRICKY), max_size=12)
values = st.one_of(
    texts,
    st.integers(-(10**20), 10**20),
    st.sampled_from([1e2, 1.5e-7, 0.1, 1e100, True, False, None]),
    st.lists(texts, max_size=3),
    st.dictionaries(texts, texts, max_size=2),
)


@given(st.dictionaries(texts, values, min_size=1, max_size=3), st.data(), st.booleans(), st.booleans())
def test_a_row_that_holds_the_pattern_is_never_ruled_out(
    row: dict[str, Any], data: st.DataObject, escaped: bool, tight: bool
) -> None:
    cell = json_text(data.draw(st.sampled_from(list(row.values()))))
    start = data.draw(st.integers(0, len(cell)))
    piece = cell[start : data.draw(st.integers(start, len(cell)))]
    pattern = data.draw(st.sampled_from([piece, piece.upper(), piece.lower(), piece.swapcase(), piece.casefold()]))
    needle = Needle(pattern)
    line = json.dumps(row, ensure_ascii=escaped, separators=(",", ":") if tight else None).encode()
    if needle.useful and holds(plain_test(pattern), row, ""):
        assert needle.places(line) != []


@pytest.mark.parametrize(
    ("pattern", "useful"),
    [
        ("lamp", True),
        ("的", True),
        ("résumé", True),
        ("42", False),
        ("1e5", False),
        ('":"', False),
        ("é", False),
        ("#### 42", True),
    ],
)
def test_which_patterns_can_be_looked_for_in_bytes(pattern: str, useful: bool) -> None:
    assert Needle(pattern).useful == useful


def test_places_are_where_the_bytes_are() -> None:
    block = b'{"a": "The LAMP"}\n{"a": "nothing"}\n{"a": "lamp"}'
    places = Needle("Lamp").places(block)
    assert places is not None
    assert sorted(places) == [block.index(b"LAMP"), block.index(b"lamp")]


def test_a_block_full_of_escapes_is_not_worth_it() -> None:
    assert Needle("lamp").places(json.dumps({"a": "的" * 500}).encode()) is None


def test_case_does_not_count_and_columns_do() -> None:
    row = {"a": "Straße", "b": {"c": [1, "LAMP"]}, "d": None}
    assert holds(plain_test("STRASSE"), row, "")
    assert holds(plain_test("lamp"), row, "b")
    assert not holds(plain_test("lamp"), row, "a")
    assert not holds(plain_test("lamp"), row, "missing")
    assert holds(plain_test("null"), row, "d")
    assert json_text(row["b"]) == '{"c":[1,"LAMP"]}'


def test_regular_expressions_are_taken_as_they_are() -> None:
    test = regex_test(r"\bKeeper \d+\b")
    assert test("Keeper 12.")
    assert not test("keeper 12.")
    assert regex_test(r"(?i)keeper")("KEEPER")


@pytest.mark.parametrize("without", [False, True])
def test_a_bad_regular_expression_is_said_in_words(without: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if without:
        monkeypatch.setattr(search.importlib, "import_module", _absent)
    with pytest.raises(DataError, match=r"'\(a' is no regular expression: missing \)"):
        regex_test("(a")
    assert regex_test("a+b")("xaab")


def _absent(name: str) -> Any:
    raise ImportError(name)


def test_a_pattern_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "ROW_LIMIT_S", 0.05)
    test = regex_test(r"(.*)*(x+x+)+y")
    with pytest.raises(DataError, match=r"more than 0.05 seconds for one row"):
        test("x" * 4000)
