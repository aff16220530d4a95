"""Whether a model is asked as it was trained: the ids before an answer in training, against those that a generation is given.

The training side is what `RowPath.whole` gives, the other side what templates and tokenizers give for the same turns without
their answer. Where they differ, the model meets a beginning that it was never trained on.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from engine.data.conversation import Conversation
from engine.errors import DataError, TemplateError
from engine.templates import Template
from engine.templates.base import before_answer
from engine.templates.chat_rendering import ChatRenderer
from engine.token_facts import ParityFact
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.looks import Looks, spelled_text

if TYPE_CHECKING:
    from engine.tokens.path import RowPath
    from engine.tokens.prepare import Laid
    from engine.tokens.row_facts import RowViewer

SHOWN = 12
"""Tokens on either side of the first difference."""
_TWICE = "Whoever tokenizes the text it renders must not add special tokens: a second BOS would come before it."
THIS, CARRIED, OWN = "this template", "the tokenizer's chat template", "the base model's own chat template"


@dataclass(frozen=True, slots=True)
class _Trained:
    """The training side of a row."""

    whole: Encoded
    template: Template
    asked: Conversation
    """The turns up to the last answer, which is the last of them."""
    upto: int
    """Tokens before the answer."""
    straddles: bool
    """Whether the first token of the answer covers the end of the prompt, too."""


def parity(viewer: RowViewer, row: int) -> list[ParityFact]:
    """Compare a row, by its index from 0, with each way in which a generation could be given the same turns.

    Raises DataError for a row without an answer, or one that comes as tokens; TemplateError where a template refuses the turns.
    """
    laid = viewer.laid
    trained = _trained(viewer, row)
    tokenizer = laid.path.tokenizer
    found = [_against_template(laid.path, trained, viewer.looks)]
    if trained.whole.rendered.segments[0].role == "text" or not trained.asked.messages:
        return found
    carried = carried_template(laid)
    ways = [(CARRIED, carried)]
    if tokenizer.chat_template not in (carried, None):
        ways.append((OWN, tokenizer.chat_template))
    for name, jinja in ways:
        if isinstance(jinja, str) and jinja:
            found.append(_against_chat_template(name, jinja, laid.path, trained, viewer.looks))
    return found


def carried_template(laid: Laid) -> str | None:
    """The chat template that lies beside the result: that of the run's template where it has one, else the tokenizer's."""
    own = next((item.template.jinja for item in laid.sources if item.template.jinja), None)
    return own or laid.path.tokenizer.chat_template


def _trained(viewer: RowViewer, row: int) -> _Trained:
    template, conversation = viewer.laid.rows[row]
    whole = viewer.whole(row)
    if whole.problem:
        raise TemplateError(whole.problem)
    if whole.rendered.tokens is not None:
        raise DataError(
            f"{conversation.origin} comes as tokens: how a generation would be asked for the same is not known here."
        )
    asked = _upto_last_answer(conversation)
    if asked.messages and asked.messages[-1].role == "text":
        ids = len(whole.ids)
        ended = ids > 0 and whole.segments[-1] < 0 and int(whole.ids[-1]) == viewer.laid.path.tokenizer.eos_token_id
        return _Trained(whole, template, asked, ids - ended, False)
    place = _answer_start(template, asked)
    starts, ends = whole.spans[:, 0], whole.spans[:, 1]
    behind = np.flatnonzero((ends > place) & (ends > starts))
    upto = int(behind[0]) if len(behind) else len(whole.ids)
    return _Trained(whole, template, asked, upto, bool(len(behind)) and bool(starts[upto] < place))


def _upto_last_answer(conversation: Conversation) -> Conversation:
    """The conversation without what follows its last answer. Raises DataError where it has none."""
    messages = conversation.messages
    if not messages or messages[-1].role == "text":
        return conversation
    answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
    if not answers:
        raise DataError(
            f"{conversation.origin} has no answer, so there is nothing that a generation would be asked for."
        )
    return replace(conversation, messages=messages[: answers[-1] + 1])


def _answer_start(template: Template, asked: Conversation) -> int:
    """The character at which the last answer begins, as the template learns it: with its first words, if it writes any."""
    last = len(asked.messages) - 1
    weighted = tuple(replace(m, weight=float(i == last)) for i, m in enumerate(asked.messages))
    at = 0
    for segment in template.render(replace(asked, messages=weighted), "assistant").segments:
        if segment.supervised:
            break
        at += len(segment.text)
    return at


def _against_template(path: RowPath, trained: _Trained, looks: Looks) -> ParityFact:
    given = path.ids_before_answer(trained.template, trained.asked)
    fact = _compared(THIS, trained, given, looks)
    bos = path.tokenizer.bos_token_id
    if fact.equal and bos is not None and given[:2] == [bos, bos]:
        fact.sentence = (
            "Training and generation begin alike, with two BOS tokens: the template writes one and the tokenizer adds another. "
            "Take it out of the template."
        )
    elif fact.equal and trained.whole.rendered.segments[0].role == "text":
        fact.sentence = (
            f"Running text goes on from any place: given as a prompt, it becomes the same {len(given):,} tokens."
        )
    elif fact.equal:
        fact.sentence = (
            f"The {len(given):,} tokens before the answer are those that a generation with this template starts from."
        )
    elif trained.straddles:
        fact.sentence = (
            "One token covers the end of the prompt and the beginning of the answer, so training never saw the prompt end as a "
            "generation ends it. End the prompt with a line break, or choose a template that does."
        )
    else:
        fact.sentence = (
            f"From token {fact.at + 1:,} on, a generation with this template is given other tokens than training had before the "
            "answer: the model is asked in a way it was not trained on. Choose another template."
        )
    return fact


def _against_chat_template(name: str, jinja: str, path: RowPath, trained: _Trained, looks: Looks) -> ParityFact:
    tokenizer = copy.copy(path.tokenizer)
    tokenizer.chat_template = jinja
    try:
        text, _ = ChatRenderer(tokenizer, path.run.model.date)(trained.asked, before_answer(trained.asked), True)
    except TemplateError as error:
        return ParityFact(
            against=name, equal=False, sentence=f"It cannot be asked for an answer to these turns. {error}"
        )
    given = [int(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    fact = _compared(name, trained, given, looks)
    fact.sentence = _chat_sentence(fact, trained, given)
    bos = tokenizer.bos_token_id
    if bos is not None and given[:1] == [bos] and tokenizer(text)["input_ids"][:2] == [bos, bos]:
        fact.sentence += f" {_TWICE}"
    return fact


def _chat_sentence(fact: ParityFact, trained: _Trained, given: list[int]) -> str:
    ids = trained.whole.ids[: trained.upto].tolist()
    if fact.equal:
        return f"It gives the same {len(ids):,} tokens before the answer: programs that use it ask as was trained."
    more = len(given) - len(ids)
    if fact.against == OWN:
        cure = "Use the tokenizer that lies beside the result, not that of the base model."
    elif trained.template.jinja is None:
        cure = f'Train with template = "tokenizer", or ask without the chat template, in the words of "{trained.template.name}".'
    else:
        cure = "Look at the tokens below, and choose a template whose words they are."
    if more > 0 and ids and given[-len(ids) :] == ids:
        return f"It puts {more:,} tokens before what training had, such as a system text of its own. {cure}"
    if more > 0 and fact.at == len(ids):
        return f"It puts {more:,} tokens more behind the prompt, such as an empty thought. {cure}"
    return f"From token {fact.at + 1:,} on it writes something else than was trained. {cure}"


def _compared(name: str, trained: _Trained, given: Sequence[int], looks: Looks) -> ParityFact:
    whole, upto = trained.whole, trained.upto
    ids = whole.ids[:upto].tolist()
    at = next((i for i, (a, b) in enumerate(zip(ids, given, strict=False)) if a != b), min(len(ids), len(given)))
    equal = len(ids) == len(given) == at
    fact = ParityFact(against=name, equal=equal, sentence="", at=at, length=max(len(ids), len(given)))
    low, high = max(0, at - SHOWN), at + SHOWN
    part = slice(low, high)
    fact.trained = [
        looks.fact(token, start, end, mark="trained" if label != IGNORE else "masked")
        for token, label, (start, end) in zip(
            whole.ids[part].tolist(), whole.labels[part].tolist(), whole.spans[part].tolist(), strict=True
        )
    ]
    _, spans = spelled_text(looks.spelling, list(given))
    fact.given = [looks.fact(token, *span) for token, span in zip(given[low:high], spans[low:high], strict=True)]
    return fact
