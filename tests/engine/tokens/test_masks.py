"""What is trained equals what transformers masks by `{% generation %}` marks: every template that has them, on real tokenizers.

One difference is meant: nothing stands before the first token of a sequence, so it is never trained here.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from engine.config.data import DataSection
from engine.data.conversation import Conversation
from engine.templates import Template, make
from engine.templates.chat_rendering import turn_of
from engine.tokens.encode import Encoder
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.new_tokens import add_tokens
from tests.engine.templates.talks import in_turn, said
from tests.shared import needs_shared
from tests.tokenizers import NAMES, fresh

pytestmark = needs_shared

SECTION = DataSection(path="d.jsonl")
KINDS = tuple(name for name in NAMES if name != "chinese_llama")  # it has no token for much of this
BUILT_IN = ("chatml", "llama3", "mistral")
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""SmolLM2's own template with marks around the answers."""
END_OUTSIDE = SMOLLM2.replace(
    "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}",
    "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}",
)


@functools.cache
def marked(name: str) -> Any:
    """A tokenizer that knows the markers of all built-in templates."""
    tokenizer = fresh(name)
    for template in BUILT_IN:
        add_tokens(tokenizer, make(template, tokenizer, SECTION).markers, None)
    return tokenizer


@functools.cache
def carrying(jinja: str) -> tuple[Any, Template]:
    """SmolLM2's tokenizer with another chat template, and the template that uses it."""
    tokenizer = fresh("smollm2")
    tokenizer.chat_template = jinja
    return tokenizer, make("tokenizer", tokenizer, SECTION)


def encoded(tokenizer: Any, template: Template, row: Conversation) -> Encoded:
    """The row as it is trained on, whole."""
    return Encoder(tokenizer, 1, None).whole([(row.origin, template.render(row, "assistant"))])[0]


def theirs(tokenizer: Any, row: Conversation) -> tuple[list[int], np.ndarray]:
    """(ids, mask) of transformers; the first token is taken out of the mask."""
    out = tokenizer.apply_chat_template(
        [turn_of(message) for message in row.messages], return_dict=True, return_assistant_tokens_mask=True
    )
    mask = np.array(out["assistant_masks"], dtype=bool)
    mask[:1] = False
    return out["input_ids"], mask


def alike(tokenizer: Any, template: Template, row: Conversation) -> Encoded:
    ours, (ids, mask) = encoded(tokenizer, template, row), theirs(tokenizer, row)
    assert ours.ids.tolist() == ids
    assert np.array_equal(ours.labels != IGNORE, mask)
    return ours


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=10, deadline=None)
@given(in_turn())
def test_built_in_templates(name: str, row: Conversation) -> None:
    tokenizer = marked(name)
    for template in BUILT_IN:
        made = make(template, tokenizer, SECTION)
        tokenizer.chat_template = made.jinja
        alike(tokenizer, made, row)
        alike(tokenizer, make("tokenizer", tokenizer, SECTION), row)


@settings(max_examples=20, deadline=None)
@given(in_turn())
def test_a_real_template_with_marks(row: Conversation) -> None:
    tokenizer, template = carrying(SMOLLM2)
    ours = alike(tokenizer, template, row)
    unmarked = encoded(tokenizer, make("tokenizer", fresh_smollm2(), SECTION), row)
    assert np.array_equal(ours.labels, unmarked.labels), "the same answers are found without marks"


@functools.cache
def fresh_smollm2() -> Any:
    return fresh("smollm2")


def test_marks_that_leave_the_end_out() -> None:
    """What is marked is what is trained; that no end token is among it is found."""
    tokenizer, template = carrying(END_OUTSIDE)
    row = said(("user", "Why?"), ("assistant", "So."), ("user", "And?"), ("assistant", "Yes."))
    ours = alike(tokenizer, template, row)
    assert tokenizer.decode(ours.ids[ours.labels != IGNORE]) == "So.Yes."
    assert ours.findings == ("missing_eos",)


def test_a_character_of_several_tokens_is_trained_whole() -> None:
    """Where it is the last that is marked, the mask of transformers holds its first token only; here it holds all."""
    tokenizer, template = carrying(END_OUTSIDE)
    row = said(("user", "Who?"), ("assistant", "So 🪕"))
    ours, (ids, mask) = encoded(tokenizer, template, row), theirs(tokenizer, row)
    assert ours.ids.tolist() == ids
    trained = ours.labels != IGNORE
    assert tokenizer.decode(ours.ids[trained]) == "So 🪕"
    assert "�" in tokenizer.decode(ours.ids[mask])
    assert not (mask & ~trained).any()


def test_an_answer_that_opens_a_sequence() -> None:
    """Its first token is the one that differs: they mask it in."""
    tokenizer, template = carrying(
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    )
    row = said(("assistant", "So it is."))
    ours = encoded(tokenizer, template, row)
    out = tokenizer.apply_chat_template([turn_of(row.messages[0])], return_dict=True, return_assistant_tokens_mask=True)
    assert all(out["assistant_masks"])
    assert (ours.labels != IGNORE).tolist() == [False, *[True] * (len(ours.ids) - 1)]
