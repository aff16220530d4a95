"""Texts that are missing or empty: per field, and only where they are needed."""

from __future__ import annotations

from tests.engine.data.quality.looking import examined, rows_found, turns

PAIRS = [
    {"question": "q", "answer": "a"},
    {"question": "q", "answer": None},
    {"question": "q"},
    {"answer": "a", "question": None, "system": None},
    {"question": "q", "answer": 72},
]


def test_what_the_format_needs_and_does_not_find() -> None:
    report = examined(PAIRS, "question_answer", "missing_text")
    assert report.rows_of("missing_text").tolist() == [2, 3, 4]
    assert report.misfits == 4  # 72 is no text, and is not missing
    (finding,) = report.findings
    assert finding.title == "Missing texts (answer 2, question 1)"
    assert finding.severity == "error"
    assert finding.samples[0] == "row 2: answer is null or missing"


def test_an_optional_column_may_be_null_or_absent() -> None:
    rows = [{"instruction": "i", "output": "o", "input": None}, {"instruction": "i", "output": "o"}]
    assert rows_found("missing_text", rows, "alpaca") == []


def test_a_turn_without_content() -> None:
    rows = [turns("user a", "assistant b"), {"messages": [{"role": "user", "content": None}]}, {"messages": None}]
    report = examined(rows, "messages", "missing_text")
    assert report.rows_of("missing_text").tolist() == [2, 3]
    assert report.findings[0].title == "Missing texts (messages 2)"


def test_without_a_format_every_null_counts_also_before_the_column_appears() -> None:
    rows = [{"a": 1}, {"a": None, "b": 2}, {"a": 1, "b": 0}, {"a": 1, "b": ""}]
    report = examined(rows, rule="missing_text")
    assert report.rows_of("missing_text").tolist() == [1, 2]
    assert report.findings[0].severity == "note"
    assert report.findings[0].title == "Missing texts (a 1, b 1)"
    assert rows_found("missing_text", [{}, {"x": None}]) == [1, 2]


def test_rows_that_differ_too_much_are_said_to_be_passed_over() -> None:
    rows = [{f"c{i}": 1} for i in range(10_050)]
    report = examined(rows, rule="missing_text")
    assert len(report.rows_of("missing_text")) == 10_000
    assert "first 10,000 rows" in report.notes[0]


def test_empty_texts_by_field() -> None:
    rows = [
        {"instruction": "i", "input": "", "output": "o"},
        {"instruction": "i", "input": "x", "output": " \n\t\u3000"},
        {"instruction": "", "input": "x", "output": "o"},
        {"instruction": "", "input": "", "output": ""},
    ]
    report = examined(rows, "alpaca", "empty_text")
    # an empty input is usual, and an instruction beside an input is not all of the question
    assert report.rows_of("empty_text").tolist() == [2, 4]
    assert report.findings[0].title == "Empty texts (output 2, instruction 1)"


def test_empty_turns_but_not_those_that_call_and_those_of_tools() -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    rows = [
        {"messages": [{"role": "user", "content": "a"}, call, {"role": "tool", "content": ""}]},
        turns("user a", "assistant "),
    ]
    assert rows_found("empty_text", rows, "messages") == [2]


def test_empty_texts_without_a_format_are_a_note() -> None:
    report = examined([{"a": "", "b": 1}, {"a": "x", "b": 2}, {"a": ["", {"c": ""}], "b": 2}], rule="empty_text")
    assert report.rows_of("empty_text").tolist() == [1]
    assert report.findings[0].severity == "note"
