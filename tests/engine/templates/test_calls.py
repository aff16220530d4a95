"""Weights and calls of functions in templates: what is learned, what a tokenizer's template is given, what others write."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.data import DataSection
from engine.data.conversation import Conversation, Message, TokenIds, ToolCall
from engine.errors import ConfigError, TemplateError
from engine.templates import choose, make
from engine.templates.base import Supervise, Template
from engine.templates.tokenizer_template import TokenizerTemplate
from tests.engine.templates.test_templates import CHAT_TEMPLATE, MARKED_TEMPLATE, FakeTokenizer, learned
from tests.shared import DATA, needs_shared

SECTION = DataSection(path="d.jsonl")
TOOLS = ({"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},)
CALLING = Conversation(
    "d:1",
    (
        Message("user", "Weather?", "messages[0]"),
        Message("assistant", "", "messages[1]", tool_calls=(ToolCall("weather", '{"city": "Oslo"}', "c1"),)),
        Message("tool", "rain", "messages[2]", name="weather", tool_call_id="c1"),
        Message("assistant", "It rains.", "messages[3]"),
    ),
    tools=TOOLS,
)
WEIGHED = Conversation(
    "d:2",
    (
        Message("user", "One?", "messages[0]"),
        Message("assistant", "Wrong.", "messages[1]", weight=0),
        Message("user", "Two?", "messages[2]"),
        Message("assistant", "Right.", "messages[3]"),
    ),
)
TOOL_TEMPLATE = (
    "{% if tools %}TOOLS{% for t in tools %} {{ t.function.name }}{% endfor %};{% endif %}"
    "{% for m in messages %}{{ m.role }}{% if m.name %}({{ m.name }}/{{ m.tool_call_id }}){% endif %}:{{ m.content }}"
    "{% for c in m.tool_calls or [] %}[{{ c.id }} {{ c.function.name }} {{ c.function.arguments.city }}]{% endfor %};"
    "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


def chat_templates() -> list[Template]:
    made = [TokenizerTemplate(FakeTokenizer(text)) for text in (CHAT_TEMPLATE, MARKED_TEMPLATE)]
    return [make("chatml", None, SECTION), *made]


@pytest.mark.parametrize("supervise", ["assistant", "last", "all"])
def test_a_message_of_weight_0_is_shown_and_not_learned(supervise: Supervise) -> None:
    for template in chat_templates():
        row = template.render(WEIGHED, supervise)
        wrong = [s for s in row.segments if s.source == "messages[1]"]
        assert [s.text for s in wrong] == ["Wrong."]
        assert not wrong[0].supervised
        text = "".join(learned(template, WEIGHED, supervise))
        assert "Right." in text
        assert "Wrong" not in text
        assert ("One?" in text) == (supervise == "all")
        assert row.text == template.render(WEIGHED, "assistant").text


def test_the_end_of_an_answer_that_is_not_learned_is_not_learned_either() -> None:
    for template in chat_templates():
        segments = template.render(WEIGHED, "all").segments
        after = segments[[s.source for s in segments].index("messages[1]") + 1]
        assert after.text[0] in "<;"
        assert not after.supervised


def test_the_last_answer_is_the_last_one_with_weight() -> None:
    messages = (*WEIGHED.messages, Message("user", "Three?", "m"), Message("assistant", "Bad.", "m", weight=0))
    longer = Conversation("d:3", messages)
    for template in chat_templates():
        assert "".join(learned(template, longer, "last")).startswith("Right.")


def test_a_pair_of_weight_0_teaches_nothing() -> None:
    row = Conversation("d:4", (Message("user", "Why?", "q"), Message("assistant", "So.", "a", weight=0)))
    for name in ("qa", "alpaca", "plain"):
        assert "So." not in learned(make(name, None, SECTION), row)


def test_a_tokenizers_template_gets_calls_and_tools_as_it_expects_them() -> None:
    template = TokenizerTemplate(FakeTokenizer(TOOL_TEMPLATE))
    row = template.render(CALLING, "assistant")
    assert row.text == (
        "TOOLS weather;user:Weather?;assistant:[c1 weather Oslo];tool(weather/c1):rain;assistant:It rains.;"
    )
    assert learned(template, CALLING) == ["[c1 weather Oslo];", "It rains.", ";"]
    assert template.prompt(CALLING).text == row.text[: row.text.index("It rains.")]


def test_a_template_that_passes_over_functions_is_refused() -> None:
    template = TokenizerTemplate(FakeTokenizer(CHAT_TEMPLATE))
    with pytest.raises(TemplateError, match=r"d:1: .* does not write functions, and this row calls 'weather'.*chatml"):
        template.render(CALLING, "assistant")
    offered = Conversation("d:5", (CALLING.messages[0], CALLING.messages[3]), tools=TOOLS)
    with pytest.raises(TemplateError, match="this row offers 'weather'"):
        template.render(offered, "all")


def test_other_templates_write_functions_as_json() -> None:
    template = make("chatml", None, SECTION)
    row = template.render(CALLING, "assistant")
    definition = '{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}'
    assert row.text.startswith(
        f"<|im_start|>system\nFunctions:\n{definition}<|im_end|>\n<|im_start|>user\nWeather?<|im_end|>"
    )
    assert learned(template, CALLING) == [
        '{"name": "weather", "arguments": {"city": "Oslo"}}',
        "<|im_end|>",
        "It rains.",
        "<|im_end|>",
    ]
    assert row.text.startswith(template.prompt(CALLING).text)
    system = Conversation("d:6", (Message("system", "Be kind.", "system"), *CALLING.messages), tools=TOOLS)
    assert (
        f"<|im_start|>system\nBe kind.\n\nFunctions:\n{definition}<|im_end|>\n" in template.render(system, "last").text
    )
    once = Conversation("d:7", CALLING.messages[:2], tools=TOOLS)
    pair = make("qa", None, SECTION)
    assert pair.render(once, "assistant").text.startswith(f"Functions:\n{definition}\n\n### Question:\nWeather?")
    assert learned(pair, once) == ['{"name": "weather", "arguments": {"city": "Oslo"}}']


@needs_shared
def test_a_real_template_writes_calls() -> None:
    from engine.tokens.tokenizer import load_tokenizer

    template = TokenizerTemplate(load_tokenizer(DATA / "tokenizers" / "minimind"))
    row = template.render(CALLING, "assistant")
    text = "".join(learned(template, CALLING))
    assert '"arguments": {"city": "Oslo"}' in text
    assert "It rains." in text
    assert "rain</tool_response>" not in text
    assert row.text.count("weather") >= 2
    plain = TokenizerTemplate(load_tokenizer(DATA / "tokenizers" / "smollm2"))
    with pytest.raises(TemplateError, match="does not write functions"):
        plain.render(CALLING, "assistant")


def test_rows_that_come_as_tokens_have_no_template() -> None:
    assert choose("auto", "token_ids", False, None) == (
        "none",
        "rows come as tokens, and their labels are taken as they are",
    )
    with pytest.raises(ConfigError, match=r"template = 'chatml', but these rows come as tokens"):
        choose("chatml", "token_ids", False, None)
    template = make("none", None, SECTION)
    tokens = TokenIds((1, 2), (-100, 2))
    row = template.render(Conversation("d:1", (), tokens=tokens), "all")
    assert row.tokens is tokens
    assert (row.text, row.add_special_tokens, row.end_with_eos) == ("", False, False)
    assert template.prompt(Conversation("p", (Message("user", "Hi", "prompt"),))).text == "Hi"
    with pytest.raises(TemplateError, match="d:2 does not come as tokens"):
        template.render(Conversation("d:2", (Message("text", "x", "text"),)), "all")


def test_values_of_a_custom_template_are_not_touched_by_weights() -> None:
    section: Any = DataSection(path="d", template="custom", prompt="{a}", completion="{b}")
    assert learned(make("custom", None, section), Conversation("d:1", (), {"a": "x", "b": "y"})) == ["y"]
