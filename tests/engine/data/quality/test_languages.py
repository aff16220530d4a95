"""Languages: told by script for all rows, by words within a script; mixtures that belong together stay."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.quality import languages
from engine.data.quality.identify import (
    LANGUAGE_NAMES,
    ONE_LANGUAGE,
    TOLD_APART,
    UNSURE,
    identify,
    script_number,
    words_of,
)
from engine.data.quality.scripts import NONE, SCRIPTS, script_of
from tests.engine.data.quality.looking import examined, rows_found

ENGLISH = "The quick brown fox jumps over the lazy dog, and then it goes home to have dinner with its friends."
TEXTS = {
    "en": ENGLISH,
    "de": "Der schnelle braune Fuchs springt über den faulen Hund und geht danach mit seinen Freunden nach Hause.",
    "fr": "Le rapide renard brun saute par-dessus le chien paresseux, puis il rentre dîner chez lui avec ses amis.",
    "es": "El rápido zorro marrón salta sobre el perro perezoso y luego se va a su casa para cenar con sus amigos.",
    "fi": "Nopea ruskea kettu hyppää laiskan koiran yli ja menee sen jälkeen kotiin syömään illallista ystävien kanssa.",
    "ru": "Быстрая коричневая лиса перепрыгивает через ленивую собаку и идёт домой ужинать вместе со своими друзьями.",
    "uk": "Швидка коричнева лисиця перестрибує через ледачого собаку і йде додому вечеряти разом зі своїми друзями.",
    "zh": "敏捷的棕色狐狸跳过了懒狗，然后回家和朋友们一起吃晚饭，大家都觉得这是非常愉快的一天。",
    "ja": "すばやい茶色の狐はのろまな犬を飛び越えて、それから友だちと一緒に夕食を食べるために家に帰りました。",
    "ko": "빠른 갈색 여우가 게으른 개를 뛰어넘은 다음 친구들과 함께 저녁을 먹으러 집으로 돌아갔습니다.",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول ثم يعود إلى البيت ليتناول العشاء مع أصدقائه في المساء.",
    "fa": "روباه قهوه‌ای سریع از روی سگ تنبل می‌پرد و سپس به خانه می‌رود تا با دوستانش شام بخورد و استراحت کند.",
    "hi": "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर से कूदती है और फिर अपने दोस्तों के साथ खाना खाने घर जाती है।",
    "el": "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί και μετά πηγαίνει στο σπίτι για φαγητό.",
    "th": "สุนัขจิ้งจอกสีน้ำตาลที่ว่องไวกระโดดข้ามสุนัขขี้เกียจแล้วกลับบ้านไปกินข้าวเย็นกับเพื่อน",
}


@pytest.mark.parametrize("code", TEXTS)
def test_every_language_is_told(code: str) -> None:
    report = examined([{"text": TEXTS[code]}] * 3, "text", "other_language")
    assert report.languages == {code: 3}
    assert report.findings == []


@pytest.mark.parametrize("main", ["en", "zh", "ja", "ru", "ar"])
def test_rows_in_other_languages_are_found(main: str) -> None:
    others = [code for code in TEXTS if code != main]
    rows = [{"text": TEXTS[main]}] * 20 + [{"text": TEXTS[code]} for code in others]
    report = examined(rows, "text", "other_language")
    assert report.rows_of("other_language").tolist() == list(range(21, 21 + len(others)))
    assert report.languages == {main: 20, **dict.fromkeys(others, 1)}
    (finding,) = report.findings
    assert finding.title.startswith(f"Another language than {LANGUAGE_NAMES[main]} (")
    assert finding.samples[0].startswith("row 21: ")


CODE = "```python\ndef main(argument_list):\n    for name in argument_list:\n        print(name)\n```\n"
MIXED = [
    ("zh", "请用 Python 写一个函数，读取参数列表并逐个打印：\n" + CODE * 5),
    ("zh", "把这句话翻译成英文：" + TEXTS["zh"] + "\n" + ENGLISH),
    (
        "zh",
        "请介绍 Machine Learning、Deep Learning 和 Reinforcement Learning 的区别，以及 PyTorch 和 TensorFlow 的优缺点。",
    ),
    ("en", ENGLISH + " The Chinese word for fox is 狐狸, the Russian one is лиса."),
    ("en", "Explain this code.\n" + CODE * 3 + ENGLISH),
    ("ja", "次の文を要約してください。" + TEXTS["ja"] + " The End of Evangelion (1997)"),
    ("ru", "Объясните разницу между TCP и UDP простыми словами для начинающих: HTTP, DNS, TLS, SSH."),
    ("en", "1 + 1 = 2, and 2 * 2 = 4."),
    ("en", "Übung"),
]


@pytest.mark.parametrize(("main", "text"), MIXED)
def test_mixtures_and_short_texts_are_no_other_language(main: str, text: str) -> None:
    rows = [{"text": TEXTS[main]}] * 20 + [{"text": text}]
    assert rows_found("other_language", rows, "text") == []


def test_the_answer_says_the_language_and_the_system_text_does_not() -> None:
    def row(system: str, question: str, answer: str) -> dict[str, Any]:
        return {"system_prompt": system, "question": question, "response": answer}

    rows = [row("", ENGLISH, ENGLISH)] * 9 + [
        row(ENGLISH * 5, TEXTS["de"], TEXTS["de"]),
        row(TEXTS["zh"], ENGLISH, ENGLISH),
    ]
    assert rows_found("other_language", rows, "question_response") == [10]


def test_a_sample_is_the_same_each_time_and_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "SAMPLE", 50)
    rows = [{"text": TEXTS["de" if i % 10 == 3 else "en"]} for i in range(1000)] + [{"text": TEXTS["zh"]}] * 2
    unexpected = examined(rows, "text")
    again, expected = examined(rows, "text"), examined(rows, "text", expected_rows=1002)
    found = unexpected.rows_of("other_language").tolist()
    assert found == again.rows_of("other_language").tolist()
    assert {1001, 1002} <= set(found)  # the script of every row is looked at
    assert len(found) < 20
    assert "looks at every row" in unexpected.notes[0]
    assert "looks at every row" in expected.notes[0]
    assert unexpected.languages["zh"] == 2
    assert sum(unexpected.languages.values()) == pytest.approx(1002, abs=2)
    assert unexpected.languages["de"] == pytest.approx(100, abs=60)


def test_whoever_leaves_rows_out_has_every_row_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "SAMPLE", 10)
    rows = [{"text": TEXTS["de" if i % 10 == 3 else "en"]} for i in range(200)]
    report = examined(rows, "text", "other_language")
    assert report.rows_of("other_language").tolist() == [i + 1 for i in range(200) if i % 10 == 3]
    assert report.notes == []


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (ENGLISH, "Latin"),
        (TEXTS["zh"], "Chinese characters"),
        (TEXTS["ja"], "Japanese"),
        (TEXTS["ja"] + TEXTS["zh"] * 4, "Chinese characters"),
        (TEXTS["zh"] + ENGLISH * 3, "Chinese characters"),
        (ENGLISH * 8 + "狐狸", "Latin"),
        ("0123456789 + - * / " * 20, ""),
        ("𝒳 ∀ ∃ → ✓ 👍 " * 20, ""),
    ],
)  # fmt: skip
def test_scripts(text: str, script: str) -> None:
    assert SCRIPTS[script_of(text)[0]] == script


def test_words_leave_out_code_links_and_numbers() -> None:
    text = "See `x_y` at https://a.b/c or {name} in 2024:\n```\nfor i in range(3)\n```\nthen go on."
    assert words_of(text, "Latin") == "See at or in then go on."
    assert words_of("Центральное design бюро", "Latin") == "design"
    assert words_of("Центральное design бюро", "Cyrillic") == "Центральное бюро"
    assert identify("too short", "Latin") == (UNSURE, 0.0)


def test_the_tables_of_languages_and_scripts_agree() -> None:
    assert set(ONE_LANGUAGE) | set(TOLD_APART) == set(SCRIPTS) - {SCRIPTS[NONE]}
    for script, codes in TOLD_APART.items():
        for code in codes.split():
            assert SCRIPTS[script_number(code)] == script
