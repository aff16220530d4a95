"""What is wrong with the tokens of a row, looked for in many rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.tokens.encoded import IGNORE, Int32
from engine.tokens.findings import BYTE_RUN
from engine.tokens.spelled import SpelledTokens

Bools = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


class Linter:
    """Rules about ids and labels. They see tokens, so they hold for every template."""

    def __init__(self, tokenizer: Any, spelled: SpelledTokens, ends: frozenset[int], train_on_eos: bool) -> None:
        self._bos: int | None = tokenizer.bos_token_id
        self._unknown: int | None = tokenizer.unk_token_id
        self._spelled = spelled
        self._train_on_eos = train_on_eos
        self._ends = np.array(sorted(ends), dtype=np.int32)
        self._is_end = self._unknown in ends
        """Whether the unknown token is one that ends answers, too: such a one is no sign of anything unknown."""

    def given(self, ids: Int32, labels: Int32) -> tuple[str, ...]:
        """What is found in a row that comes as tokens; shapes [T]. Its text is not known, so nothing is said of texts."""
        whole, none = np.array([0]), np.zeros(len(ids), dtype=bool)
        found = self.rows(ids, labels != IGNORE, none, none, whole, np.array([len(ids)]))[0]
        return tuple(rule for rule in found if rule not in ("byte_run", "unknown_token"))

    def rows(
        self, ids: Int32, trained: Bools, user: Bools, straddles: Bools, starts: Int64, sizes: Int64
    ) -> list[tuple[str, ...]]:
        """The findings of each row. `ids`, `trained`, `user` (from a field) and `straddles` have shape [N]."""
        filled = np.flatnonzero(sizes > 0)
        table = self._spelled.of(ids)
        control = self._control(table.special[ids], ids, user, starts, sizes, filled)
        found: list[list[str]] = [[] for _ in sizes]
        for rule, rows in (
            ("straddle", _rows_with(straddles, starts, filled)),
            ("no_trained_token", self._untrained(trained, starts, sizes, filled)),
            ("missing_eos", self._endless(ids, trained, starts, sizes, filled)),
            ("double_bos", self._doubled(ids, starts, sizes)),
            ("special_in_text", _rows_with(control, starts, filled)),
            ("unknown_token", self._unknown_rows(ids, user, starts, filled)),
            ("byte_run", _byte_runs(table.partial[ids], starts, filled)),
        ):
            for row in rows.tolist():
                found[row].append(rule)
        return [tuple(rules) for rules in found]

    def _untrained(self, trained: Bools, starts: Int64, sizes: Int64, filled: Int64) -> Int64:
        some = np.zeros(len(sizes), dtype=bool)
        some[_rows_with(trained, starts, filled)] = True
        return np.flatnonzero(~some)

    def _endless(self, ids: Int32, trained: Bools, starts: Int64, sizes: Int64, filled: Int64) -> Int64:
        """Rows whose last trained token is no end token. Whoever does not train on end tokens knows that.

        White space behind an end token does not count: some templates train the line break that follows it.
        """
        if not self._train_on_eos or not len(filled):
            return filled[:0]
        places = np.where(trained, np.arange(len(ids)), -1)
        last = np.maximum.reduceat(places, starts[filled])
        ended = np.isin(ids[np.maximum(last, 0)], self._ends)
        unended = np.flatnonzero((last >= 0) & ~ended)
        ends = zip(starts[filled[unended]].tolist(), last[unended].tolist(), strict=True)
        endless = np.array([not self._ends_before(ids[start : end + 1]) for start, end in ends], dtype=bool)
        rows: Int64 = filled[unended[endless]]
        return rows

    def _ends_before(self, ids: Int32) -> bool:
        """Whether the last of some tokens that is more than white space is an end token."""
        for token in reversed(ids.tolist()):
            if self._spelled.spelling[token].strip():
                return bool(np.isin(token, self._ends))
        return False

    def _control(self, special: Bools, ids: Int32, user: Bools, starts: Int64, sizes: Int64, filled: Int64) -> Bools:
        """Control tokens in the text of a field; shape [N]. An end token at the very end of a row ends what it should."""
        found: Bools = user & special
        if self._unknown is not None and not self._is_end:
            found &= ids != self._unknown
        last = (starts + sizes - 1)[filled]
        found[last] &= ~np.isin(ids[last], self._ends)
        return found

    def _doubled(self, ids: Int32, starts: Int64, sizes: Int64) -> Int64:
        if self._bos is None:
            return starts[:0]
        rows = np.flatnonzero(sizes > 1)
        first = starts[rows]
        twice: Bools = (ids[first] == self._bos) & (ids[first + 1] == self._bos)
        return rows[twice]

    def _unknown_rows(self, ids: Int32, user: Bools, starts: Int64, filled: Int64) -> Int64:
        if self._unknown is None or self._is_end:
            return filled[:0]
        return _rows_with(user & (ids == self._unknown), starts, filled)


def _byte_runs(partial: Bools, starts: Int64, filled: Int64) -> Int64:
    """Rows with a long run of tokens that are no whole characters; these are marked in `partial`."""
    if len(partial) < BYTE_RUN or not partial.any():
        return filled[:0]
    upto = np.concatenate([[0], np.cumsum(partial)])
    full = (upto[BYTE_RUN:] - upto[:-BYTE_RUN]) == BYTE_RUN
    begins = np.zeros(len(partial), dtype=bool)
    begins[: len(full)] = full
    crossing = np.zeros(len(partial), dtype=bool)
    for start in starts[1:].tolist():  # a run does not go on in the next row
        crossing[max(0, start - BYTE_RUN + 1) : start] = True
    return _rows_with(begins & ~crossing, starts, filled)


def _rows_with(marks: Bools, starts: Int64, filled: Int64) -> Int64:
    """The rows in which a mark is set."""
    if not len(filled):
        return filled
    return filled[np.logical_or.reduceat(marks, starts[filled])]
