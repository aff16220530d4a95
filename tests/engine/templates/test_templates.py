"""Templates: what is learned, what inference sends, and that both are the same text."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.data import DataSection
from engine.data.conversation import Conversation, Message
from engine.errors import ConfigError, TemplateError
from engine.templates import choose, make
from engine.templates.tokenizer_template import TokenizerTemplate
from tests.shared import DATA, needs_shared

QUESTION = Conversation("d:1", (Message("user", "Why?", "question"), Message("assistant", "So.", "answer")))
CHAT = Conversation(
    "d:2",
    (
        Message("system", "Be kind.", "messages[0]"),
        Message("user", "Hi", "messages[1]"),
        Message("assistant", "Hello", "messages[2]"),
        Message("user", "Bye", "messages[3]"),
        Message("assistant", "Farewell", "messages[4]"),
    ),
)
SECTION = DataSection(path="d.jsonl")

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKED_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }};{% endgeneration %}"
    "{% else %}{{ m.role }}:{{ m.content }};{% endif %}{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
)
FORGETFUL_TEMPLATE = (
    "{% for m in messages %}{{ m.role }}:{% if loop.last %}{{ m.content }}{% else %}…{% endif %};{% endfor %}"
)


class FakeTokenizer:
    """Only what a chat template needs; rendering is transformers' own."""

    all_special_tokens = ["<|im_start|>", "<|im_end|>"]
    special_tokens_map: dict[str, str] = {}
    added_tokens_decoder: dict[int, Any] = {}

    def __init__(self, chat_template: str | None) -> None:
        self.chat_template = chat_template

    def apply_chat_template(
        self, messages: Any, tokenize: bool, add_generation_prompt: bool, tools: list[Any] | None = None, **given: Any
    ) -> str:
        from transformers.utils.chat_template_utils import render_jinja_template

        assert not tokenize
        rendered, _ = render_jinja_template(
            conversations=[messages],
            tools=tools,
            chat_template=given.pop("chat_template", self.chat_template),
            add_generation_prompt=add_generation_prompt,
            **given,
        )
        return str(rendered[0])


def learned(template: Any, conversation: Conversation, supervise: Any = "assistant") -> list[str]:
    return [s.text for s in template.render(conversation, supervise).segments if s.supervised]


@pytest.mark.parametrize("name", ["qa", "alpaca", "plain", "chatml"])
def test_a_prompt_is_the_beginning_of_what_is_trained(name: str) -> None:
    template = make(name, None, SECTION)
    row, prompt = template.render(QUESTION, "assistant"), template.prompt(QUESTION)
    assert row.text.startswith(prompt.text)
    assert row.text[len(prompt.text) :].startswith("So.")
    assert row.end_with_eos
    assert not prompt.end_with_eos


def test_only_the_answer_is_learned_by_default() -> None:
    assert learned(make("qa", None, SECTION), QUESTION) == ["So."]
    assert learned(make("chatml", None, SECTION), CHAT) == ["Hello", "<|im_end|>", "Farewell", "<|im_end|>"]
    assert learned(make("chatml", None, SECTION), CHAT, "last") == ["Farewell", "<|im_end|>"]
    whole = make("qa", None, SECTION).render(QUESTION, "all")
    assert all(s.supervised for s in whole.segments)


def test_context_has_its_own_place() -> None:
    row = Conversation(
        "d:1", (Message("user", "Sum it up.\n\nLong text.", "instruction"), Message("assistant", "Short.", "output")),
        context="Long text.",
    )  # fmt: skip
    text = make("alpaca", None, SECTION).render(row, "assistant").text
    assert "### Instruction:\nSum it up.\n\n### Input:\nLong text.\n\n### Response:\nShort." in text
    assert "paired with an input" in text


def test_a_pair_template_refuses_a_long_conversation() -> None:
    with pytest.raises(TemplateError, match=r'template = "chatml"'):
        make("qa", None, SECTION).render(CHAT, "assistant")


def test_a_custom_template_fills_columns_and_nothing_else() -> None:
    section = DataSection(path="d", template="custom", prompt="EN {{x}}: {en} ({n})\nFR:", completion=" {fr}")
    template = make("custom", None, section)
    row = Conversation("d:1", (), {"en": "cat {fr}", "fr": "chat", "n": 3})
    assert template.render(row, "assistant").text == "EN {x}: cat {fr} (3)\nFR: chat"
    assert learned(template, row) == [" ", "chat"]
    with pytest.raises(TemplateError, match=r"names \{fr\}.*Its columns are en, n"):
        template.render(Conversation("d:2", (), {"en": "cat", "n": 1}), "assistant")
    with pytest.raises(TemplateError, match="no text"):
        template.render(Conversation("d:3", (), {"en": None, "fr": "x", "n": 1}), "assistant")
    for bad in ("{en.__class__}", "{0[a]}", "{en!r}", "{en", "{}"):
        with pytest.raises(ConfigError):
            make("custom", None, DataSection(path="d", template="custom", prompt=bad, completion="{fr}"))


@pytest.mark.parametrize("text", [CHAT_TEMPLATE, MARKED_TEMPLATE])
def test_a_tokenizers_template_is_used_as_it_is(text: str) -> None:
    template = TokenizerTemplate(FakeTokenizer(text))
    row = template.render(CHAT, "assistant")
    assert row.text == FakeTokenizer(text).apply_chat_template(
        [{"role": m.role, "content": m.content} for m in CHAT.messages], tokenize=False, add_generation_prompt=False
    )
    assert not row.add_special_tokens
    end = "<|im_end|>" if text is CHAT_TEMPLATE else ";"
    assert "".join(learned(template, CHAT)) == f"Hello{end}Farewell{end}"
    assert "".join(learned(template, CHAT, "last")) == f"Farewell{end}"
    assert [s.source for s in row.segments if s.role == "user"] == ["messages[1]", "messages[3]"]
    assert row.text.startswith(template.prompt(CHAT).text)


def test_only_what_is_learned_has_to_be_told_apart() -> None:
    """A template that rewrites earlier turns is no obstacle where everything is learned."""
    template = TokenizerTemplate(FakeTokenizer(FORGETFUL_TEMPLATE))
    assert all(s.supervised for s in template.render(CHAT, "all").segments)


def test_a_conversation_that_opens_with_an_answer() -> None:
    opening = Conversation("d:3", (Message("assistant", "Welcome", "messages[0]"), *CHAT.messages[1:]))
    assert "".join(learned(TokenizerTemplate(FakeTokenizer(CHAT_TEMPLATE)), opening)).startswith(
        "Welcome<|im_end|>Hello"
    )


def test_a_sample_goes_through_a_custom_template() -> None:
    typed = Conversation("prompt", (Message("user", "cat", "prompt"),))
    section = DataSection(path="d", template="custom", prompt="EN: {en}\nFR:", completion=" {fr}")
    assert make("custom", None, section).prompt(typed).text == "EN: cat\nFR:"
    two = DataSection(path="d", template="custom", prompt="{a} {b}", completion="{fr}")
    with pytest.raises(TemplateError, match="has 2 columns"):
        make("custom", None, two).prompt(typed)


def test_a_template_that_hides_the_answer_is_an_error_not_an_empty_mask() -> None:
    with pytest.raises(TemplateError, match="be told apart"):
        TokenizerTemplate(FakeTokenizer(FORGETFUL_TEMPLATE)).render(CHAT, "assistant")
    with pytest.raises(TemplateError, match="has no chat template"):
        TokenizerTemplate(FakeTokenizer(None))
    with pytest.raises(TemplateError, match="refuses this row: no"):
        TokenizerTemplate(FakeTokenizer("{{ raise_exception('no') }}")).render(CHAT, "assistant")


def test_auto_says_why() -> None:
    bare, chatty = FakeTokenizer(None), FakeTokenizer(CHAT_TEMPLATE)
    assert choose("auto", "question_answer", True, bare)[0] == "qa"
    assert choose("auto", "alpaca", True, bare)[0] == "alpaca"
    assert choose("auto", "messages", False, bare)[0] == "chatml"
    assert choose("auto", "messages", False, chatty) == ("tokenizer", "the tokenizer has a chat template")
    assert choose("auto", "prompt_completion", True, chatty)[0] == "plain"
    assert choose("qa", "text", True, chatty) == ("qa", "named in the run file")


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "qwen2", "minimind"])
def test_real_chat_templates_show_their_answers(name: str) -> None:
    from engine.tokens.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(DATA / "tokenizers" / name)
    template = TokenizerTemplate(tokenizer)
    assert "".join(learned(template, QUESTION)).startswith("So.<|im_end|>")
    assert template.render(QUESTION, "assistant").text.startswith(template.prompt(QUESTION).text.rstrip())
