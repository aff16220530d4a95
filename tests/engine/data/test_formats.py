"""Formats: what a row becomes, what of it is left out and counted, and which rows are refused in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.config.data import FormatName
from engine.data.conversation import Conversation
from engine.data.formats import (
    FORMATS,
    Converted,
    columns_for,
    convert_rows,
    format_named,
    format_problem,
    unread_columns,
)
from engine.data.rows import Row
from engine.data.turns import RowError
from tests.shared import DATA, needs_shared


def rows(*values: dict[str, Any]) -> list[Row]:
    return [Row(f"d:{number}", value) for number, value in enumerate(values, 1)]


def converted(name: str, *values: dict[str, Any], assistant: str | None = None, **columns: str) -> Converted:
    form = format_named(name, assistant)
    return convert_rows(rows(*values), form, columns_for(form, columns))


def one(name: str, value: dict[str, Any], **keys: Any) -> Conversation:
    found = converted(name, value, **keys)
    assert not found.misfits
    (conversation,) = found.conversations
    return conversation


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in conversation.messages]


def refused(name: str, value: dict[str, Any], **keys: Any) -> str:
    (misfit,) = converted(name, value, **keys).misfits
    assert misfit.origin == "d:1"
    return misfit.reason


def test_every_format_of_the_run_file_is_one_of_the_registry() -> None:
    assert set(FORMATS) == set(FormatName.__args__) - {"auto"}


def test_pairs_with_context_system_and_history() -> None:
    row = {"instruction": "i", "input": "x", "output": "o", "system": "s", "history": [["q", "a"]]}
    found = one("alpaca", row)
    assert said(found) == [("system", "s"), ("user", "q"), ("assistant", "a"), ("user", "i\n\nx"), ("assistant", "o")]
    assert found.context == "x"
    assert found.values is row
    assert refused("alpaca", {**row, "input": 0}) == "column 'input' is a number, not a text"
    assert refused("alpaca", {**row, "system": 0}) == "column 'system' is a number, not a text"
    assert said(one("alpaca", {"instruction": "i", "input": None, "output": "o", "system": ""})) == [
        ("user", "i"),
        ("assistant", "o"),
    ]


CHOICES = {"question": "Which?", "choices": ["red", "blue", "A"]}


@pytest.mark.parametrize(("answer", "letter"), [(1, "B"), ("C", "C"), ("blue", "B"), ("A", "A"), (0, "A")])
def test_the_letter_of_the_right_choice_is_the_answer(answer: int | str, letter: str) -> None:
    found = one("multiple_choice", {**CHOICES, "answer": answer})
    assert said(found) == [("user", "Which?\nA. red\nB. blue\nC. A"), ("assistant", letter)]


def test_choices_that_cannot_be_read() -> None:
    assert "is 3, which names none of the 3 choices" in refused("multiple_choice", {**CHOICES, "answer": 3})
    assert "is True, which names none" in refused("multiple_choice", {**CHOICES, "answer": True})
    assert "is 'green', which names none" in refused("multiple_choice", {**CHOICES, "answer": "green"})
    assert "is a text, not a list of choices" in refused("multiple_choice", {**CHOICES, "choices": "a", "answer": 0})
    labelled = {"question": "Q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    assert said(one("multiple_choice", labelled, answer="answerKey"))[1] == ("assistant", "2")


TURNS = [{"from": "Maya", "text": "Welcome."}, {"from": "Leo", "text": "Hi."}, {"from": "Leo", "text": "Glad."},
         {"from": "Maya", "text": "So?"}, {"from": "Zoe", "text": "And me."}, {"from": "Leo", "text": "Well."}]  # fmt: skip


def test_a_speaker_becomes_the_assistant() -> None:
    found = one("speakers", {"conversation": TURNS}, assistant="Leo")
    assert said(found) == [
        ("user", "Welcome."),
        ("assistant", "Hi.\nGlad."),
        ("user", "So?\nAnd me."),
        ("assistant", "Well."),
    ]
    assert [m.source for m in found.messages] == [f"conversation[{n}]" for n in (0, 1, 3, 5)]
    opening = converted("speakers", {"conversation": TURNS}, {"conversation": TURNS[1:]}, assistant="Maya")
    assert [said(c)[0] for c in opening.conversations] == [("user", "Hi.\nGlad."), ("user", "Hi.\nGlad.")]
    assert opening.counts == {"turns of the assistant that open a conversation": 1}


def test_who_the_assistant_is_has_to_be_said() -> None:
    sample = rows({"conversation": TURNS})
    problem = format_problem("speakers", sample, {})
    assert "'Leo' (3 turns), 'Maya' (2 turns), 'Zoe' (1 turn)" in problem
    assert 'set assistant = "…"' in problem
    assert "Did you mean 'Leo'?" in format_problem("speakers", sample, {}, "leo")
    assert format_problem("speakers", sample, {}, "Leo") == ""
    assert "nobody was chosen" in refused("speakers", {"conversation": TURNS})
    other = [{"speaker": "A", "value": "x"}, {"name": "B", "content": "y"}]
    assert said(one("speakers", {"conversation": other}, assistant="B")) == [("user", "x"), ("assistant", "y")]
    assert "conversation[0] lacks a text" in refused("speakers", {"conversation": [{"from": "A"}]}, assistant="A")


PAIR = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "good"}]
HH = "\n\nHuman: Why?\n\nAssistant: So.\n\nHuman: And?\n\nAssistant: Thus.\n\nSo."


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"chosen": PAIR, "rejected": []}, [("user", "u"), ("assistant", "good")]),
        ({"chosen": PAIR[1:], "prompt": "p"}, [("user", "p"), ("assistant", "good")]),
        ({"chosen": PAIR[1:], "prompt": PAIR[:1]}, [("user", "u"), ("assistant", "good")]),
        ({"chosen": "c", "rejected": "r", "prompt": "p"}, [("user", "p"), ("assistant", "c")]),
        ({"chosen": "c", "prompt": "p", "system": "s"}, [("system", "s"), ("user", "p"), ("assistant", "c")]),
        (
            {"chosen": HH, "rejected": HH},
            [("user", "Why?"), ("assistant", "So."), ("user", "And?"), ("assistant", "Thus.\n\nSo.")],
        ),
        ({"chosen": "c", "prompt": "\n\nHuman: Why?\n\nAssistant:"}, [("user", "Why?"), ("assistant", "c")]),
    ],
)  # fmt: skip
def test_the_preferred_side_is_read(row: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(one("preference", row)) == expected


def test_the_other_side_can_be_asked_for() -> None:
    row = {"chosen": "c", "rejected": "r", "prompt": "p"}
    assert said(one("preference", row, chosen="rejected")) == [("user", "p"), ("assistant", "r")]
    form = FORMATS["preference"]
    assert form.remark(rows(row), columns_for(form, {})) == "of the answers chosen is read, rejected not"
    assert (
        form.remark(rows(row), columns_for(form, {"chosen": "rejected"}))
        == "of the answers rejected is read, chosen not"
    )
    assert "column 'prompt' is null, not a text" in refused("preference", {"chosen": "c", "rejected": "r"})


def test_ids_come_with_their_labels() -> None:
    tokens = one("token_ids", {"input_ids": [1, 5, 7], "labels": [-100, 5, 7]}).tokens
    assert tokens is not None
    assert (tokens.ids, tokens.labels) == ((1, 5, 7), (-100, 5, 7))
    alone = one("token_ids", {"input_ids": [1, 5]}).tokens
    assert alone is not None
    assert alone.labels == (1, 5)
    padded = converted("token_ids", {"input_ids": [0, 1, 5, 0, 0], "attention_mask": [False, True, True, False, False]})
    assert padded.conversations[0].tokens is not None
    assert padded.conversations[0].tokens.ids == (1, 5)
    assert padded.counts == {"positions of padding": 3}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"input_ids": [1, 2], "labels": [1]}, "has 1 entries and 'input_ids' 2"),
        ({"input_ids": [1, 2], "attention_mask": [1]}, "has 1 entries and 'input_ids' 2"),
        ({"input_ids": [1, 2, 3], "attention_mask": [1, 0, 1]}, "hides position 1 between tokens"),
        ({"input_ids": [1, 2], "attention_mask": [1, 2]}, "holds 2; it may hold 1"),
        ({"input_ids": [1, -2]}, "holds -2, which is no token id"),
        ({"input_ids": [1, 2**31]}, "which is no token id"),
        ({"input_ids": [1, 2.0]}, "holds a number, not a list of whole numbers"),
        ({"input_ids": [True]}, "holds true or false, not a list"),
        ({"input_ids": "1 2"}, "is a text, not a list"),
        ({"input_ids": [1, 2], "labels": [-1, 2]}, "holds -1; a label is a token's id, or -100"),
        ({"input_ids": [1, 2, 3], "labels": [2, 3, -100]}, "is shifted by one token"),
    ],
)
def test_ids_that_cannot_be_trained_on(row: dict[str, Any], words: str) -> None:
    assert words in refused("token_ids", row)


def test_a_format_says_what_stands_in_its_way() -> None:
    sample = rows({"question": "q", "antwort": "a", "note": 1})
    assert "needs the column 'answer', which no row has" in format_problem("question_answer", sample, {})
    assert "'text', which format 'question_answer' does not have" in format_problem(
        "question_answer", sample, {"text": "x"}
    )
    assert format_problem("question_answer", sample, {"answer": "antwort"}) == ""
    form = FORMATS["question_answer"]
    assert unread_columns(form, sample, columns_for(form, {"answer": "antwort"})) == ["note"]


def test_an_optional_column_by_another_name_is_found() -> None:
    form = FORMATS["instruction_response"]
    assert columns_for(form, {}, ["instruction", "input", "response"])["context"] == "input"
    assert columns_for(form, {}, ["instruction", "context", "input", "response"])["context"] == "context"
    assert columns_for(form, {"context": "x"}, ["input"])["context"] == "x"


def test_one_bad_row_costs_only_itself() -> None:
    found = converted(
        "question_answer", {"question": "q", "answer": "a"}, {"question": "q"}, {"question": "q", "answer": "b"}
    )
    assert [c.origin for c in found.conversations] == ["d:1", "d:3"]
    assert [(line.origin, line.reason) for line in found.misfits] == [("d:2", "column 'answer' is missing")]
    with pytest.raises(RowError):
        FORMATS["text"].convert(Row("d:1", {"text": 5}), {"text": "text"})


@needs_shared
def test_real_tool_calls_of_glaive_are_all_read() -> None:
    path = DATA / "datasets" / "llama_factory" / "glaive_toolcall_en_demo.json"
    written = json.loads(path.read_text())
    found = converted("sharegpt", *written)
    assert len(found.conversations) == 300
    assert not found.misfits
    calling = [m for c in found.conversations for m in c.messages if m.tool_calls]
    assert (
        len(calling) == sum(turn["from"] == "function_call" for row in written for turn in row["conversations"]) > 100
    )
    assert all(isinstance(json.loads(call.arguments), dict) for m in calling for call in m.tool_calls)
    assert sum(bool(c.tools) for c in found.conversations) == sum(row["tools"] not in ("", "[]") for row in written)
