"""The examiner: what it counts, that it may be asked at any time, and that it says the same each time."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.data import FindingName
from engine.data.conversation import Conversation, TokenIds
from engine.data.examine import Examiner
from engine.data.quality import RULES
from engine.data.rows import BadLine, Row
from tests.engine.data.quality.looking import converter, examined, turns

ROWS: list[dict[str, Any]] = [
    {"question": "How are you today?", "answer": "Fine."},
    {"question": "How are you today?", "answer": "fine."},
    {"question": "And you?", "answer": ""},
    {"question": "And you?", "answer": None},
    {"question": "Mail?", "answer": "a.b@corp.io\r\n\x07"},
]


def test_rules_and_names_in_run_files_are_the_same() -> None:
    assert tuple(RULES) == get_args(FindingName)


def test_every_rule_speaks_to_a_person() -> None:
    for rule in RULES.values():
        for sentence in (rule.why, rule.cure):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
        assert rule.title[0].isupper()
        assert not rule.title.endswith(".")


def test_rows_are_counted_by_what_became_of_them() -> None:
    examiner = Examiner(converter("question_answer"))
    examiner.take(1, BadLine("d:1", "is not JSON"))
    for number, values in enumerate(ROWS, 2):
        examiner.take(number, Row(f"d:{number}", values))
    report = examiner.report(complete=False)
    assert (report.seen, report.unreadable, report.misfits, report.conversations) == (6, 1, 1, 4)
    assert report.notes == ["Figures and findings of the first 6 rows."]
    assert {finding.rule: finding.examples for finding in report.findings} == {
        "unreadable": [1],
        "misfit": [5],
        "missing_text": [5],
        "exact_duplicate": [3],
        "empty_text": [4],
        "control_characters": [6],
        "carriage_return": [6],
        "email": [6],
    }
    assert [finding.severity for finding in report.findings] == [*["error"] * 3, *["warning"] * 3, "note", "note"]
    assert report.findings_of(6) == ["carriage_return", "control_characters", "email"]
    assert report.findings_of(2) == report.findings_of(99) == []
    assert [column.name for column in report.columns] == ["question", "answer"]


def test_figures_of_whole_rows() -> None:
    rows = [turns("user abc", "assistant de"), turns("system s", "user abc", "assistant de", "user f")]
    report = examined(rows, "messages", count_tokens=lambda texts: [len(text.split()) for text in texts])
    figures = {found.name: (found.min, found.max) for found in report.figures}
    assert figures == {"characters": (5, 7), "turns": (2, 4), "tokens": (2, 4)}


def test_tokens_are_counted_in_batches_and_all_of_them() -> None:
    batches: list[int] = []

    def count(texts: list[str]) -> list[int]:
        batches.append(len(texts))
        return [len(text) for text in texts]

    report = examined([{"text": "x" * i} for i in range(300)], "text", count_tokens=count)
    tokens = next(found for found in report.figures if found.name == "tokens")
    assert (tokens.kinds, tokens.max, max(batches), sum(batches)) == ({"number": 300}, 299, 128, 300)


def test_rows_of_token_ids_are_measured_in_tokens() -> None:
    examiner = Examiner(lambda row: [Conversation("d", (), row.values, tokens=TokenIds(tuple(row.values["ids"]), ()))])
    for number in range(1, 31):
        examiner.take(number, Row("d", {"ids": list(range(number % 3, 500 + number % 3 if number == 30 else 9))}))
    report = examiner.report(True)
    assert report.figures[0].unit == "tokens"
    assert report.rows_of("length_outlier").tolist() == [30]


def test_statistics_can_be_left_out() -> None:
    report = examined(ROWS, "question_answer", "email", statistics=False)
    assert (report.columns, report.figures) == ([], [])
    assert report.rows_of("email").tolist() == [5]
    with pytest.raises(KeyError):
        report.rows_of("secret")


def test_row_numbers_are_those_that_were_given() -> None:
    examiner = Examiner(None)
    for number, text in ((10, "a@b.io same"), (20, "x"), (400, "a@b.io same")):
        examiner.take(number, Row("d", {"t": text}))
    report = examiner.report(True)
    assert report.rows_of("email").tolist() == [10, 400]
    assert report.rows_of("exact_duplicate").tolist() == [400]
    assert report.findings_of(400) == ["exact_duplicate", "email"]


def test_asking_early_changes_nothing() -> None:
    once, often = Examiner(converter("question_answer")), Examiner(converter("question_answer"))
    for number, values in enumerate(ROWS * 30, 1):
        once.take(number, Row("d", values))
        often.take(number, Row("d", values))
        if number % 7 == 0:
            often.report(complete=False)
    first, second = once.report(True), often.report(True)
    assert first.findings == second.findings
    assert (first.columns, first.figures, first.languages) == (second.columns, second.figures, second.languages)


def test_no_rows_at_all() -> None:
    report = Examiner(None).report(True)
    assert (report.seen, report.findings, report.columns, report.languages) == (0, [], [], {})


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "messages"]), VALUES), max_size=25))
def test_any_rows_are_examined_and_always_alike(rows: list[dict[str, Any]]) -> None:
    one, other = examined(rows), examined(rows)
    assert one.findings == other.findings
    assert one.seen == len(rows)
    for finding in one.findings:
        found = one.rows_of(finding.rule)
        assert finding.rows == len(found) == len(np.unique(found)) > 0
        assert 1 <= found.min() <= found.max() <= len(rows)
        assert all(finding.rule in one.findings_of(int(number)) for number in found)
    examined(rows, "messages")
