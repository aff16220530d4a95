"""Characters that nobody sees, where they have no place; and where they have one."""

from __future__ import annotations

import pytest

from engine.data.quality.control import first_fault, name_of
from tests.engine.data.quality.looking import examined

IN_PLACE = [
    "tab\tand\nlines\r\n",
    "👩‍👩‍👧‍👦 family, 👩🏽‍💻 coder, 🏳️‍🌈 flag, ❤️‍🔥, ❤‍🔥",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f England",
    "می‌خواهم بروم، خانه‌ها",
    "क्‍ष क्‌ष শ্রী র‍্য",
    "ភាសា\u200bខ្មែរ ไทย\u200bง่าย မြန်မာ\u200bစာ",
    "עברית \u200fوعربي\u200e marks of direction",
    "soft\u00adhyphen, no-break\u00a0space, narrow\u202fspace, line\u2028separator",
    "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",
]


@pytest.mark.parametrize("text", IN_PLACE)
def test_in_their_places(text: str) -> None:
    assert first_fault(text) is None


OUT_OF_PLACE = [
    ("bell\x07", "control character U+0007"),
    ("page\x0cbreak", "control character U+000C"),
    ("\x00", "control character U+0000"),
    ("del\x7f", "delete"),
    ("next\x85line", "control character U+0085"),
    ("rtl \u202eevil", "direction override"),
    ("isolate \u2066x\u2069", "direction override"),
    ("zero\u200bwidth", "zero-width space"),
    ("中文\u200b中文", "zero-width space"),
    ("join\u200der", "zero-width joiner"),
    ("\u200cstart", "zero-width non-joiner"),
    ("word\u2060joiner", "word joiner"),
    ("lost \ufffd character", "replacement character U+FFFD"),
    ("hidden \U000e0068\U000e0069", "tag character"),
    ("f\u2061(x)", "zero-width character"),
]


@pytest.mark.parametrize(("text", "name"), OUT_OF_PLACE)
def test_out_of_place(text: str, name: str) -> None:
    at = first_fault(text)
    assert at is not None
    assert name_of(text[at]) == name


def test_rows_are_found_and_kinds_are_counted() -> None:
    rows = [
        {"question": "a", "answer": "sound"},
        {"question": "a", "answer": "x\x1b[31m and \ufffd and \ufffd"},
        {"question": "a\ufffd", "answer": "b"},
    ]
    report = examined(rows, "question_answer", "control_characters")
    assert report.rows_of("control_characters").tolist() == [2, 3]
    (finding,) = report.findings
    assert finding.title.endswith("(replacement character U+FFFD 2, control character U+001B 1)")
    assert finding.samples[0] == "row 2: control character U+001B in answer: x␛[31m and � and �"
    assert not any(char in sample for sample in finding.samples for char in "\x1b\u202e")


def test_evidence_hides_secrets_and_addresses() -> None:
    token, address = "ghp_" + "a1B2c3D4e5F6" * 3, "anna.schmidt@firma-berlin.de"
    text = f"see\u200b {token} \ufeff {address} cafÃ© mÃ¼de"
    for rule in ("control_characters", "byte_order_mark", "mojibake"):
        (finding,) = examined([{"text": text}], "text", rule).findings
        assert finding.rows == 1
        assert token not in str(finding)
        assert address not in str(finding)
        assert "ghp_•" in str(finding) or "anna•" in str(finding)
