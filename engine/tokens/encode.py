"""From rendered rows to tokens: the one place where ids and labels are made.

The whole text of a row is tokenized once, as inference would see it; each token is then mapped back to its segment by
its characters. Ids, labels, character spans and segments grow together and are cut together, so they cannot
drift apart. A label is the token's own id where it is trained on and -100 elsewhere; it is not shifted. Rows that come
as tokens keep their ids and labels, and are checked and cut like the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.data.conversation import TokenIds
from engine.errors import DataError
from engine.templates.base import Rendered
from engine.tokens.tokenizer import end_ids, special_texts

IGNORE = -100
Int32 = npt.NDArray[np.int32]
Truncation = Literal["right", "left", "drop", "split", "error"]

FINDINGS: dict[str, str] = {
    "cut": "longer than max_length and cut",
    "answer_cut": "its answer is cut",
    "dropped": "longer than max_length and left out",
    "split": "longer than max_length and split",
    "no_trained_token": "no token to train on: left out",
    "missing_eos": "its answer does not end with an end token, so the model would not learn to stop",
    "double_bos": "starts with two BOS tokens",
    "special_in_text": "the text of a field contains a special token",
    "straddle": "a token covers both prompt and answer",
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sequence of one row.

    `ids` and `labels` have shape [T]; `spans` has shape [T, 2], the first and the one-past-last character of the rendered
    text, (0, 0) for tokens that the tokenizer added and in rows that come as tokens; `segments` has shape [T], indices into
    `rendered.segments`, -1 for added tokens.
    """

    origin: str
    rendered: Rendered
    ids: Int32
    labels: Int32
    spans: Int32
    segments: Int32
    cut: int
    """Tokens of the row that are not in this sequence because of max_length."""
    findings: tuple[str, ...]

    @property
    def supervised_tokens(self) -> int:
        """Number of tokens the loss is computed on."""
        return int((self.labels != IGNORE).sum())


class Encoder:
    """Tokenizes rendered rows under one truncation rule."""

    def __init__(self, tokenizer: Any, max_length: int, truncation: Truncation) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.truncation = truncation
        self.eos: int | None = tokenizer.eos_token_id
        self._ends = end_ids(tokenizer)
        specials = special_texts(tokenizer)
        self._special = re.compile("|".join(map(re.escape, specials))) if specials else None

    def encode(self, rows: Sequence[tuple[str, Rendered]]) -> list[list[Encoded]]:
        """Return the sequences of each (origin, rendered) row: one, none where it was dropped, several where split.

        A row without a token to train on gives one sequence with the finding "no_trained_token".
        Raises DataError with truncation = "error" for a row that is too long.
        """
        out: list[list[Encoded]] = [[] for _ in rows]
        for i, (origin, rendered) in enumerate(rows):
            if rendered.tokens is not None:
                out[i] = self._cut(self._as_given(origin, rendered, rendered.tokens))
        texts = [i for i, (_, rendered) in enumerate(rows) if rendered.tokens is None]
        for flag in (True, False):
            chosen = [i for i in texts if rows[i][1].add_special_tokens is flag]
            if not chosen:
                continue
            batch = self.tokenizer(
                [rows[i][1].text for i in chosen],
                add_special_tokens=flag,
                return_offsets_mapping=True,
                return_attention_mask=False,
                verbose=False,
                truncation=False,
                padding=False,
            )
            for i, ids, offsets in zip(chosen, batch["input_ids"], batch["offset_mapping"], strict=True):
                out[i] = self._cut(self._label(*rows[i], ids, offsets))
        return out

    def _as_given(self, origin: str, rendered: Rendered, tokens: TokenIds) -> Encoded:
        """A row that comes as tokens: its ids and its labels, all of them from the one segment, which has no text."""
        ids_T = np.array(tokens.ids, dtype=np.int32)
        labels_T = np.array(tokens.labels, dtype=np.int32)
        labels_T[:1] = IGNORE  # nothing stands before the first token that could predict it
        nowhere_T2, first_T = np.zeros((len(ids_T), 2), dtype=np.int32), np.zeros(len(ids_T), dtype=np.int32)
        findings = tuple(self._lint(rendered, ids_T, labels_T))
        return Encoded(origin, rendered, ids_T, labels_T, nowhere_T2, first_T, 0, findings)

    def _label(self, origin: str, rendered: Rendered, ids: list[int], spans: list[tuple[int, int]]) -> Encoded:
        """Give each token its segment and its label; end the row with EOS where the template asks for it.

        A token is trained when any of its characters is learned; one that covers learned and other text is a finding.
        """
        if rendered.end_with_eos and self.eos is not None and (not ids or ids[-1] not in self._ends):
            ids, spans = [*ids, self.eos], [*spans, (0, 0)]
        ids_T = np.array(ids, dtype=np.int32)
        spans_T2 = np.array(spans, dtype=np.int32).reshape(-1, 2)
        starts_T, ends_T = spans_T2[:, 0], spans_T2[:, 1]
        lengths = [len(s.text) for s in rendered.segments]
        learned_before = np.concatenate([[0], np.cumsum(np.repeat([s.supervised for s in rendered.segments], lengths))])
        learned_T = learned_before[ends_T] - learned_before[starts_T]
        trained_T = learned_T > 0
        if rendered.end_with_eos and len(ids) and not ends_T[-1] and ids[-1] in self._ends:
            trained_T[-1] = bool(rendered.segments) and rendered.segments[-1].supervised
        trained_T[:1] = False  # nothing stands before the first token that could predict it
        labels_T = np.where(trained_T, ids_T, IGNORE).astype(np.int32)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        with_text = ends_T > starts_T
        segments_T = np.full(len(ids), -1, dtype=np.int32)
        segments_T[with_text] = owner[starts_T[with_text]]
        findings = ["straddle"] if (trained_T & (learned_T < ends_T - starts_T)).any() else []
        findings += self._lint(rendered, ids_T, labels_T)
        return Encoded(origin, rendered, ids_T, labels_T, spans_T2, segments_T, 0, tuple(findings))

    def _lint(self, rendered: Rendered, ids: Int32, labels: Int32) -> list[str]:
        found = []
        trained = np.flatnonzero(labels != IGNORE)
        if not len(trained):
            found.append("no_trained_token")
        elif int(ids[trained[-1]]) not in self._ends:
            found.append("missing_eos")
        bos = self.tokenizer.bos_token_id
        if bos is not None and len(ids) > 1 and ids[0] == ids[1] == bos:
            found.append("double_bos")
        if self._special and any(s.source and self._special.search(s.text) for s in rendered.segments):
            found.append("special_in_text")
        return found

    def _cut(self, row: Encoded) -> list[Encoded]:
        """Apply the truncation rule."""
        length = len(row.ids)
        if length <= self.max_length:
            return [row]
        if self.truncation == "error":
            raise DataError(
                f"{row.origin} has {length} tokens and tokens.max_length is {self.max_length}. "
                'Raise it, or choose another tokens.truncation than "error".'
            )
        if self.truncation == "drop":
            return [_slice(row, [], length, "dropped")]
        if self.truncation == "right":
            return [_slice(row, list(range(self.max_length)), length - self.max_length, "cut")]
        if self.truncation == "left":
            keep = list(range(length - self.max_length, length))
            bos = self.tokenizer.bos_token_id
            if (
                row.ids[0] == bos
                and not row.spans[0].any()
                and (row.rendered.tokens is None or (row.ids == bos).sum() == 1)
            ):
                keep[0] = 0  # the tokenizer's own BOS; one that a template wrote opens a turn, and stands there often
            return [_slice(row, keep, length - self.max_length, "cut")]
        parts = [list(range(i, min(i + self.max_length, length))) for i in range(0, length, self.max_length)]
        return [_slice(row, part, 0, "split") for part in parts]


def _slice(row: Encoded, keep: list[int], cut: int, finding: str) -> Encoded:
    labels = row.labels[keep]
    if len(labels):
        labels[0] = IGNORE
    findings = [*row.findings, finding]
    lost = row.supervised_tokens - int((labels != IGNORE).sum())
    if finding == "cut" and lost:
        findings.append("answer_cut")
        findings = [f for f in findings if f != "missing_eos"]  # the cut is the reason, said once
    if finding != "dropped" and not (labels != IGNORE).any():
        findings.append("no_trained_token")
    return Encoded(
        row.origin,
        row.rendered,
        row.ids[keep],
        labels,
        row.spans[keep],
        row.segments[keep],
        cut,
        tuple(dict.fromkeys(findings)),
    )
