"""From rendered rows to tokens: the one place where ids and labels are made.

The whole text of a row is tokenized once, as inference would see it; each token is then mapped back to its segment by
its characters. Ids, labels, character spans and segments grow together and are cut together (`cutting`), so they cannot
drift apart. A label is the token's own id where it is trained on and -100 elsewhere; it is not shifted. Rows that come
as tokens keep their ids and labels, and are checked and cut like the others.

Many rows are worked on at once, in flat arrays: N tokens of all rows, R rows, S segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.templates.base import Rendered
from engine.tokens.cutting import cut_row
from engine.tokens.encoded import IGNORE, Encoded, Int32, Truncation
from engine.tokens.lint import Linter
from engine.tokens.locate import Int64, Located, Locator, Split
from engine.tokens.spelling import Spelling
from engine.tokens.tokenizer import around, end_ids

Bools = npt.NDArray[np.bool_]
ROWS_AT_ONCE = 128
"""Enough that a row costs few steps of Python, few enough that their arrays stay in the processor's cache."""


class Encoder:
    """Tokenizes rendered rows under one truncation rule."""

    def __init__(
        self, tokenizer: Any, max_length: int, truncation: Truncation | None, train_on_eos: bool = True
    ) -> None:
        """With no truncation at all, rows stay whole whatever their length."""
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.truncation = truncation
        self.train_on_eos = train_on_eos
        self.eos: int | None = tokenizer.eos_token_id
        self.spelling = Spelling(tokenizer)
        self._ends = end_ids(tokenizer)
        self._locator = Locator(tokenizer, self.spelling)
        self._before, self._behind = around(tokenizer)
        self._linter = Linter(tokenizer, self._locator.spelled, self._ends, train_on_eos)

    def encode(self, rows: Sequence[tuple[str, Rendered]]) -> list[list[Encoded]]:
        """Return the sequences of each (origin, rendered) row: one, none where it was dropped, several where split.

        A row without a token to train on gives one sequence with the finding "no_trained_token".
        Raises DataError with truncation = "error" for a row that is too long.
        """
        return [self.cut(row) for row in self.whole(rows)]

    def cut(self, row: Encoded) -> list[Encoded]:
        """The sequences of a whole row. Raises DataError with truncation = "error" where it is too long."""
        if self.truncation is None:
            return [row]
        return cut_row(row, self.max_length, self.truncation, self.tokenizer.bos_token_id)

    def whole(self, rows: Sequence[tuple[str, Rendered]]) -> list[Encoded]:
        """Return each row before anything is cut."""
        return self.finish(self.begin(rows))

    def begin(self, rows: Sequence[tuple[str, Rendered]]) -> Begun:
        """Split the texts of rows into ids: the long half of the work, which lets other threads work meanwhile."""
        of_text = [(i, row) for i, row in enumerate(rows) if row[1].tokens is None]
        texts = [rendered.text for _, (_, rendered) in of_text]
        return Begun(rows, [i for i, _ in of_text], texts, self._locator.split(texts))

    def finish(self, begun: Begun) -> list[Encoded]:
        """Give ids their labels, their places and their segments."""
        rows = begun.rows
        out = [self._as_given(*row) if row[1].tokens is not None else None for row in rows]
        for start in range(0, len(begun.of_text), ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, len(begun.of_text))
            some = begun.of_text[start:stop]
            found = self._locator.locate(begun.texts[start:stop], begun.split.of(start, stop))
            encoded = self._texts([rows[i] for i in some], found)
            for i, row in zip(some, encoded, strict=True):
                out[i] = row
        return [row for row in out if row is not None]

    def _as_given(self, origin: str, rendered: Rendered) -> Encoded:
        """A row that comes as tokens: its ids and its labels, all of them from the one segment, which has no text."""
        assert rendered.tokens is not None
        ids_T = np.array(rendered.tokens.ids, dtype=np.int32)
        labels_T = np.array(rendered.tokens.labels, dtype=np.int32)
        labels_T[:1] = IGNORE  # nothing stands before the first token that could predict it
        nowhere_T2, first_T = np.zeros((len(ids_T), 2), dtype=np.int32), np.zeros(len(ids_T), dtype=np.int32)
        findings = self._linter.given(ids_T, labels_T)
        return Encoded(origin, rendered, ids_T, labels_T, nowhere_T2, first_T, 0, len(ids_T), 0, findings)

    def _texts(self, rows: Sequence[tuple[str, Rendered]], found: Located) -> list[Encoded]:
        if not rows:
            return []
        segments = _Segments([rendered for _, rendered in rows])
        spots = segments.of(found)
        placed = self._with_specials(rows, found)
        ids_N = np.full(placed.total, -1, dtype=np.int32)
        spans_N2 = np.zeros((placed.total, 2), dtype=np.int32)
        segments_N = np.full(placed.total, -1, dtype=np.int32)
        trained_N = np.zeros(placed.total, dtype=bool)
        user_N = np.zeros(placed.total, dtype=bool)
        ids_N[placed.text] = found.ids
        ids_N[placed.added] = placed.added_ids
        spans_N2[placed.text, 0], spans_N2[placed.text, 1] = found.starts, found.ends
        segments_N[placed.text] = spots.segments
        trained_N[placed.text] = spots.learned
        user_N[placed.text] = spots.from_field
        trained_N[placed.eos] = segments.last_learned[placed.eos_rows]
        if not self.train_on_eos:
            trained_N &= user_N | ~np.isin(ids_N, np.fromiter(self._ends, dtype=np.int32, count=len(self._ends)))
        trained_N[placed.starts[placed.sizes > 0]] = False  # nothing stands before a first token that could predict it
        labels_N = np.where(trained_N, ids_N, np.int32(IGNORE))
        straddles_N = np.zeros(placed.total, dtype=bool)
        straddles_N[placed.text] = spots.straddles
        findings = self._linter.rows(ids_N, trained_N, user_N, straddles_N, placed.starts, placed.sizes)
        out = []
        bounds = [*placed.starts.tolist(), placed.total]
        for (origin, rendered), start, stop, rules in zip(rows, bounds[:-1], bounds[1:], findings, strict=True):
            part = slice(start, stop)
            out.append(
                Encoded(
                    origin,
                    rendered,
                    ids_N[part],
                    labels_N[part],
                    spans_N2[part],
                    segments_N[part],
                    0,
                    stop - start,
                    0,
                    rules,
                )
            )
        return out

    def _with_specials(self, rows: Sequence[tuple[str, Rendered]], found: Located) -> _Placed:
        """Where the tokens of the text and those that stand around it go: BOS and the like, and EOS where it is asked for."""
        last = np.cumsum(found.counts) - 1
        before: list[Sequence[int]] = []
        behind: list[Sequence[int]] = []
        for (_, rendered), count, end in zip(rows, found.counts.tolist(), last.tolist(), strict=True):
            head, tail = (self._before, self._behind) if rendered.add_special_tokens else ((), ())
            if rendered.end_with_eos and self.eos is not None:
                final = tail[-1] if tail else int(found.ids[end]) if count else head[-1] if head else None
                if final not in self._ends:
                    tail = (*tail, self.eos)
            before.append(head)
            behind.append(tail)
        return _Placed(found.counts, before, behind, [r.end_with_eos for _, r in rows], self._ends)


@dataclass(frozen=True, slots=True)
class Begun:
    """Rows whose texts were split into ids."""

    rows: Sequence[tuple[str, Rendered]]
    of_text: list[int]
    """Which of them have a text; the others come as tokens."""
    texts: list[str]
    split: Split


class _Segments:
    """The segments of several rows in flat arrays."""

    def __init__(self, rendered: Sequence[Rendered]) -> None:
        every = [segment for row in rendered for segment in row.segments]
        lengths = np.fromiter((len(s.text) for s in every), dtype=np.int64, count=len(every))
        learned = np.fromiter((s.supervised for s in every), dtype=bool, count=len(every))
        counts = np.fromiter((len(row.segments) for row in rendered), dtype=np.int64, count=len(rendered))
        self._ends = np.cumsum(lengths)
        before = np.cumsum(counts) - counts
        starts = np.append(self._ends - lengths, self._ends[-1:].sum())
        self._row_start = starts[before]
        """Characters before each row; shape [R]."""
        self._rows = np.flatnonzero(counts)
        self._row_last = (before + counts - 1)[self._rows]
        """The last segment of each row that has any."""
        self._number = np.arange(len(every)) - np.repeat(before, counts)
        """Which one of its row each is."""
        self._from_field = np.fromiter((bool(s.source) for s in every), dtype=bool, count=len(every))
        self._learned = learned & (lengths > 0)
        self._learned_upto = np.concatenate([[0], np.cumsum(self._learned)])
        self._filled_upto = np.concatenate([[0], np.cumsum(lengths > 0)])
        self.last_learned = np.array(
            [bool(row.segments) and row.segments[-1].supervised for row in rendered], dtype=bool
        )

    def of(self, found: Located) -> _Spots:
        """What each token stands on. A token that stands for no character belongs to where it stands."""
        starts = found.starts + np.repeat(self._row_start, found.counts)
        upto = np.cumsum(found.counts)[self._rows]
        if (starts[1:] < starts[:-1]).any():  # a normaliser changed the order, and the tokenizer says so
            return self._disordered(found, starts, upto)
        edges = np.searchsorted(starts, self._ends, side="left")
        edges[self._row_last] = upto
        tokens = np.diff(edges, prepend=0)
        """Tokens that begin in each segment; what is behind the text of a row is in its last."""
        spots = _Spots(
            np.repeat(self._number, tokens),
            np.repeat(self._learned, tokens),
            np.zeros(len(starts), dtype=bool),
            np.repeat(self._from_field, tokens),
        )
        for token, segment in self._crossing(found, starts, edges):
            self._mark(spots, token, segment, int(starts[token] + found.ends[token] - found.starts[token]))
        return spots

    def _crossing(self, found: Located, starts: Int64, edges: Int64) -> Iterator[tuple[int, int]]:
        """(token, the segment that it begins in) of those that end behind that segment."""
        before = edges - 1
        before[self._row_last] = -1  # nothing ends behind a text
        inside = np.flatnonzero(before >= 0)
        ends = starts + found.ends - found.starts if len(starts) else starts
        for segment in inside[ends[before[inside]] > self._ends[inside]].tolist():
            token, end = int(before[segment]), int(self._ends[segment])
            first = int(edges[segment - 1]) if segment else 0
            while token >= first and ends[token] > end:
                yield token, segment
                token -= 1

    def _mark(self, spots: _Spots, token: int, first: int, end: int) -> None:
        """Put in for a token what the segments from `first` to that of its last character say together."""
        last = int(np.searchsorted(self._ends, end - 1, side="right"))
        learned = self._learned_upto[last + 1] - self._learned_upto[first]
        filled = self._filled_upto[last + 1] - self._filled_upto[first]
        spots.learned[token] = learned > 0
        spots.straddles[token] = 0 < learned < filled

    def _disordered(self, found: Located, starts: Int64, upto: Int64) -> _Spots:
        """The same where a token can stand before the one before it."""
        row_last = np.repeat(self._row_last, np.diff(upto, prepend=0))
        first = np.minimum(np.searchsorted(self._ends, starts, side="right"), row_last)
        ends = starts + found.ends - found.starts
        spots = _Spots(
            self._number[first], self._learned[first], np.zeros(len(first), dtype=bool), self._from_field[first]
        )
        for token in np.flatnonzero(ends > self._ends[first]).tolist():
            self._mark(spots, token, int(first[token]), int(ends[token]))
        return spots


@dataclass(frozen=True, slots=True)
class _Spots:
    """What the segments say of each token of the text; shapes [N]."""

    segments: Int64
    """The first that it stands in, counted within its row."""
    learned: Bools
    straddles: Bools
    from_field: Bools


class _Placed:
    """Places of tokens once those around the texts are among them."""

    def __init__(
        self,
        counts: Int64,
        before: Sequence[Sequence[int]],
        behind: Sequence[Sequence[int]],
        ending: Sequence[bool],
        ends: frozenset[int],
    ) -> None:
        heads = np.fromiter(map(len, before), dtype=np.int64, count=len(before))
        tails = np.fromiter(map(len, behind), dtype=np.int64, count=len(behind))
        self.sizes = heads + counts + tails
        """Tokens of each row; shape [R]."""
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.total = int(self.sizes.sum())
        self.text: Int64 | slice = slice(None)
        """Where the tokens of the texts go."""
        mask = np.zeros(self.total, dtype=bool)
        if self.total > int(counts.sum()):
            shift = self.starts + heads - (np.cumsum(counts) - counts)
            self.text = np.arange(int(counts.sum())) + np.repeat(shift, counts)
            mask[:] = True
            mask[self.text] = False
        self.added: Int64 = np.flatnonzero(mask)
        self.added_ids: Int32 = np.fromiter(
            chain.from_iterable(chain(head, tail) for head, tail in zip(before, behind, strict=True)), dtype=np.int32
        )
        final = [bool(tail) and tail[-1] in ends and wanted for tail, wanted in zip(behind, ending, strict=True)]
        self.eos_rows: Int64 = np.flatnonzero(final)
        self.eos = (self.starts + self.sizes - 1)[self.eos_rows]
        """Where an added end token stands that is learned with what stands before it."""


__all__ = ["IGNORE", "Encoded", "Encoder", "Int32", "Truncation"]
