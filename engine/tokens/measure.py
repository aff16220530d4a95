"""What is remembered of tokenized rows: how long they are and where they are trained, some thirty bytes a row.

From that follows, for any max_length and at once, what a truncation rule would do to every row: the same that `cutting` does,
held to it by a test. No ids are kept; `Fetched` makes those of a batch anew, by the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.tokens.cutting import keeps_bos
from engine.tokens.encoded import IGNORE, Encoded, Int32, Truncation
from engine.tokens.findings import LEFT_OUT, RULES

if TYPE_CHECKING:
    from engine.tokens.prepare import Laid

Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_BIT = {rule: 1 << n for n, rule in enumerate(RULES)}
_FETCHED_ROWS = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of rows under a rule; all arrays are parallel to `rows`, except those of sequences."""

    rows: Int64
    """The rows that were measured, ascending."""
    lengths: Int64
    """Tokens of each before anything is cut."""
    bits: Int64
    """What is found in each: a bit a rule, in the order of `RULES`."""
    lost: int
    """Tokens that are in no sequence because of max_length."""
    left_out: int
    """Tokens of sequences without a token to train on."""
    sequence_rows: Int64
    """Row of each sequence that is trained on."""
    sequence_starts: Int64
    """Which token of its row is its first, a BOS that was kept not counted."""
    sequence_lengths: Int64

    def having(self, rule: str) -> Int64:
        """The rows with a finding, ascending."""
        return self.rows[(self.bits & _BIT[rule]) > 0]


class Measures:
    """Numbers about rows that were tokenized. Rows are indices into those of a `Laid`."""

    def __init__(self, laid: Laid) -> None:
        count = len(laid.rows)
        self.laid = laid
        self.known = np.zeros(count, dtype=bool)
        self._length = np.zeros(count, dtype=np.int64)
        self._first = np.full(count, -1, dtype=np.int64)
        """The first trained token; -1 for none."""
        self._last = np.full(count, -1, dtype=np.int64)
        self._before_last = np.full(count, -1, dtype=np.int64)
        """The last trained token but one: where an answer ends with an end token, the last of its words."""
        self._trained = np.zeros(count, dtype=np.int64)
        self._bits = np.zeros(count, dtype=np.int64)
        self._keeps_bos = np.zeros(count, dtype=bool)
        self._runs: dict[int, Int64] = {}
        """Of rows whose trained tokens do not lie together: (start, stop) of each stretch."""
        self.problems: dict[int, str] = {}
        """Why a template refused a row."""

    @property
    def seen(self) -> int:
        """Rows that were measured."""
        return int(self.known.sum())

    @property
    def tokens(self) -> int:
        """Tokens of all rows that were measured, before anything is cut."""
        return int(self._length[self.known].sum())

    def supervised(self, rows: Int64) -> int:
        """Trained tokens of rows, before anything is cut."""
        return int(self._trained[rows].sum())

    def measure(self, rows: Sequence[int]) -> None:
        """Tokenize rows and remember their numbers. Raises DataError."""
        path = self.laid.path
        bos = path.tokenizer.bos_token_id
        for row, encoded in zip(rows, path.whole([self.laid.rows[row] for row in rows]), strict=True):
            self._add(row, encoded, bos)

    def _add(self, row: int, encoded: Encoded, bos: int | None) -> None:
        trained = np.flatnonzero(encoded.labels != IGNORE)
        self._length[row] = len(encoded.ids)
        self._trained[row] = len(trained)
        self._bits[row] = sum(_BIT[rule] for rule in encoded.findings)
        self._keeps_bos[row] = keeps_bos(encoded, bos)
        if encoded.problem:
            self.problems[row] = encoded.problem
        if len(trained):
            self._first[row], self._last[row] = trained[0], trained[-1]
            self._before_last[row] = trained[-2] if len(trained) > 1 else -1
            if trained[-1] - trained[0] + 1 != len(trained):
                breaks = np.flatnonzero(np.diff(trained) > 1)
                starts = trained[np.concatenate([[0], breaks + 1])]
                stops = trained[np.concatenate([breaks, [len(trained) - 1]])] + 1
                self._runs[row] = np.stack([starts, stops], axis=1)
        self.known[row] = True

    def of(self, rows: Sequence[int] | Int64, max_length: int, truncation: Truncation | None) -> Outcome:
        """What becomes of these rows (those that were measured) under a rule; without one, nothing is cut.

        "error" refuses to train where a row is too long; what it would refuse is counted as "dropped".
        """
        chosen = np.asarray(rows, dtype=np.int64)
        chosen = np.sort(chosen[self.known[chosen]])
        length, bits = self._length[chosen], self._bits[chosen].copy()
        over = length > max_length if truncation else np.zeros(len(chosen), dtype=bool)
        if truncation == "right":
            return self._windows(chosen, bits, over, np.zeros(len(chosen), dtype=np.int64), max_length)
        if truncation == "left":
            start = np.where(over, length - max_length + self._keeps_bos[chosen], 0)
            return self._windows(chosen, bits, over, start, max_length)
        if truncation == "split":
            return self._split(chosen, bits, over, max_length)
        bits[over] = (bits[over] & ~_mask(*LEFT_OUT)) | _BIT["dropped"]
        whole = (bits & _mask(*LEFT_OUT)) == 0
        return Outcome(
            rows=chosen,
            lengths=length,
            bits=bits,
            lost=int(length[over].sum()),
            left_out=int(length[~whole & ~over].sum()),
            sequence_rows=chosen[whole],
            sequence_starts=np.zeros(int(whole.sum()), dtype=np.int64),
            sequence_lengths=length[whole],
        )

    def stretches(self, outcome: Outcome) -> tuple[Int64, Int64, Int64]:
        """(sequence, start, stop) of every stretch of trained tokens in the sequences of an outcome, in their order.

        The first token of a sequence is left out: nothing stands before it that could predict it.
        """
        rows, starts, sizes = outcome.sequence_rows, outcome.sequence_starts, outcome.sequence_lengths
        bos = (starts + sizes > self._length[rows]).astype(np.int64)  # one was kept before them
        number, first, stop = np.arange(len(rows)), self._first[rows], self._last[rows] + 1
        apart = np.array([row in self._runs for row in rows.tolist()], dtype=bool) if self._runs else None
        if apart is not None and apart.any():
            of = [(n, self._runs[int(rows[n])]) for n in np.flatnonzero(apart).tolist()]
            number = np.concatenate([number[~apart], *(np.full(len(runs), n) for n, runs in of)])
            first = np.concatenate([first[~apart], *(runs[:, 0] for _, runs in of)])
            stop = np.concatenate([stop[~apart], *(runs[:, 1] for _, runs in of)])
        at = starts[number] - bos[number]
        begin = np.maximum(first - at, np.maximum(bos[number], 1))
        end = np.minimum(stop - at, sizes[number])
        order = np.lexsort((begin, number))
        order = order[((begin < end) & (first >= 0))[order]]
        return number[order], begin[order], end[order]

    def _windows(self, rows: Int64, bits: Int64, over: Bools, start: Int64, max_length: int) -> Outcome:
        """Of each row that is too long, one window is kept: from `start`, which is 0 where its end is cut."""
        length, first, last = self._length[rows], self._first[rows], self._last[rows]
        kept_bos = self._keeps_bos[rows] & (start > 0)
        labels_from = np.where(start > 0, np.where(kept_bos, start, start + 1), 0)
        labels_to = np.where(start > 0, length, max_length)
        learned = first >= 0
        late = learned & (last >= labels_to)
        ends = (bits & _BIT["missing_eos"]) == 0
        last_word = np.where(ends, self._before_last[rows], last)
        answer_cut = over & learned & ((first < labels_from) | (last_word >= labels_to))
        bits[over] = (bits[over] & ~_mask(*LEFT_OUT)) | _BIT["cut"]
        bits[answer_cut] |= _BIT["answer_cut"]
        bits[over & late & ends] |= _BIT["eos_cut"]
        empty = over & ~self._any_trained(rows, labels_from, labels_to)
        bits[empty] |= _BIT["no_trained_token"]
        kept = np.where(over, max_length, length)
        whole = (bits & _mask(*LEFT_OUT)) == 0
        return Outcome(
            rows=rows,
            lengths=length,
            bits=bits,
            lost=int((length - kept).sum()),
            left_out=int(kept[~whole].sum()),
            sequence_rows=rows[whole],
            sequence_starts=start[whole],
            sequence_lengths=kept[whole],
        )

    def _any_trained(self, rows: Int64, start: Int64, stop: Int64) -> Bools:
        """Whether a token between two places is trained. Exact for rows whose trained tokens lie apart, too."""
        first, last = self._first[rows], self._last[rows]
        some = (first >= 0) & (first < stop) & (last >= start)
        for i in np.flatnonzero(some).tolist() if self._runs else ():
            runs = self._runs.get(int(rows[i]))
            if runs is not None:
                some[i] = bool(((runs[:, 0] < stop[i]) & (runs[:, 1] > start[i])).any())
        return some

    def _split(self, rows: Int64, bits: Int64, over: Bools, max_length: int) -> Outcome:
        """Of each row that is too long, every piece with a token to train on is kept."""
        length = self._length[rows]
        bits[over] = (bits[over] & ~_mask(*LEFT_OUT)) | _BIT["split"]
        short = ~over & ((bits & _mask(*LEFT_OUT)) == 0)
        row_parts, start_parts = [rows[short]], [np.zeros(int(short.sum()), dtype=np.int64)]
        left_out = int(length[~over & ~short].sum())
        for i in np.flatnonzero(over).tolist():
            row = int(rows[i])
            starts = np.arange(0, length[i], max_length)
            stops = np.minimum(starts + max_length, length[i])
            runs = self._runs.get(row, np.array([[self._first[row], self._last[row] + 1]]))
            learned = ((runs[:, :1] < stops) & (runs[:, 1:] > starts + 1)).any(axis=0) & (self._first[row] >= 0)
            row_parts.append(np.full(int(learned.sum()), row))
            start_parts.append(starts[learned])
            left_out += int((stops - starts)[~learned].sum())
            if not learned.all():
                bits[i] |= _BIT["no_trained_token"]
        sequence_rows, starts = np.concatenate(row_parts), np.concatenate(start_parts)
        order = np.lexsort((starts, sequence_rows))
        sequence_rows, starts = sequence_rows[order], starts[order]
        whole = self._length[sequence_rows]
        sizes = np.where(whole > max_length, np.minimum(max_length, whole - starts), whole)
        return Outcome(rows, length, bits, 0, left_out, sequence_rows, starts, sizes)


def _mask(*rules: str) -> int:
    return sum(_BIT[rule] for rule in rules)


class Fetched:
    """The sequences of an outcome; their tokens are made when they are asked for, by the path that trains."""

    def __init__(self, laid: Laid, outcome: Outcome) -> None:
        self._laid = laid
        self._starts = outcome.sequence_starts.tolist()
        self.lengths: Int64 = outcome.sequence_lengths
        self.rows: list[int] = outcome.sequence_rows.tolist()
        self.sources: list[int] = [laid.owners[row] for row in self.rows]
        self.origins: list[str] = [laid.rows[row][1].origin for row in self.rows]
        self._of_row = _fetching(laid)

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self, index: int) -> Int32:
        """Token ids of a sequence, shape [T]."""
        return self._of_row(self.rows[index])[self._starts[index]].ids

    def labels(self, index: int) -> Int32:
        """Labels of a sequence, shape [T]."""
        return self._of_row(self.rows[index])[self._starts[index]].labels


def _fetching(laid: Laid) -> Callable[[int], dict[int, Encoded]]:
    """Encodes a row: its sequences by their first token. The last rows are kept.

    It holds nobody who holds it: a circle of the two would keep all rows alive.
    """

    def encoded(row: int) -> dict[int, Encoded]:
        return {part.start: part for part in laid.path.encode([laid.rows[row]])[0]}

    return lru_cache(_FETCHED_ROWS)(encoded)
