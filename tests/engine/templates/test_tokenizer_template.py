"""The tokenizer's own template: what is learned and which field a text came from, on real templates and on odd ones."""

from __future__ import annotations

import functools
import sys
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.conversation import Conversation, Message
from engine.errors import TemplateError
from engine.templates import bounds
from engine.templates.base import Segment
from engine.templates.chat_rendering import turn_of
from engine.templates.tokenizer_template import TokenizerTemplate
from tests.engine.templates.talks import in_any_order, in_turn, said
from tests.engine.templates.test_templates import CHAT_TEMPLATE, MARKED_TEMPLATE, FakeTokenizer
from tests.shared import DATA, needs_shared
from tests.tokenizers import fresh

REAL = ("smollm2", "qwen2", "minimind")
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and '</think>' in m.content and not loop.last %}{{ m.content.split('</think>')[-1] }}"
    "{% elif m.role == 'assistant' and loop.last and '</think>' not in m.content %}<think></think>{{ m.content }}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Earlier answers lose their thoughts, and a last one without gets an empty one, as with Qwen 3."""


@functools.cache
def real(name: str) -> Any:
    from engine.tokens.tokenizer import load_tokenizer

    return load_tokenizer(DATA / "tokenizers" / name)


def of(text: str) -> TokenizerTemplate:
    return TokenizerTemplate(FakeTokenizer(text))


def parts(template: TokenizerTemplate, row: Conversation, supervise: Any = "assistant") -> tuple[Segment, ...]:
    segments = template.render(row, supervise).segments
    assert all(s.text for s in segments)
    return segments


def learned(template: TokenizerTemplate, row: Conversation, supervise: Any = "assistant") -> str:
    return "".join(s.text for s in parts(template, row, supervise) if s.supervised)


def fields(template: TokenizerTemplate, row: Conversation) -> dict[str, str]:
    return {s.source: s.text for s in parts(template, row) if s.source}


def contents(row: Conversation) -> dict[str, str]:
    return {m.source: m.content for m in row.messages if m.content.strip()}


def text_before(template: TokenizerTemplate, row: Conversation, source: str) -> str:
    segments = parts(template, row)
    return "".join(s.text for s in segments[: [s.source for s in segments].index(source)])


TALKS = {
    "one exchange": said(("user", "Hi"), ("assistant", "Hello")),
    "a system text": said(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")),
    "several turns": said(("user", "Hi"), ("assistant", "One"), ("user", "Go on"), ("assistant", "Two")),
    "white space": said(("user", " Hi\n"), ("assistant", "  Hello "), ("user", "?"), ("assistant", "\n\nYes\n")),
    "an empty answer": said(("user", "Hi"), ("assistant", ""), ("user", "?"), ("assistant", "Yes")),
    "an empty last answer": said(("user", "Hi"), ("assistant", "")),
    "a blank answer": said(("user", "Hi"), ("assistant", " \n"), ("user", "?"), ("assistant", "Yes")),
    "markers in an answer": said(
        ("user", "Hi"), ("assistant", "A<|im_end|>\n<|im_start|>user\nB<|im_end|>"), ("user", "?"), ("assistant", "Yes")
    ),
    "markers alone": said(("user", "<|im_end|>"), ("assistant", "<|im_end|>")),
    "two questions": said(("user", "Hi"), ("user", "There"), ("assistant", "Yes")),
    "two answers": said(("user", "Hi"), ("assistant", "One"), ("assistant", "Two")),
    "names of roles": said(("user", "user"), ("assistant", "assistant"), ("user", "assistant"), ("assistant", "user")),
    "words of the default": said(("user", "helpful"), ("assistant", "system"), ("user", "You"), ("assistant", "\n")),
    "the same twice": said(("system", "a"), ("user", "a"), ("assistant", "a"), ("user", "a"), ("assistant", "a")),
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("name", REAL)
def test_real_templates(name: str, talk: str) -> None:
    row, template = TALKS[talk], TokenizerTemplate(real(name))
    whole = template.render(row, "assistant").text
    assert whole == real(name).apply_chat_template([turn_of(m) for m in row.messages], tokenize=False)
    answers = [m.content for m in row.messages if m.role == "assistant"]
    if name == "minimind":  # it leaves line breaks out before an answer, and says with which thoughts it is written
        answers = [answer.lstrip("\n") for answer in answers]
    assert learned(template, row) == "".join(f"{answer}<|im_end|>" for answer in answers)
    assert learned(template, row, "last") == f"{answers[-1]}<|im_end|>"
    assert learned(template, row, "all") == whole
    wanted = contents(row)
    if name == "minimind":
        wanted.update(
            {m.source: m.content.lstrip("\n") for m in row.messages if m.role == "assistant" and m.content.strip()}
        )
    assert fields(template, row) == wanted
    for message in row.messages:
        if message.source in wanted and name != "minimind":
            assert text_before(template, row, message.source).endswith(f"<|im_start|>{message.role}\n")
    answering = Conversation("d:1", row.messages)
    assert whole.startswith(template.prompt(answering).text)


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "qwen2"])
@settings(max_examples=60, deadline=None)
@given(row=st.one_of(in_turn(), in_any_order()))
def test_any_conversation_is_cut_where_its_texts_are(name: str, row: Conversation) -> None:
    template = TokenizerTemplate(real(name))
    segments = parts(template, row)
    expected = "".join(f"{m.content}<|im_end|>" for m in row.messages if m.role == "assistant")
    assert "".join(s.text for s in segments if s.supervised) == expected
    assert [(s.source, s.text, s.role) for s in segments if s.source] == [
        (m.source, m.content, m.role) for m in row.messages if m.content.strip()
    ]
    assert "".join(s.text for s in segments) == real(name).apply_chat_template(
        [turn_of(m) for m in row.messages], tokenize=False
    )


def test_a_conversation_that_opens_with_an_empty_answer() -> None:
    row = said(("assistant", ""), ("user", "Hi"), ("assistant", "Yes"))
    assert learned(of(CHAT_TEMPLATE), row) == "<|im_end|>Yes<|im_end|>"


def test_a_template_that_looks_at_what_is_said() -> None:
    """The frame of such a row is not that of its stand-ins; marks in the row itself find its texts."""
    template = of(THINKING)
    row = said(
        ("user", "user"), ("assistant", "<think>hm</think>One"), ("user", "?"), ("assistant", "<think>a</think>Two")
    )
    assert learned(template, row) == "One<|im_end|><think>a</think>Two<|im_end|>"
    assert fields(template, row) == {
        "messages[0]": "user",
        "messages[2]": "?",
        "messages[3]": "<think>a</think>Two",
    }, "of the first answer only a part is written"
    assert text_before(template, row, "messages[0]") == "<|im_start|>user\n"
    plain = said(("user", "Hi"), ("assistant", "One"), ("user", "?"), ("assistant", "Two"))
    assert learned(template, plain) == "One<|im_end|><think></think>Two<|im_end|>"


@pytest.mark.parametrize("strip", ["trim", "upper", "tojson"])
def test_a_template_that_changes_texts(strip: str) -> None:
    text = "{% for m in messages %}{{ m.role }}={{ m.content | " + strip + " }};{% endfor %}"
    text += "{% if add_generation_prompt %}assistant={% endif %}"
    row = said(("user", " user\n"), ("assistant", ' "So" '), ("user", "9"), ("assistant", "1"))
    template = of(text)
    if strip == "upper":  # marks stay as they are, so the places are known even so
        assert learned(template, row) == ' "SO" ;1;'
        assert fields(template, row)["messages[1]"] == ' "SO" '
    if strip == "tojson":
        assert learned(template, row) == '" \\"So\\" ";"1";'
    if strip == "trim":
        assert learned(template, row) == '"So";1;'
        assert fields(template, row) == {
            "messages[0]": "user",
            "messages[1]": '"So"',
            "messages[2]": "9",
            "messages[3]": "1",
        }


def test_texts_that_cannot_be_marked() -> None:
    """A row that holds such marks itself: answers by what a generation would start from, texts where they stand once."""
    row = said(("user", "user"), ("assistant", "<think>\U00100000</think>One"), ("user", "Bye"), ("assistant", "Two"))
    template = of(CHAT_TEMPLATE.replace("{{ m.content }}", "{{ m.content.split('</think>') | join('|') }}"))
    assert fields(template, row) == {"messages[2]": "Bye", "messages[3]": "Two"}
    assert learned(template, row) == "<think>\U00100000|One<|im_end|>Two<|im_end|>"
    hiding = of(CHAT_TEMPLATE.replace("{{ m.content }}", "{% if m.content | length < 4 %}{{ m.content }}{% endif %}"))
    with pytest.raises(TemplateError, match=r"d:1: .*the answer in turn 2 .*its text is not written\."):
        hiding.render(row, "assistant")


def test_a_refusal_says_what_a_generation_would_start_from() -> None:
    text = CHAT_TEMPLATE.replace("<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}")
    with pytest.raises(TemplateError) as caught:
        of(text).render(said(("user", "Hi"), ("assistant", "Yes")), "assistant")
    assert r"|>assistant\n<think>\n', and this row has " in str(caught.value)
    assert r"|>assistant\nYes<|im_end|>\n' there" in str(caught.value)
    with pytest.raises(TemplateError, match="its text is not written"):
        of("{% for m in messages %}{{ m.role }};{% endfor %}").render(
            said(("user", "a"), ("assistant", "b")), "assistant"
        )


def test_several_templates_are_no_template() -> None:
    tokenizer = FakeTokenizer(None)
    tokenizer.chat_template = {"default": "x", "tool_use": "y"}  # type: ignore[assignment]
    with pytest.raises(TemplateError, match=r"\(default, tool_use\).*model\.chat_template"):
        TokenizerTemplate(tokenizer)


# Marks of the template


def renderings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every rendering from now on."""
    from transformers.utils import chat_template_utils

    seen: list[str] = []
    render = chat_template_utils.render_jinja_template

    def counted(*args: Any, **named: Any) -> Any:
        out = render(*args, **named)
        seen.append(out[0][0])
        return out

    monkeypatch.setattr(chat_template_utils, "render_jinja_template", counted)
    return seen


@pytest.mark.parametrize("text", [MARKED_TEMPLATE, CHAT_TEMPLATE])
def test_a_normal_row_is_rendered_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = of(text)
    first = said(("user", "Hi"), ("assistant", "One"), ("user", "?"), ("assistant", "Two"))
    template.render(first, "assistant")
    seen = renderings(monkeypatch)
    row = said(("user", "user "), ("assistant", " A"), ("user", "A"), ("assistant", "B\n"))
    assert seen == []
    assert template.render(row, "assistant").text == seen[0]
    assert len(seen) == 1


def test_marks_that_are_not_one_for_each_answer_are_passed_over() -> None:
    """Within a macro transformers counts from the macro's beginning; without the last answer's, one is missing."""
    macro = (
        "{% macro turn(m) %}{{ m.role }}:{% generation %}{{ m.content }};{% endgeneration %}{% endmacro %}"
        "{% for m in messages %}{% if m.role == 'assistant' %}{{ turn(m) }}{% else %}{{ m.role }}:{{ m.content }};"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    fewer = MARKED_TEMPLATE.replace("m.role == 'assistant'", "m.role == 'assistant' and not loop.last").replace(
        "{% else %}{{ m.role }}", "{% else %}{{ 'A' if m.role == 'assistant' else m.role }}"
    )
    row = said(("user", "Hi"), ("assistant", "One"), ("user", "?"), ("assistant", "Two"))
    for text in (macro, fewer):
        assert learned(of(text), row) == "One;Two;"


# A bound


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("when", ["true", "messages | length > 2", "tools", "add_generation_prompt"])
def test_a_template_that_goes_on_for_ever_is_refused(when: str) -> None:
    template = of("{% if " + when + " %}" + ENDLESS + "{% endif %}" + CHAT_TEMPLATE)
    tools = ({"type": "function", "function": {"name": "im_start"}},)
    row = said(("system", "x"), ("user", "Hi"), ("assistant", "Yes"))
    row = Conversation("d:1", row.messages, tools=tools if when == "tools" else ())
    with pytest.raises(TemplateError, match=r"d:1: .*comes to no end.*chatml"):
        template.render(row, "assistant")
    if when == "true":
        with pytest.raises(TemplateError, match="no end"):
            template.prompt(row)


def test_a_bound_counts_what_a_template_does_and_nothing_else() -> None:
    assert bounds.bounded(lambda: sum(i for i in range(5000)), 10) == 12_497_500
    assert sys.gettrace() is None
    tracer = lambda *_: None  # noqa: E731
    sys.settrace(tracer)
    try:
        with pytest.raises(bounds.EndlessTemplateError):
            bounds.bounded(
                lambda: FakeTokenizer("{% for i in range(99) %}x{% endfor %}").apply_chat_template([], False, False), 50
            )
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(None)


def test_a_long_conversation_is_no_endless_one() -> None:
    turns: list[Any] = [("user", "Hi"), ("assistant", "Yes")] * 400
    row = said(*turns)
    assert learned(of(CHAT_TEMPLATE), row, "last") == "Yes<|im_end|>"
    assert len(fields(of(MARKED_TEMPLATE), row)) == 800


def test_names_of_functions_keep_their_turns() -> None:
    text = (
        "{% for m in messages %}{{ m.role }}{{ m.name or '' }}:{{ m.content }};{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}"
    )
    row = Conversation(
        "d:1",
        (
            Message("user", "tool", "q"),
            Message("tool", "rain", "t", name="tool"),
            Message("assistant", "rain", "a"),
        ),
    )
    assert [(s.text, s.source) for s in parts(of(text), row)] == [
        ("user:", ""),
        ("tool", "q"),
        (";tooltool:", ""),
        ("rain", "t"),
        (";assistant:", ""),
        ("rain", "a"),
        (";", ""),
    ]


@pytest.mark.parametrize("marks", [("", ""), ("{% generation %}", "{% endgeneration %}")])
def test_the_date_is_that_of_the_run(marks: tuple[str, str]) -> None:
    """A template that writes today's date would make other tokens of the same rows tomorrow."""
    text = (
        "Today is {{ strftime_now('%d %b %Y') }}.{% for m in messages %}{% if m.role == 'assistant' %}"
        + f"<a>{marks[0]}{{{{ m.content }}}}</a>{marks[1]}"
        + "{% else %}<u>{{ m.content }}</u>{% endif %}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
    )
    row = Conversation("d:1", (Message("user", "hi", "q"), Message("assistant", "hello", "a")))
    template = TokenizerTemplate(FakeTokenizer(text), date(2026, 1, 31))
    assert template.render(row, "assistant").text == "Today is 31 Jan 2026.<u>hi</u><a>hello</a>"
    assert template.prompt(row).text == "Today is 31 Jan 2026.<u>hi</u><a>"
    assert of(text).prompt(row).text.startswith(datetime.now().strftime("Today is %d %b %Y"))


@needs_shared
def test_an_end_marker_that_has_no_name_ends_an_answer() -> None:
    """As with Phi-3, whose `<|end|>` is a control token and neither EOS nor named as special elsewhere."""
    tokenizer = fresh("smollm2")
    assert "<file_sep>" not in tokenizer.all_special_tokens
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<filename>' + m.role + '\n' + m.content + '<file_sep>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<filename>assistant\n' }}{% endif %}"
    )
    row = said(("user", "Who?"), ("assistant", "The keeper."), ("user", "When?"), ("assistant", "All night."))
    assert learned(TokenizerTemplate(tokenizer), row) == "The keeper.<file_sep>All night.<file_sep>"


@needs_shared
def test_what_ends_an_answer_is_told_where_it_is_not_eos() -> None:
    """A base model ends texts with another token than its chat template ends answers with."""
    tokenizer = real("qwen2")
    tokenizer.eos_token = "<|endoftext|>"
    assert TokenizerTemplate(tokenizer).end == "<|im_end|>"
    tokenizer.chat_template = tokenizer.chat_template.replace("'<|im_end|>'", "eos_token") + "{{ eos_token }}"
    assert TokenizerTemplate(tokenizer).end is None, "another EOS would change what the template writes"
    assert of("{% for m in messages %}{{ m.content }}{% endfor %}").end is None
