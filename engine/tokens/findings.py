"""What can be found out about the tokens of a row: each rule with its words. A finding is counted, shown and explained.

Adding one: a line in `RULES`, and the place in `encode.py` (or `prepare.py`, for what is known before tokens) that reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LEFT_OUT = ("dropped", "no_trained_token", "template_refused")
"""What keeps a sequence out of training."""


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A kind of finding about tokens."""

    title: str
    """Four words at most, for lists."""
    text: str
    """What it says of a row, after "this row is" or "this row:"."""
    severity: Literal["error", "warning", "note"]
    why: str
    """What it does to the model, in a sentence."""
    cure: str
    """What can be done, in a sentence."""


RULES: dict[str, TokenRule] = {
    "template_refused": TokenRule(
        "template refuses",
        "its template refuses it",
        "error",
        "The template cannot write this row, so there are no tokens to train on.",
        "Choose another template, mend the row, or leave such rows out.",
    ),
    "no_trained_token": TokenRule(
        "no trained token",
        "no token to train on: left out",
        "error",
        "Nothing of this row is learned: it has no answer, its answer has no text, or all of the answer is cut.",
        "Raise max_length where answers are cut; else look at the answers of these rows.",
    ),
    "answer_cut": TokenRule(
        "answer cut",
        "its answer is cut",
        "warning",
        "The model learns answers that break off in the middle of a sentence.",
        "Raise max_length, leave long rows out, or split them.",
    ),
    "eos_cut": TokenRule(
        "end token cut",
        "the end of its answer is cut",
        "warning",
        "The end token is among what is cut: from this row the model learns to go on where it should stop.",
        "Raise max_length, or leave long rows out.",
    ),
    "missing_eos": TokenRule(
        "no end token",
        "its answer does not end with an end token, so the model would not learn to stop",
        "error",
        "A model that never sees an end token behind an answer does not stop by itself.",
        "Choose a template with an end marker, or a tokenizer that has an EOS token.",
    ),
    "double_bos": TokenRule(
        "two BOS",
        "starts with two BOS tokens",
        "warning",
        "The template writes a BOS and the tokenizer adds another: the model sees a beginning it will never meet again.",
        "Take the BOS out of the template.",
    ),
    "special_in_text": TokenRule(
        "special token in text",
        "the text of a field contains a special token",
        "warning",
        "Such a token opens or ends a turn in the middle of a text: what looks like an answer becomes a question, or the end.",
        "Mend the text, or leave these rows out.",
    ),
    "role_order": TokenRule(
        "turns out of order",
        "its turns do not alternate between user and assistant",
        "warning",
        "The model learns from a conversation of a shape that it will not meet.",
        "Mend the rows if turns were lost; else leave them out.",
    ),
    "straddle": TokenRule(
        "token across the border",
        "a token covers both prompt and answer",
        "warning",
        "The token is trained as a part of the answer, and a generation from the prompt alone splits it otherwise.",
        "End the prompt with a line break, or choose a template that does.",
    ),
    "unknown_token": TokenRule(
        "unknown characters",
        "the tokenizer has no token for some of its characters",
        "warning",
        "Characters that become the unknown token are lost: the model neither reads nor learns to write them.",
        "Choose a model whose tokenizer knows this script.",
    ),
    "byte_run": TokenRule(
        "run of bytes",
        "a long run of tokens that are no whole characters",
        "note",
        "The vocabulary has no pieces for this script: the text takes several tokens a character, and trains slowly.",
        "A tokenizer with pieces for this language needs fewer tokens; compare it with this one.",
    ),
    "cut": TokenRule(
        "too long, cut",
        "longer than max_length and cut",
        "warning",
        "A part of the row is never seen.",
        "Raise max_length, or choose another truncation.",
    ),
    "dropped": TokenRule(
        "too long, left out",
        "longer than max_length and left out",
        "warning",
        "The row is not trained on at all.",
        "Raise max_length to keep it.",
    ),
    "split": TokenRule(
        "too long, split",
        "longer than max_length and split",
        "note",
        "The row becomes several sequences; all but the first begin in the middle.",
        "Raise max_length where that matters.",
    ),
}

BYTE_RUN = 12
"""Tokens in a row that are no whole characters, from which on it is a finding: four Chinese characters, three emoji."""
