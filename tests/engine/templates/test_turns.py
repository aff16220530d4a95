"""ChatML, Llama 3 and Mistral: what is written, one BOS, and that plain transformers writes the same by our Jinja."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.data import DataSection
from engine.data.conversation import Conversation, Message, ToolCall
from engine.errors import TemplateError
from engine.templates import TEMPLATES, Rendered, Template, make
from engine.templates.base import before_answer
from engine.templates.chat_rendering import turn_of
from engine.templates.chatml import ChatML
from engine.templates.llama3 import Llama3
from engine.templates.tokenizer_template import TokenizerTemplate
from tests.engine.templates.talks import in_any_order, in_turn, said, texts
from tests.engine.tokens.shared_tokenizer import tokenizer
from tests.shared import DATA, needs_shared

SECTION = DataSection(path="d.jsonl")
TURNS = ("chatml", "llama3", "mistral")
CHAT = said(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Farewell"))


def made(name: str) -> Template:
    return make(name, tokenizer(), SECTION)


def marked(template: Template, conversation: Conversation, generate: bool = False) -> tuple[str, list[tuple[int, int]]]:
    """What plain transformers writes by our Jinja, and what that marks as learned."""
    from transformers.utils.chat_template_utils import render_jinja_template

    rendered, marks = render_jinja_template(
        conversations=[[turn_of(m) for m in conversation.messages]],
        tools=list(conversation.tools) or None,
        chat_template=template.jinja,
        return_assistant_tokens_mask=True,
        add_generation_prompt=generate,
        **tokenizer().special_tokens_map,
    )
    return str(rendered[0]), [tuple(mark) for mark in marks[0]]


def learned_spans(rendered: Rendered) -> list[tuple[int, int]]:
    """First and one-past-last characters of what is learned, neighbours as one."""
    spans: list[tuple[int, int]] = []
    at = 0
    for segment in rendered.segments:
        end = at + len(segment.text)
        if segment.supervised and spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], end)
        elif segment.supervised:
            spans.append((at, end))
        at = end
    return spans


def learned(template: Template, conversation: Conversation, supervise: Any = "assistant") -> str:
    return "".join(s.text for s in template.render(conversation, supervise).segments if s.supervised)


def test_llama3_to_the_letter() -> None:
    row = made("llama3").render(said(("system", "Be kind."), ("user", " Hi\n"), ("assistant", "Hello ")), "assistant")
    assert row.text == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
    )
    assert learned(made("llama3"), CHAT) == "Hello<|eot_id|>Farewell<|eot_id|>"
    assert learned(made("llama3"), CHAT, "last") == "Farewell<|eot_id|>"


def test_mistral_to_the_letter() -> None:
    row = made("mistral").render(CHAT, "assistant")
    assert row.text == "<s>[INST] Be kind.\n\nHi[/INST] Hello</s>[INST] Bye[/INST] Farewell</s>"
    assert learned(made("mistral"), CHAT) == " Hello</s> Farewell</s>"
    assert [s.source for s in row.segments if s.source] == [f"messages[{i}]" for i in range(5)]
    assert made("mistral").prompt(CHAT).text == row.text[: row.text.index(" Farewell")]
    everything = made("mistral").render(CHAT, "all").segments
    assert all(s.supervised for s in everything[1:])


@pytest.mark.parametrize(
    "roles",
    [
        ("user", "user", "assistant"),
        ("assistant", "user"),
        ("system", "assistant"),
        ("system",),
        ("user", "tool", "assistant"),
        ("user", "system", "assistant"),
        ("user", "assistant", "assistant"),
    ],
)
def test_mistral_refuses_an_order_that_it_cannot_write(roles: tuple[Any, ...]) -> None:
    row = said(*((role, "x") for role in roles))
    with pytest.raises(TemplateError, match=rf'd:1: .* has the turns {", ".join(roles)}\. Use template = "chatml"'):
        made("mistral").render(row, "assistant")
    import jinja2

    with pytest.raises(jinja2.TemplateError):
        marked(made("mistral"), row)


@pytest.mark.parametrize("name", TURNS)
def test_rows_can_be_checked_before_the_tokenizer_is_there(name: str) -> None:
    template = make(name, None, SECTION)
    assert "Hello" in template.render(CHAT, "assistant").text
    assert "Bye" in template.prompt(CHAT).text
    if name == "mistral":
        with pytest.raises(TemplateError, match="d:1"):
            template.render(said(("user", "a"), ("user", "b")), "assistant")


def test_mistral_needs_an_end() -> None:
    class Endless:
        eos_token = None

    with pytest.raises(TemplateError, match="has none"):
        make("mistral", Endless(), SECTION)


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("adds_bos", [True, False])
def test_there_is_one_bos_whoever_adds_it(name: str, adds_bos: bool) -> None:
    mine = a_tokenizer(adds_bos)
    row = make(name, mine, SECTION).render(CHAT, "assistant")
    ids = mine(row.text, add_special_tokens=row.add_special_tokens)["input_ids"]
    assert ids.count(mine.bos_token_id) == (0 if name == "chatml" and not adds_bos else 1)
    assert ids[0] == mine.bos_token_id or (name == "chatml" and not adds_bos)
    assert ids == mine.apply_chat_template(
        [turn_of(m) for m in CHAT.messages], chat_template=make(name, mine, SECTION).jinja, return_dict=False
    )


def a_tokenizer(adds_bos: bool) -> Any:
    """A tokenizer whose BOS is that of Llama 3, and that adds it or not."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = [*Llama3.markers, *ChatML.markers, "</s>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.add_special_tokens(specials)
    bos = "<|begin_of_text|>"
    if adds_bos:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=bos, eos_token="</s>")


@pytest.mark.parametrize("name", TURNS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_plain_transformers_writes_the_same(name: str, data: st.DataObject) -> None:
    template = made(name)
    row = data.draw(in_turn() if name == "mistral" else in_any_order())
    rendered = template.render(row, "assistant")
    assert marked(template, row) == (rendered.text, learned_spans(rendered))
    asked = Conversation("d:1", before_answer(row))
    if asked.messages:  # transformers renders no conversation without a turn
        assert marked(template, asked, generate=True)[0] == template.prompt(row).text
    if row.messages[-1].role == "assistant" and (asked.messages or name != "mistral"):
        assert rendered.text.startswith(template.prompt(row).text)


@pytest.mark.parametrize("name", TURNS)
@settings(max_examples=25, deadline=None)
@given(system=st.booleans(), text=texts, calls=st.integers(0, 2))
def test_plain_transformers_writes_functions_the_same(name: str, system: bool, text: str, calls: int) -> None:
    call = ToolCall("wetter", '{"ort": "Zürich", "n": [1, 2.5, null]}', "c1")
    turns = (
        *([Message("system", text, "s")] if system else []),
        Message("user", "How?", "u"),
        Message("assistant", text, "a", tool_calls=(call,) * calls),
        Message("tool", "rain", "t", name="wetter", tool_call_id="c1"),
        Message("assistant", "It rains.", "b"),
    )
    tools = ({"type": "function", "function": {"name": "wetter", "description": "a 'quoted' ü"}},)
    row = Conversation("d:1", turns, tools=tools)
    rendered = made(name).render(row, "assistant")
    assert marked(made(name), row) == (rendered.text, learned_spans(rendered))
    assert '"arguments": {"ort": "Zürich", "n": [1, 2.5, null]}' in rendered.text or not calls


@pytest.mark.parametrize("name", TURNS)
def test_its_jinja_is_a_chat_template_like_any_other(name: str) -> None:
    """The tokenizer's own template, were it this one, would learn the same."""
    mine = a_tokenizer(True)
    template = make(name, mine, SECTION)
    mine.chat_template = template.jinja
    own = TokenizerTemplate(mine)
    for supervise in ("assistant", "last"):
        one, other = template.render(CHAT, supervise), own.render(CHAT, supervise)
        assert learned_spans(one) == learned_spans(other)
        assert one.text == other.text
        assert [(s.text, s.source) for s in one.segments if s.source] == [
            (s.text, s.source) for s in other.segments if s.source
        ]


@pytest.mark.parametrize("name", ["chatml", "llama3"])
def test_a_prompt_behind_another_answer_is_the_beginning_of_the_row(name: str) -> None:
    row = said(("user", "Hi"), ("assistant", "One"), ("assistant", "Two"))
    template = made(name)
    whole = template.render(row, "assistant").text
    assert whole.startswith(template.prompt(row).text)
    assert whole[len(template.prompt(row).text) :].startswith("Two")


@pytest.mark.parametrize("name", TURNS)
def test_weights_count(name: str) -> None:
    weighed = Conversation(
        "d:1",
        tuple(
            Message(m.role, m.content, m.source, 0.0 if m.content == "Hello" else 1.0)
            for m in CHAT.messages
        ),
    )  # fmt: skip
    assert "Hello" not in learned(made(name), weighed)
    assert "Farewell" in learned(made(name), weighed)
    assert "Hello" not in learned(made(name), weighed, "all")
    assert "Bye" in learned(made(name), weighed, "all")


def test_every_template_says_which_tokens_it_means() -> None:
    section = DataSection(path="d", template="custom", prompt="{a}", completion="{b}")
    mine = a_tokenizer(True)
    mine.chat_template = "{{ messages }}"
    for name in TEMPLATES:
        template = make(name, mine, section)
        assert (template.markers, template.end) == {
            "chatml": (("<|im_start|>", "<|im_end|>"), "<|im_end|>"),
            "llama3": (
                ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
                "<|eot_id|>",
            ),
        }.get(name, ((), None))
        assert (template.jinja is None) == (name not in (*TURNS, "tokenizer"))


@needs_shared
def test_real_tokenizers_get_one_bos() -> None:
    from engine.tokens.tokenizer import load_tokenizer

    for folder in ("models/stories260K-hf", "tokenizers/smollm2", "tokenizers/qwen2", "tokenizers/phi2"):
        real = load_tokenizer(DATA / folder)
        for name in TURNS:
            template = make(name, real, SECTION)
            text = template.render(CHAT, "assistant").text
            ids = real(text, add_special_tokens=False)["input_ids"]
            assert ids == real.apply_chat_template(
                [turn_of(m) for m in CHAT.messages], chat_template=template.jinja, return_dict=False
            )
            if folder.endswith("stories260K-hf") and name != "llama3":
                assert ids.count(real.bos_token_id) == 1
                assert ids[0] == real.bos_token_id
