"""Real data: what rules find in it, against the same question asked of the raw rows in another way, or looked up by eye."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.data.quality.looking import examined, rows_found, shared_rows
from tests.shared import DATA, needs_shared

pytestmark = needs_shared
SETS = DATA / "datasets"
T0 = "t0_train_50k_per_template/"


def fold(text: str | None) -> str:
    return re.sub(r"\s+", "", text or "").casefold()


def said(row: dict[str, Any]) -> str:
    turns = "|".join(f"{turn['from']}:{fold(turn['value'])}" for turn in row["conversations"])
    return turns + fold(row.get("system")) + json.dumps(row.get("tools"))


KEYS: list[tuple[str, str, Callable[[dict[str, Any]], str], int]] = [
    ("gsm8k/train.jsonl", "question_answer", lambda r: fold(r["question"]) + "|" + fold(r["answer"]), 0),
    ("lamini/lamini_docs.jsonl", "question_answer", lambda r: fold(r["question"]) + "|" + fold(r["answer"]), 6),
    (
        "llama_factory/alpaca_en_demo.json", "alpaca",
        lambda r: fold(r["instruction"]) + fold(r["input"]) + "|" + fold(r["output"]), 14,
    ),
    (
        "llama_factory/alpaca_zh_demo.json", "alpaca",
        lambda r: fold(r["instruction"]) + fold(r["input"]) + "|" + fold(r["output"]), 8,
    ),
    ("llama_factory/glaive_toolcall_en_demo.json", "sharegpt", said, 35),
    ("medicalgpt/sharegpt_zh_1K_format.jsonl", "sharegpt", said, 0),
    (
        "torchtune_fixtures/stack_exchange_paired_tiny.json", "paired_preference",
        lambda r: fold(r["question"]) + "|" + fold(r["response_j"]), 9,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "form", "key", "count"), KEYS)
def test_exact_duplicates(path: str, form: str, key: Callable[[dict[str, Any]], str], count: int) -> None:
    rows = shared_rows(SETS / path)
    seen: set[str] = set()
    expected = []
    for number, row in enumerate(rows, 1):
        expected += [number] if key(row) in seen else []
        seen.add(key(row))
    assert len(expected) == count
    assert rows_found("exact_duplicate", rows, form) == expected


CHARACTERS = [
    ("mojibake", T0 + "duorc_SelfRC_answer_question.jsonl", "Ã[¯©¼]", 38),
    ("mojibake", T0 + "xsum_DOC_boils_down_to_simple_idea_that.jsonl", "Â£", 14),
    ("byte_order_mark", T0 + "adversarial_qa_droberta_based_on.jsonl", "\ufeff", 5),
    ("carriage_return", T0 + "samsum_Generate_a_summary_for_this_dialogue.jsonl", "\r", 170),
    ("control_characters", T0 + "imdb_Movie_Expressed_Sentiment.jsonl", "[\x80-\x9f]", 9),
    ("email", T0 + "multi_news_summarize.jsonl", r"\w@\w+\.(?:com|net|org|co\.uk)\b", 4),
]


@pytest.mark.parametrize(("rule", "path", "pattern", "count"), CHARACTERS)
def test_characters_in_texts(rule: str, path: str, pattern: str, count: int) -> None:
    rows = shared_rows(SETS / path)
    expected = [
        number for number, row in enumerate(rows, 1) if re.search(pattern, row["prompt"] + "\n" + row["completion"])
    ]
    assert len(expected) == count
    assert rows_found(rule, rows, "prompt_completion") == expected


def test_turns_out_of_order_in_chinese_conversations() -> None:
    rows = shared_rows(SETS / "medicalgpt" / "sharegpt_zh_1K_format.jsonl")
    expected = []
    for number, row in enumerate(rows, 1):
        who = [turn["from"] for turn in row["conversations"]]
        if who != ["human", "gpt"] * (len(who) // 2):
            expected.append(number)
    assert rows_found("role_order", rows, "sharegpt") == expected == [119, 341, 587, 708, 781, 917, 986]


@pytest.mark.parametrize(
    ("path", "form", "languages", "others"),
    [
        ("gsm8k/test.jsonl", "question_answer", {"en"}, []),
        ("medicalgpt/sharegpt_zh_1K_format.jsonl", "sharegpt", {"zh", "sr"}, []),
        ("medicalgpt/medical_sft_1K_format.jsonl", "sharegpt", {"zh"}, []),
        ("llama_factory/identity.json", "alpaca", {"zh", "en"}, list(range(1, 17))),
        ("llama_factory/c4_demo.jsonl", "text", {"en", "fi", "it"}, [216, 246]),
        ("oasst/en_100_tree.jsonl", "oasst_tree", {"en"}, []),
        (T0 + "rotten_tomatoes_Reviewer_Enjoyment.jsonl", "prompt_completion", {"en", "es"}, [44]),
    ],
)
def test_languages(path: str, form: str, languages: set[str], others: list[int]) -> None:
    report = examined(shared_rows(SETS / path), form, "other_language")
    assert set(report.languages) - {"unsure"} == languages
    assert report.rows_of("other_language").tolist() == others


@pytest.mark.parametrize(
    ("path", "form", "found"),
    [
        ("gsm8k/test.jsonl", "question_answer", {"control_characters": [394]}),
        (
            "lamini/lamini_docs.jsonl", "question_answer",
            {"empty_text": [424], "email": [46, 615, 1232, 1243, 1249, 1306]},
        ),
        ("medicalgpt/medical_sft_1K_format.jsonl", "sharegpt", {}),
        (
            "medicalgpt/sharegpt_zh_1K_format.jsonl", "sharegpt",
            {"secret": [992], "empty_text": [59], "email": [41, 766, 980]},
        ),
        ("self_instruct/seed_tasks.jsonl", "self_instruct", {"email": [75, 167]}),
        ("oasst/en_100_tree.jsonl", "oasst_tree", {}),
        ("oasst/en_100_message.jsonl", "oasst_message", {}),
    ],
)  # fmt: skip
def test_all_rules_and_nothing_that_is_none(path: str, form: str, found: dict[str, list[int]]) -> None:
    report = examined(shared_rows(SETS / path), form)
    rules = [finding.rule for finding in report.findings]
    looked_up = {"role_order", "exact_duplicate", "near_duplicate"} | ({"control_characters"} - set(found))
    assert {rule: report.rows_of(rule).tolist() for rule in rules if rule not in looked_up} == found


def test_leakage_between_the_two_halves_of_gsm8k() -> None:
    """The socratic answers are others, so only rows that were copied are found."""
    test = shared_rows(SETS / "gsm8k" / "test.jsonl")
    from engine.data.examine import digests_of
    from engine.data.rows import Row
    from tests.engine.data.quality.looking import converter

    convert = converter("question_answer")
    assert convert is not None
    held_out = digests_of([conversation for row in test for conversation in convert(Row("t", row))])
    assert len(held_out) == 1319
    train = [*shared_rows(SETS / "gsm8k" / "train.jsonl")[:1000], {k: v.upper() for k, v in test[7].items()}]
    assert rows_found("leakage", train, "question_answer", against=held_out) == [1001]
    socratic = shared_rows(SETS / "gsm8k" / "test_socratic.jsonl")
    assert rows_found("leakage", socratic, "question_answer", against=held_out) == []
