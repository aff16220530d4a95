"""E-mail addresses of people, and what has an @ without being one."""

from __future__ import annotations

import pytest

from engine.data.quality.personal import address_in, masked
from tests.engine.data.quality.looking import examined

FOUND = [
    ("Write to jane.doe@web.de, please.", "jane.doe@web.de"),
    ("邮箱：li_hua+work@mail.qq.com。", "li_hua+work@mail.qq.com"),
    ("<a href='mailto:x1@y.co.uk'>", "x1@y.co.uk"),
    ("(Иван: ivan@почта.рф или ivan-2@mail.ru)", "ivan-2@mail.ru"),
    ("first a@example.com, then bob@corp.io", "bob@corp.io"),
    ('"mail": "line\\nanna@post.at"', "anna@post.at"),
]


@pytest.mark.parametrize(("text", "address"), FOUND)
def test_addresses(text: str, address: str) -> None:
    assert address_in(text) == address


SOUND = [
    "@app.route('/x') and user.py@property",
    "@jane on the net, @jane@mastodon.social",
    "jane.doe@example.com, x@sub.example.org, me@test.example, a@localhost",
    "yourname@yourdomain.com",
    "git@github.com:org/repo.git",
    "web3@1.3.0/dist/web3.min.js and icon@2x.png",
    "postgres://app:word@db.internal.net/shop",
    "1 @-@ 2 @,@ 3 @.@ 4",
    "5 @ 3.50 each, R@D, a@b",
    "\\n@app.route",
]


@pytest.mark.parametrize("text", SOUND)
def test_what_is_no_address_of_a_person(text: str) -> None:
    assert address_in(text) == ""


def test_the_evidence_is_masked() -> None:
    assert masked("jane.doe@mail.web.de") == "j…@m….de"
    rows = [{"question": "who?", "answer": "jane.doe@web.de"}, {"question": "a@b.io", "answer": ""}]
    report = examined(rows, "question_answer", "email")
    assert report.rows_of("email").tolist() == [1, 2]
    assert report.findings[0].samples == ["row 1: answer: j…@w….de", "row 2: question: a…@b….io"]
