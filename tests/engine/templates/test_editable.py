"""Templates as text to edit: the same rows give the same text with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config.data import DataSection
from engine.data.conversation import Conversation
from engine.data.formats import format_named
from engine.data.rows import Row
from engine.templates import make
from engine.templates.editable import Editable, editable
from engine.templates.pair import PairTemplate
from engine.templates.tokenizer_template import TokenizerTemplate
from tests.engine.templates.talks import said
from tests.engine.templates.test_templates import CHAT_TEMPLATE, FakeTokenizer
from tests.engine.tokens.shared_tokenizer import tokenizer

SECTION = DataSection(path="d.jsonl")
ROW = Row("d:1", {"q": "Why {x}?", "a": "So.", "more": "It was.", "sys": "Be kind."})


def rendered(found: Editable, row: Row) -> tuple[str, list[str]]:
    section = DataSection(path="d", template="custom", prompt=found.prompt, completion=found.completion)
    out = make("custom", None, section).render(Conversation(row.origin, (), row.values), "assistant")
    return out.text, [s.text for s in out.segments if s.supervised]


@pytest.mark.parametrize("name", ["qa", "alpaca", "plain"])
@pytest.mark.parametrize("more", [{}, {"context": "more"}, {"system": "sys"}, {"context": "more", "system": "sys"}])
def test_a_pair_template_becomes_a_custom_one(name: str, more: dict[str, str]) -> None:
    form = format_named("question_answer")
    columns: dict[Any, str] = {"prompt": "q", "answer": "a", "context": "none", "system": "none", **more}
    found = editable(name, None, SECTION, columns, ROW.values)
    own = make(name, None, SECTION).render(form.convert(ROW, columns)[0], "assistant")
    assert rendered(found, ROW) == (own.text, ["So."])
    assert ("{more}" in found.note, "{sys}" in found.note) == ("context" in more, "system" in more)


def test_braces_in_words_stay_words() -> None:
    template = PairTemplate(name="odd", question="{ {{x}} ", context="", answer="}")
    from engine.templates.editable import _custom

    assert rendered(_custom(template, {"prompt": "q", "answer": "a"}), ROW)[0] == "{ {{x}} Why {x}?}So."


def test_running_text_is_all_completion() -> None:
    found = editable("plain", None, SECTION, {"text": "a"})
    assert (found.kind, found.prompt, found.completion) == ("custom", "", "{a}")
    assert rendered(found, ROW) == ("So.", ["So."])


@pytest.mark.parametrize("name", ["chatml", "llama3", "mistral"])
def test_templates_of_conversations_become_jinja(name: str) -> None:
    found = editable(name, tokenizer(), SECTION, {"messages": "messages"})
    assert found.kind == "jinja"
    assert "{% generation %}" in found.note
    row = said(("user", "Hi"), ("assistant", "Yes"))
    fake = FakeTokenizer(found.jinja)
    fake.special_tokens_map = tokenizer().special_tokens_map
    own, other = (
        make(name, tokenizer(), SECTION).render(row, "assistant"),
        TokenizerTemplate(fake).render(row, "assistant"),
    )
    assert own.text == other.text


def test_what_can_be_edited_already_and_what_cannot() -> None:
    own = DataSection(path="d", template="custom", prompt="{a}", completion="{b}")
    assert editable("custom", None, own, {}) == Editable("custom", "{a}", "{b}")
    assert editable("tokenizer", FakeTokenizer(CHAT_TEMPLATE), SECTION, {}).jinja == CHAT_TEMPLATE
    for found, why in (
        (editable("tokenizer", FakeTokenizer(None), SECTION, {}), "has no chat template"),
        (editable("none", None, SECTION, {"ids": "ids"}), "come as tokens"),
        (editable("qa", None, SECTION, {"messages": "messages"}), "more than one column"),
        (editable("qa", None, SECTION, {"prompt": "q", "answer": "a", "choices": "c"}), "more than one column"),
        (editable("qa", None, SECTION, {"prompt": "a.b", "answer": "a"}), "'a.b' cannot stand in braces"),
    ):
        assert found.kind == "none"
        assert why in found.note


def test_it_goes_through_a_file(tmp_path: Path) -> None:
    from engine.templates.chat_file import read_chat_template

    found = editable("mistral", tokenizer(), SECTION, {})
    path = tmp_path / "t.jinja"
    path.write_text(found.jinja, encoding="utf-8")
    assert read_chat_template(path) == found.jinja
