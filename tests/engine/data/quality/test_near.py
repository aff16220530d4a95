"""Near duplicates against the true similarity of shingles; what shares a text and asks something else stays."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from engine.data.quality import near
from engine.data.quality.near import shingles, signatures, similarity, units
from tests.engine.data.quality.looking import examined, rows_found
from tests.shared import DATA, needs_shared

pytest.importorskip("rensa")

VOCABULARY = [f"word{i}" for i in range(2000)]


def pair(question: str, answer: str) -> dict[str, Any]:
    return {"question": question, "answer": answer}


def prose(seed: int, words: int) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def changed(words: list[str], places: int, seed: int = 1) -> str:
    words, rnd = list(words), random.Random(seed)
    for at in rnd.sample(range(len(words)), places):
        words[at] = "other"
    return " ".join(words)


def jaccard(one: str, other: str) -> float:
    some, others = set(shingles(units(one))), set(shingles(units(other)))
    return len(some & others) / len(some | others)


def test_estimates_are_near_the_truth() -> None:
    base = prose(0, 300)
    texts = [changed(base, places) for places in range(0, 120, 8)]
    signed = signatures(near.minhash(), [shingles(units(text)) for text in texts], 128)
    estimated = similarity(signed, np.repeat(signed[:1], len(texts), axis=0))
    truth = np.array([jaccard(text, texts[0]) for text in texts])
    assert truth[0] == 1.0
    assert truth[-1] < 0.4
    assert np.abs(estimated - truth).max() < 0.13  # three times the deviation of 128 minima of four bits
    assert np.abs(estimated - truth).mean() < 0.05


def test_a_few_changed_words_are_found_and_many_are_not() -> None:
    base = [prose(seed, 200) for seed in range(40)]
    rows = [{"text": " ".join(words)} for words in base]
    rows += [{"text": changed(words, 3)} for words in base]  # about 0.91 alike
    rows += [{"text": changed(words, 60)} for words in base]  # about 0.2 alike
    report = examined(rows, "text", "near_duplicate")
    assert report.rows_of("near_duplicate").tolist() == list(range(41, 81))
    assert report.findings[0].samples[0].startswith("row 41 says nearly the same as row 1 (")


def test_exact_duplicates_are_not_counted_again_and_punctuation_does_not_count() -> None:
    text = " ".join(prose(1, 50))
    rows = [
        {"text": text},
        {"text": text.upper()},
        {"text": text.replace(" ", ", ") + "!"},
        {"text": "Quite another text."},
    ]
    assert rows_found("near_duplicate", rows, "text") == [3]


def test_many_questions_about_one_long_text_stay() -> None:
    passage = " ".join(prose(2, 400))
    rows = [pair(f"{passage} What is {word}?", f"It is {word} of {i}") for i, word in enumerate(prose(3, 20))]
    rows.append(pair(f"{passage} So what is it?", rows[4]["answer"]))
    assert rows_found("near_duplicate", rows, "question_answer") == [21]


def test_a_system_text_that_all_rows_share_does_not_make_them_alike() -> None:
    system = " ".join(prose(4, 300))
    rows = [{"system_prompt": system, "question": f"q{i} {i}", "response": f"a{i} {i}"} for i in range(10)]
    assert rows_found("near_duplicate", rows, "question_response") == []


@pytest.mark.parametrize(
    "text",
    [
        "糖尿病患者在日常饮食中应该注意控制总热量的摄入，多吃蔬菜和全谷物，少吃含糖量高的食物，并且坚持每天适量运动，定期监测血糖。",
        "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。",
        "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอนหรือวรรณยุกต์เช่นเดียวกับภาษาจีนและออกเสียงแยกคำต่อคำ",
        "Москва является столицей России и крупнейшим по численности населения городом страны, важнейшим узлом.",
    ],
)  # fmt: skip
def test_scripts_with_and_without_spaces(text: str) -> None:
    rows = [{"text": text}, {"text": text[:-1] + "吗"}, {"text": text[::-1]}]
    assert rows_found("near_duplicate", rows, "text") == [2]


def test_a_table_of_numbers_is_compared_by_its_numbers() -> None:
    rows = [{"name": "lap", "a": i, "b": i * i, "c": i + 0.5} for i in range(50)]
    assert rows_found("near_duplicate", rows) == []


def test_without_the_package_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "minhash", lambda: None)
    report = examined([{"text": "a b c d"}, {"text": "a b c d!"}], "text", "near_duplicate")
    assert report.findings == []
    assert "luthier[duplicates]" in report.notes[0]


def test_chains_do_not_eat_what_stays() -> None:
    """B is near A and goes; C is near B only, and stays."""
    base = prose(5, 300)
    second = changed(base, 10, seed=1).split()
    third = changed(second, 10, seed=2)
    rows = [{"text": " ".join(base)}, {"text": " ".join(second)}, {"text": third}]
    assert jaccard(rows[0]["text"], rows[2]["text"]) < 0.75
    assert jaccard(rows[1]["text"], rows[2]["text"]) > 0.8
    assert rows_found("near_duplicate", rows, "text") == [2]


@needs_shared
def test_real_rows_against_all_pairs() -> None:
    """Rows about the same contexts, each pair compared by brute force. Pairs within 0.05 of the limit may go either way."""
    path = DATA / "datasets" / "t0_train_50k_per_template" / "quoref_Found_Context_Online.jsonl"
    from tests.engine.data.quality.looking import shared_rows

    rows = shared_rows(path)
    sets = [set(shingles(units(r["prompt"])) + shingles(units(r["completion"]))) for r in rows]
    answers = [set(shingles(units(r["completion"]))) for r in rows]

    def alike(i: int, j: int, least: float, of_answers: float) -> bool:
        whole = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        return whole >= least and len(answers[i] & answers[j]) >= of_answers * len(answers[i] | answers[j])

    certain = {j + 1 for j in range(len(rows)) if any(alike(i, j, 0.85, 0.6) for i in range(j))}
    possible = {j + 1 for j in range(len(rows)) if any(alike(i, j, 0.75, 0.3) for i in range(j))}
    found = set(rows_found("near_duplicate", rows, "prompt_completion"))
    assert len(certain) == 104
    assert certain <= found <= possible
