"""Why a token is or is not trained, in a sentence each. Only sentences that are needed come up; each of them once.

W is the number of tokens of a window of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.data.conversation import Conversation
from engine.templates.base import Segment
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.tokenizer import end_ids

if TYPE_CHECKING:
    from engine.tokens.path import RowPath

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
FIRST = "first token of a sequence: nothing stands before it that could predict it"
_ENDED = {"text": "the text", "ids": "the row"}
_NONE, _SOME, _ALL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Fates:
    """What becomes of the tokens of a window; all arrays have shape [W]."""

    sequence: Ints
    """Which sequence a token is in, -1 for none."""
    first: Bools
    """Whether it is the first of its sequence."""
    left_out: Bools
    """Whether its sequence is not trained on."""
    trained: Bools


@dataclass(frozen=True, slots=True)
class _Case:
    """What a sentence depends on."""

    segment: int
    learned: int
    """Of the characters that the token stands for, whether none, some or all are learned."""
    cut: bool
    trained: bool
    first: bool
    left_out: bool
    ends: bool
    """Whether it is one of those that end an answer."""
    wide: bool
    """Whether it stands for characters at all."""
    label: bool
    """Whether it would be trained if nothing was cut."""


class Reasons:
    """The sentences of one row."""

    def __init__(self, path: RowPath, conversation: Conversation, whole: Encoded) -> None:
        """`whole` is the row before it is cut, by the same path."""
        self._tokens, self._max_length = path.run.tokens, path.max_length
        self._whole = whole
        self._segments = whole.rendered.segments
        self._end_tokens = end_ids(path.tokenizer)
        self._weightless = {m.source for m in conversation.messages if m.weight == 0} - {""}
        said = next((s.role for s in reversed(self._segments) if s.source), "assistant")
        self._ended = _ENDED.get(said, "the answer")

    def window(self, start: int, fates: Fates) -> tuple[list[str], list[int]]:
        """(sentences, which of them each token has) for the tokens from `start` on; that list has length W."""
        stop = start + len(fates.trained)
        segment = self._whole.segments[start:stop].astype(np.int64)
        spans = self._whole.spans[start:stop].astype(np.int64)
        wide = spans[:, 1] > spans[:, 0]
        ends = np.isin(self._whole.ids[start:stop], list(self._end_tokens))
        label = self._whole.labels[start:stop] != IGNORE
        flags = (fates.sequence < 0, fates.trained, fates.first, fates.left_out, ends, wide, label)
        learned = self._learned(segment, spans, wide)
        key = segment * 4 + learned
        for flag in flags:
            key = key * 2 + flag
        _, examples, which = np.unique(key, return_index=True, return_inverse=True)
        sentences: dict[str, int] = {}
        places = []
        for at in examples.tolist():
            case = _Case(int(segment[at]), int(learned[at]), *(bool(flag[at]) for flag in flags))
            places.append(sentences.setdefault(self._sentence(case), len(sentences)))
        return list(sentences), np.array(places, dtype=np.int64)[which].tolist()

    def _learned(self, segment: Ints, spans: Ints, wide: Bools) -> Ints:
        """Of the characters that each token stands for: whether none, some or all are learned."""
        if not self._segments:
            return np.full(len(segment), _NONE)
        sizes = np.array([len(s.text) for s in self._segments], dtype=np.int64)
        supervised = np.array([s.supervised for s in self._segments], dtype=bool)
        first = np.maximum(segment, 0)
        behind = np.searchsorted(np.cumsum(sizes), spans[:, 1] - 1, side="right")
        last = np.where(wide, np.clip(behind, first, len(sizes) - 1), first)
        learned_upto = np.concatenate([[0], np.cumsum(supervised & (sizes > 0))])
        filled_upto = np.concatenate([[0], np.cumsum(sizes > 0)])
        learned = learned_upto[last + 1] - learned_upto[first]
        filled = filled_upto[last + 1] - filled_upto[first]
        found = np.where(learned == 0, _NONE, np.where(learned < filled, _SOME, _ALL))
        found = np.where(wide, found, np.where(supervised[first], _ALL, _NONE))
        return np.where(segment < 0, _NONE, found)

    def _sentence(self, case: _Case) -> str:
        if case.cut:
            return self._cut()
        if case.left_out:
            return "left out: its sequence has no token to train on"
        segment = self._segments[case.segment] if case.segment >= 0 else None
        if case.trained:
            return self._trained(segment, case)
        if segment is None:
            return self._added(case)
        if self._whole.rendered.tokens is not None:
            given = self._whole.rendered.tokens.labels[0] != IGNORE
            return FIRST if case.first and (case.label or given) else "not trained: its label says so"
        if case.first and case.wide and (case.label or case.learned != _NONE):
            return FIRST
        if case.learned == _NONE:
            return self._shown(segment)
        if not case.wide:
            return "stands for no character: not trained"
        return f"the end token of {self._ended}: not trained (train_on_eos = false)"

    def _cut(self) -> str:
        truncation, most = self._tokens.truncation, self._max_length
        if truncation == "left":
            return f"cut: the row is longer than max_length = {most}, and its end is kept"
        if truncation == "drop":
            return f"left out: the row is longer than max_length = {most}"
        if truncation == "error":
            return f'the row is longer than max_length = {most}, and a run refuses to start (truncation = "error")'
        return f"cut: beyond max_length = {most}"

    def _trained(self, segment: Segment | None, case: _Case) -> str:
        ends_turn = case.ends and (segment is None or not segment.source)
        if segment is None or (ends_turn and self._tokens.supervise != "all"):
            return f"the end token of {self._ended}: trained (train_on_eos)"
        if case.learned == _SOME:
            return "covers the end of the prompt and the beginning of the answer: trained"
        if segment.role == "ids":
            return "trained: its label says so"
        if segment.role == "text":
            return "running text: trained"
        if self._tokens.supervise == "all":
            return f"{_what(segment)}: trained (supervise = all)"
        if segment.role == "template":
            return "the template's words of the answer: trained"
        return "the last answer: trained (supervise = last)" if self._tokens.supervise == "last" else "answer: trained"

    def _added(self, case: _Case) -> str:
        if case.ends and self._segments and self._segments[-1].supervised and not self._tokens.train_on_eos:
            return f"the end token of {self._ended}: not trained (train_on_eos = false)"
        return "added by the tokenizer: not trained"

    def _shown(self, segment: Segment) -> str:
        """Of what is shown and not learned."""
        if segment.source in self._weightless:
            return "weight 0: not trained"
        if segment.role == "template":
            return "the template's words: not trained"
        if segment.role == "assistant":
            earlier = self._tokens.supervise == "last"
            return "an earlier answer: not trained (supervise = last)" if earlier else "answer: not trained"
        return f"{_what(segment)}: not trained (supervise = {self._tokens.supervise})"


def _what(segment: Segment) -> str:
    words = {"template": "the template's words", "assistant": "answer", "tool": "answer of a tool", "text": "text"}
    return words.get(segment.role, "prompt")
