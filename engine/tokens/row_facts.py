"""A row from its fields to its labels, as people look at it.

Everything is read off what `RowPath.whole` and `Encoder.cut` give for the row, the same that is trained on; nothing is worked
out a second time. Of a very long row only a window of tokens is built.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from engine.data.field_text import field_text
from engine.errors import DataError
from engine.facts import FieldText
from engine.token_facts import SegmentFact, TokenFact
from engine.tokens.cutting import cut_row
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.findings import LEFT_OUT
from engine.tokens.looks import Looks, Mark, spelled_text
from engine.tokens.reasons import Fates, Reasons

if TYPE_CHECKING:
    from engine.tokens.path import RowPath
    from engine.tokens.prepare import Laid

FIELD_LIMIT = 20_000
KEPT_ROWS = 8


class RowFacts(msgspec.Struct, kw_only=True):
    """A row, and a window of its tokens."""

    row: int
    """Its number, from 1."""
    origin: str
    source: int
    split: str
    """"train" or "test"."""
    template: str
    state: str = "ok"
    """ok, refused, left_out."""
    problem: str = ""
    """Why there are no tokens, or why a run would refuse to start with them."""
    fields: list[FieldText] = []
    text: str = ""
    """What was tokenized, as far as the tokens of the window stand for it; of rows that come as tokens, what they spell."""
    text_start: int = 0
    segments: list[SegmentFact] = []
    tokens: list[TokenFact] = []
    start: int = 0
    total: int = 0
    supervised: int = 0
    cut: int = 0
    sequences: list[tuple[int, int]] = []
    reasons: list[str] = []
    findings: list[str] = []


class RowViewer:
    """Shows the rows of a `Laid`, from any thread. The last few are kept, so that windows of a long one come quickly."""

    def __init__(self, laid: Laid) -> None:
        self.laid = laid
        self.looks = Looks(laid.path.encoder.spelling)
        self.whole = _kept(laid)
        """A row, by its index from 0, before anything is cut."""

    def facts(self, row: int, start: int = 0, count: int = 4000, limit: int = FIELD_LIMIT) -> RowFacts:
        """The facts of the row with this index, from 0: of `count` tokens from `start` on.

        A row that comes as tokens has no text; what its tokens spell stands instead, and their places are in that. Where a run
        would refuse the row for its length, it is shown as left out, and `problem` says so. Raises DataError where there is no
        such row.
        """
        laid = self.laid
        if not 0 <= row < len(laid.rows):
            raise DataError(f"There is no row {row + 1:,}; there are {len(laid.rows):,}, counted from 1.")
        template, conversation = laid.rows[row]
        whole = self.whole(row)
        facts = RowFacts(
            row=row + 1,
            origin=conversation.origin,
            source=laid.owners[row],
            split="test" if _among(laid.test_rows, row) else "train",
            template=template.name,
            fields=[field_text(name, value, limit) for name, value in conversation.values.items()],
            total=len(whole.ids),
            findings=list(whole.findings),
        )
        if whole.problem:
            facts.state, facts.problem = "refused", whole.problem
            return facts
        sequences, facts.problem = _sequences(laid.path, whole, facts.split == "test")
        kept = [part for part in sequences if not any(rule in LEFT_OUT for rule in part.findings)]
        facts.findings = list(dict.fromkeys(rule for part in sequences for rule in part.findings))
        facts.supervised = sum(part.supervised_tokens for part in kept)
        facts.cut = sum(part.cut for part in sequences)
        facts.sequences = [(part.start, part.stop) for part in sequences if part.stop > part.start]
        facts.state = "ok" if kept else "left_out"
        facts.start = min(max(0, start), facts.total)
        self._fill(facts, whole, sequences, min(facts.total, facts.start + max(0, count)))
        return facts

    def _fill(self, facts: RowFacts, whole: Encoded, sequences: list[Encoded], stop: int) -> None:
        """Put the tokens from `facts.start` to before `stop` in, and the text around them."""
        start = facts.start
        text, spans = whole.rendered.text, whole.spans[start:stop].tolist()
        if whole.rendered.tokens is not None:
            text, every = spelled_text(self.looks.spelling, whole.ids.tolist())
            spans = every[start:stop]
        with_text = [span for span in spans if span[1] > span[0]]
        first = min((begin for begin, _ in with_text), default=0) if start else 0
        last = max((end for _, end in with_text), default=first) if stop < len(whole.ids) else len(text)
        facts.text, facts.text_start = text[first:last], first
        places = _segments(facts, whole, first, last)
        fates = _fates(whole, sequences, start, stop)
        reasons = Reasons(self.laid.path, self.laid.rows[facts.row - 1][1], whole)
        facts.reasons, why = reasons.window(start, fates)
        ids, segments = whole.ids[start:stop].tolist(), whole.segments[start:stop].tolist()
        marks: list[Mark] = [
            "cut" if sequence < 0 else "trained" if trained else "masked"
            for sequence, trained in zip(fates.sequence.tolist(), fates.trained.tolist(), strict=True)
        ]
        facts.tokens = [
            self.looks.fact(token, begin, end, places.get(segment, -1), mark, reason)
            for token, (begin, end), segment, mark, reason in zip(ids, spans, segments, marks, why, strict=True)
        ]


def _kept(laid: Laid) -> Callable[[int], Encoded]:
    """Encodes a row, and keeps the last few. It knows no viewer: a circle of the two would keep all rows alive."""
    return lru_cache(KEPT_ROWS)(lambda row: laid.path.whole([laid.rows[row]])[0])


def _among(rows: list[int], row: int) -> bool:
    at = bisect_left(rows, row)
    return at < len(rows) and rows[at] == row


def _sequences(path: RowPath, whole: Encoded, held_out: bool) -> tuple[list[Encoded], str]:
    """(the sequences of a row; why a run would refuse it, with truncation = "error")."""
    try:
        return path.held_out(whole) if held_out else path.encoder.cut(whole), ""
    except DataError as error:
        return cut_row(whole, path.max_length, "drop", path.tokenizer.bos_token_id), str(error)


def _fates(whole: Encoded, sequences: list[Encoded], start: int, stop: int) -> Fates:
    size = stop - start
    fates = Fates(np.full(size, -1), np.zeros(size, bool), np.zeros(size, bool), np.zeros(size, bool))
    for number, part in enumerate(sequences):
        kept_bos = len(part.ids) - (part.stop - part.start)
        if kept_bos and not start:
            fates.sequence[0], fates.first[0] = number, True
        low, high = max(part.start, start), min(part.stop, stop)
        if low >= high:
            continue
        window = slice(low - start, high - start)
        fates.sequence[window] = number
        fates.left_out[window] = any(rule in LEFT_OUT for rule in part.findings)
        shift = kept_bos - part.start
        fates.trained[window] = part.labels[low + shift : high + shift] != IGNORE
        if low == part.start and not kept_bos:
            fates.first[low - start] = True
    fates.trained[fates.left_out] = False
    return fates


def _segments(facts: RowFacts, whole: Encoded, first: int, last: int) -> dict[int, int]:
    """Put the segments in that the text window shows; return where each of the row's is among them."""
    if whole.rendered.tokens is not None:
        facts.segments = [SegmentFact(first, last, "ids", "", True)]
        return {0: 0}
    places: dict[int, int] = {}
    at = 0
    for number, segment in enumerate(whole.rendered.segments):
        begin, end = max(at, first), min(at + len(segment.text), last)
        at += len(segment.text)
        if begin < end:
            places[number] = len(facts.segments)
            facts.segments.append(SegmentFact(begin, end, segment.role, segment.source, segment.supervised))
    return places
