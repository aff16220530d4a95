"""Duplicates within a source and across sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.conversation import Conversation, TokenIds
from engine.data.examine import Examiner, digests_of
from engine.data.quality.digests import as_json, conversation_digest, digest, folded, values_digest
from engine.data.rows import Row
from tests.engine.data.quality.looking import conversation, converter, examined, rows_found, turns


def pair(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"question": question, "answer": answer, **more}


def test_white_space_and_case_do_not_count_and_the_first_stays() -> None:
    rows = [
        pair("Why?", "So  it is."),
        pair("why?\n", "so it\u00a0is."),
        pair("Why", "So it is."),
        pair("WHY?", "SO IT IS."),
    ]
    report = examined(rows, "question_answer", "exact_duplicate")
    assert report.rows_of("exact_duplicate").tolist() == [2, 4]
    assert report.findings[0].samples == ["row 2 says the same as row 1", "row 4 says the same as row 1"]


def test_what_the_format_does_not_read_does_not_count() -> None:
    rows = [pair("q", "a", id=1), pair("q", "a", id=2)]
    assert rows_found("exact_duplicate", rows, "question_answer") == [2]
    assert rows_found("exact_duplicate", rows) == []


def test_who_says_it_counts_and_so_do_calls_weights_and_tools() -> None:
    one = [turns("user a", "assistant b"), turns("user a", "user b"), turns("user ab", "assistant "), turns("user a b")]
    assert rows_found("exact_duplicate", one, "messages") == []
    plain, called = (
        conversation(("user", "a"), ("assistant", "b")),
        conversation(("user", "a"), ("assistant", "b"), calls=1),
    )
    assert conversation_digest(plain) != conversation_digest(called)
    tools = Conversation(plain.origin, plain.messages, tools=({"name": "f"},))
    assert conversation_digest(tools) != conversation_digest(plain)


def test_rows_without_a_word_are_no_duplicates_of_each_other() -> None:
    assert rows_found("exact_duplicate", [{"text": ""}, {"text": " "}, {"text": "a"}, {"text": ""}], "text") == []


def test_rows_without_a_format_whatever_the_order_of_columns() -> None:
    rows = [{"a": 1, "b": [1, {"c": "X"}]}, {"b": [1, {"c": "x"}], "a": 1}, {"a": "1", "b": [1, {"c": "x"}]}, {"a": 1}]
    assert rows_found("exact_duplicate", rows) == [2]


def test_token_ids() -> None:
    one = Conversation("d:1", (), {}, tokens=TokenIds((1, 2), (-100, 2)))
    two = Conversation("d:1", (), {}, tokens=TokenIds((1, 2), (1, 2)))
    assert conversation_digest(one) != conversation_digest(two)
    assert conversation_digest(one) == conversation_digest(Conversation("other", (), {}, tokens=one.tokens))


def test_leakage_is_found_across_formats_and_in_rows_of_several_conversations() -> None:
    held_out = Examiner(converter("question_answer"), rules=(), statistics=False)
    held_out.take(1, Row("e:1", pair("In the test?", "Yes.")))
    held_out.take(2, Row("e:2", pair("", "")))
    assert held_out.digests().dtype == np.uint64
    rows = [turns("user a", "assistant b"), turns("user In the  TEST?", "assistant yes."), turns("user ", "assistant ")]
    report = examined(rows, "messages", "leakage", against=held_out.digests())
    assert report.rows_of("leakage").tolist() == [2]
    assert report.findings[0].severity == "error"
    trees = Examiner(
        lambda row: [conversation(("user", "x"), ("assistant", str(i))) for i in range(3)],
        rules=["leakage"],
        against=set(digests_of([conversation(("user", "x"), ("assistant", "1"))]).tolist()),
    )
    trees.take(7, Row("t", {}))
    assert trees.report(True).rows_of("leakage").tolist() == [7]
    assert sorted(trees.digests()) == sorted(
        digests_of(conversation(("user", "x"), ("assistant", str(i))) for i in range(3)).tolist()
    )


def test_nothing_leaks_where_nothing_is_held_out() -> None:
    assert rows_found("leakage", [pair("a", "b")] * 3, "question_answer") == []


@given(st.text(), st.text())
def test_folding_is_the_same_as_by_the_words_of_python(one: str, other: str) -> None:
    slow = ["".join(text.split()).casefold() for text in (one, other)]
    assert (folded(one) == folded(other)) == (slow[0] == slow[1])


def test_digests_are_the_same_in_every_process() -> None:
    said = conversation_digest(conversation(("user", "a"), ("assistant", "b")))
    assert (digest("gleich").hex(), digest([1, "a"]).hex(), said.hex()) == (
        "f6a90ab47470ceb5", "50730944a913c613", "f0019b673a734a1a",
    )  # fmt: skip
    assert digest("1") != digest(1) != digest([1])
    assert values_digest({"a": "X ", "b": None}) == values_digest({"b": None, "a": "x"})


@pytest.mark.parametrize(
    "value", [10**40, float("nan"), {"a": {1, 2}}, b"\xff", "\ud800", ["\ud800"], object, {1: 2, "a": 3}]
)
def test_odd_values_have_a_digest_too(value: Any) -> None:
    assert as_json(value)
    assert len(digest(value)) == 8
