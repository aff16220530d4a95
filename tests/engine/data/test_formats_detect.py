"""What rows are taken for: by their values as much as by their names, with a reason and how sure it is."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.formats import Detection, detect
from tests.engine.data.test_formats import HH, TURNS, rows
from tests.shared import DATA, needs_shared

OPENAI = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
SHAREGPT = [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]


def first(*values: dict[str, Any], **keys: Any) -> Detection:
    return detect(rows(*values), **keys)[0]


@pytest.mark.parametrize(
    ("row", "name", "confidence"),
    [
        ({"question": "q", "answer": "a"}, "question_answer", "certain"),
        ({"system_prompt": "s", "question": "q", "response": "r"}, "question_response", "certain"),
        ({"instruction": "i", "input": "x", "output": "o", "text": "t"}, "alpaca", "certain"),
        ({"instruction": "i", "response": "o"}, "instruction_response", "certain"),
        ({"prompt": "p", "completion": "c"}, "prompt_completion", "certain"),
        ({"input": "p", "output": "c"}, "input_output", "certain"),
        ({"messages": OPENAI, "prompt": "u"}, "messages", "certain"),
        ({"conversations": SHAREGPT}, "sharegpt", "certain"),
        ({"question": "q", "choices": ["a", "b"], "answer": 1}, "multiple_choice", "certain"),
        ({"chosen": OPENAI, "rejected": OPENAI}, "preference", "certain"),
        ({"chosen": HH, "rejected": HH}, "preference", "certain"),
        ({"system": "s", "question": "q", "chosen": "c", "rejected": "r"}, "preference", "certain"),
        ({"question": "q", "response_j": "j", "response_k": "k"}, "paired_preference", "certain"),
        ({"input_ids": [1, 2], "labels": [1, 2]}, "token_ids", "certain"),
        ({"text": "t", "url": "u"}, "text", "certain"),
        ({"dialog": OPENAI}, "messages", "possible"),
        ({"turns": SHAREGPT, "id": 4}, "sharegpt", "possible"),
        ({"episode": TURNS}, "speakers", "likely"),
        ({"query": "q", "response": "r"}, "question_answer", "possible"),
        ({"Question": "q", "Answer": "r"}, "question_answer", "possible"),
        ({"inputs": "q", "targets": "r", "text": "t"}, "question_answer", "possible"),
        ({"src": "q", "tgt": "r"}, "question_answer", "possible"),
        ({"body": "t"}, "text", "possible"),
    ],
)
def test_formats_are_told_with_a_confidence(row: dict[str, Any], name: str, confidence: str) -> None:
    found = first(row)
    assert (found.name, found.confidence) == (name, confidence)
    assert found.reason.startswith("all rows have ")


@pytest.mark.parametrize("row", [{}, {"lap": 1, "time": "1:38"}, {"frage": "q", "antwort": "a"}, {"a": [{"b": 1}]}])
def test_what_fits_nothing(row: dict[str, Any]) -> None:
    assert detect(rows(row)) == []
    assert detect([]) == []


def test_most_rows_are_enough_and_the_others_are_told() -> None:
    good, bad = {"question": "q", "answer": "a"}, {"question": "q", "answer": 7}
    found = first(good, good, bad)
    assert found.confidence == "likely"
    assert (
        found.reason
        == "all rows have question and answer; 1 of them does not fit: column 'answer' is a number, not a text"
    )
    assert first(good, good, {"question": "q"}).reason == "2 of 3 rows have question and answer"
    alone = first(bad)
    assert (alone.name, alone.confidence) == ("question_answer", "possible")
    assert "column 'answer' is a number" in alone.reason


def test_columns_that_the_user_named_are_taken() -> None:
    found = first({"frage": "q", "antwort": "a"}, chosen={"prompt": "frage", "answer": "antwort"})
    assert (found.name, found.confidence) == ("question_answer", "certain")
    assert (found.columns["prompt"], found.columns["answer"]) == ("frage", "antwort")
    assert first({"dialog": OPENAI, "messages": 5}, chosen={"messages": "dialog"}).columns["messages"] == "dialog"
    assert detect(rows({"question": "q", "answer": "a"}), chosen={"nothing": "question"}) == []


def test_a_conversation_is_likelier_than_the_text_or_the_ids_beside_it() -> None:
    row = {"question": "q", "answer": "a", "text": "qa", "input_ids": [1], "attention_mask": [1], "labels": [1]}
    assert [(d.name, d.confidence) for d in detect(rows(row))] == [
        ("question_answer", "certain"),
        ("text", "possible"),
        ("token_ids", "possible"),
    ]


def test_speakers_are_named_and_the_chosen_one_makes_it_certain() -> None:
    assert "'Leo' (3 turns), 'Maya' (2 turns), 'Zoe' (1 turn)" in first({"episode": TURNS}).reason
    found = first({"episode": TURNS}, assistant="Leo")
    assert (found.name, found.confidence, found.columns["messages"]) == ("speakers", "certain", "episode")
    assert first({"episode": TURNS}, assistant="Ann").confidence == "likely"
    assert "speakers" not in [d.name for d in detect(rows({"messages": OPENAI}))]


def test_the_reason_tells_which_side_of_a_pair_is_read() -> None:
    row = {"chosen": OPENAI, "rejected": OPENAI}
    assert "of the answers chosen is read, rejected not" in first(row).reason
    assert "of the answers rejected is read, chosen not" in first(row, chosen={"chosen": "rejected"}).reason


@needs_shared
@pytest.mark.parametrize(
    ("name", "form", "confidence"),
    [
        ("gsm8k/test.jsonl", "question_answer", "certain"),
        ("llama_factory/glaive_toolcall_en_demo.json", "sharegpt", "certain"),
        ("axolotl_fixtures/conversation.tokenized.json", "token_ids", "certain"),
        ("axolotl_fixtures/conversation.tokenized_llama2chat.json", "token_ids", "certain"),
        ("columnar/mmlu_dev_hf_save_to_disk", "multiple_choice", "certain"),
        ("torchtune_fixtures/hh_rlhf_tiny.json", "preference", "certain"),
        ("torchtune_fixtures/stack_exchange_paired_tiny.json", "paired_preference", "certain"),
        ("columnar/lap_times_10000.parquet", "", ""),
    ],
)
def test_real_files_are_known(name: str, form: str, confidence: str) -> None:
    from engine.config.data import DataSection
    from engine.data.open import open_table
    from engine.data.rows import Row

    table = open_table(DataSection(path=str(DATA / "datasets" / name)))
    table.grow()
    found = detect([record for record in table.records(0, 200) if isinstance(record, Row)])
    table.close()
    assert (found[0].name, found[0].confidence) == (form, confidence) if form else not found
