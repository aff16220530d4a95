"""Where in the text each token stands.

Two ways, one result. Most vocabularies lose nothing: the bytes of the tokens joined are the bytes of the text, which is
compared, and then the places follow by adding up lengths. Vocabularies of words differ by the spaces that open them. Where
a text differs otherwise (a normaliser), the tokenizer is asked for its offsets, which costs it twice the time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.tokens.spelled import SpelledTable, SpelledTokens
from engine.tokens.spelling import Spelling

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


_SPACE = 0x20
_LEAST_FIRST_BYTE = -64
"""As signed numbers, the bytes within a character are the lowest."""


@dataclass(frozen=True, slots=True)
class Split:
    """The ids of several texts, one text behind the other."""

    ids: Int32
    """Shape [N]."""
    counts: Int64
    """Tokens of each text."""

    def of(self, start: int, stop: int) -> Split:
        """Those of the texts from `start` to before `stop`."""
        upto = np.cumsum(self.counts[:stop])
        begin = int(upto[start - 1]) if start else 0
        return Split(self.ids[begin : int(upto[-1]) if stop else 0], self.counts[start:stop])


@dataclass(frozen=True, slots=True)
class Located:
    """The tokens of several texts, one text behind the other. Without what the tokenizer adds around a text."""

    ids: Int32
    """Shape [N]."""
    starts: Int64
    """First character, counted within the text of the token; shape [N]. Tokens that share a character share its place."""
    ends: Int64
    """One past the last character; shape [N]. A token may stand for none: a space that only opens a word."""
    counts: Int64
    """Tokens of each text."""


class Locator:
    """Splits texts into tokens that know their characters."""

    def __init__(self, tokenizer: Any, spelling: Spelling) -> None:
        self.spelled = SpelledTokens(spelling)
        self._backend = tokenizer.backend_tokenizer

    def split(self, texts: Sequence[str]) -> Split:
        """The ids of each text, without special tokens around it. Lets other threads work meanwhile."""
        if self._backend.truncation is not None:  # what waits for a tokenizer to be changed keeps all threads waiting
            self._backend.no_truncation()
        if self._backend.padding is not None:
            self._backend.no_padding()
        found = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        # One row after the other becomes numbers of Python, which stay in the processor's cache.
        ids = chain.from_iterable(encoding.ids for encoding in found)
        return Split(np.fromiter(ids, dtype=np.int32, count=int(counts.sum())), counts)

    def locate(self, texts: Sequence[str], split: Split | None = None) -> Located:
        """Find the characters of the tokens; `split` is what was found of these texts, where it was asked already."""
        if split is None:
            split = self.split(texts)
        ids, counts = split.ids, split.counts
        data = [text.encode() for text in texts]
        table = self.spelled.of(ids)
        sizes = table.sizes[ids]
        opening, others = self._read(table, ids, sizes, counts, data)
        sizes[opening] -= 1
        sizes[_tokens_of(others, counts)] = 0
        starts, ends = _characters(sizes, counts, data)
        if others:
            self._ask([texts[i] for i in others], _tokens_of(others, counts), starts, ends)
        return Located(ids, starts, ends, counts)

    def _read(
        self, table: SpelledTable, ids: Int32, sizes: Int64, counts: Int64, data: list[bytes]
    ) -> tuple[Int64, list[int]]:
        """(tokens that open a word with a space that is not in the text, texts that their tokens do not spell).

        Vocabularies of words put such a space before the first word of a text, perhaps also behind each added token. Which of
        them are not in the text is guessed from the number of bytes, and compared; where the guess was wrong it is looked for.
        """
        last = np.cumsum(counts)
        upto = np.concatenate([[0], np.cumsum(sizes)])[last]
        extra = np.diff(upto, prepend=0) - np.fromiter(map(len, data), dtype=np.int64, count=len(data))
        opening = _guessed(table, ids, last, extra)
        fitting = _by_text(opening, last) == extra
        wrong = self._wrong(table, ids, sizes, np.repeat(fitting, counts), opening, b"".join(compress(data, fitting)))
        unsure = np.flatnonzero(~fitting | (_by_text(wrong, last) > 0))
        if not len(unsure):
            return opening, []
        found = opening[~np.isin(np.searchsorted(last, opening, side="right"), unsure)].tolist()
        others = []
        for row in unsure.tolist():
            begin, end = int(last[row] - counts[row]), int(last[row])
            spaces = self._spaces(ids[begin:end].tolist(), data[row])
            if spaces is None:
                others.append(row)
            else:
                found += [begin + place for place in spaces]
        return np.array(found, dtype=np.int64), others

    @staticmethod
    def _wrong(table: SpelledTable, ids: Int32, sizes: Int64, among: Bools, opening: Int64, text: bytes) -> Int64:
        """The tokens, of those that `among` marks, that do not stand in `text`, which has spaces before those `opening`."""
        if among.all():
            starts = np.cumsum(sizes) - sizes
            return np.flatnonzero(~table.standing(ids, sizes, starts, _opened(text, starts[opening])))
        places = np.flatnonzero(among)
        ids, sizes = ids[places], sizes[places]
        starts = np.cumsum(sizes) - sizes
        opening = np.searchsorted(places, opening[among[opening]])
        wrong: Int64 = places[~table.standing(ids, sizes, starts, _opened(text, starts[opening]))]
        return wrong

    def _spaces(self, ids: list[int], text: bytes) -> list[int] | None:
        """The tokens that open a word with a space that is not in the text; None where the tokens do not spell it."""
        spelled = [self.spelled.spelling[token] for token in ids]
        added = self.spelled.spelling.added
        breaks = [0, *(place + 1 for place, token in enumerate(ids) if token in added), len(ids)]
        found = []
        at = 0
        for start, stop in pairwise(breaks):
            run = b"".join(spelled[start:stop])
            if not text.startswith(run, at):
                if run[:1] != b" " or not text.startswith(run[1:], at):
                    return None
                found.append(start)
                run = run[1:]
            at += len(run)
        return found if at == len(text) else None

    def _ask(self, texts: list[str], places: Int64, starts: Int64, ends: Int64) -> None:
        """Put the offsets that the tokenizer itself gives for texts where their tokens are, at `places`."""
        found = []
        for text, encoding in zip(texts, self._backend.encode_batch(texts, add_special_tokens=False), strict=True):
            offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
            offsets[:, 1] = _with_marks(text, offsets)
            found.append(offsets)
        starts[places], ends[places] = np.concatenate(found).T


def _with_marks(text: str, offsets: Int64) -> Int64:
    """The ends of tokens, where what a normaliser joined to the character before it belongs to that: tokenizers leave it out.

    `offsets` has shape [T, 2].
    """
    starts, ends = offsets.T
    edges = np.zeros(len(text) + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, ends, -1)
    bare = np.flatnonzero(np.cumsum(edges)[:-1] == 0)
    moved = np.arange(len(text) + 1)
    for run in np.split(bare, np.flatnonzero(np.diff(bare) > 1) + 1) if len(bare) else []:
        first, behind = int(run[0]), int(run[-1]) + 1
        if first and not unicodedata.is_normalized("NFC", text[first - 1 : behind]):
            moved[first] = behind
    widened: Int64 = np.where(ends > starts, moved[ends], ends)
    return widened


def _guessed(table: SpelledTable, ids: Int32, last: Int64, extra: Int64) -> Int64:
    """The tokens that may open a word with a space that is not in the text.

    Of a text with so many `extra` bytes as there are places for it it is each of them, of one with one it is the first token.
    """
    if not extra.any():
        return last[:0]
    firsts = last[:-1]
    begins = np.union1d(np.append(0, firsts), np.flatnonzero(table.added[ids]) + 1)
    begins = begins[begins < len(ids)]
    places = begins[table.spaced[ids[begins]]]
    text = np.searchsorted(last, places, side="right")
    every = _by_text(places, last) == extra
    first = np.isin(places, firsts) | (places == 0)
    chosen: Int64 = places[every[text] | ((extra[text] == 1) & first)]
    return chosen


def _opened(text: bytes, places: Int64) -> bytes:
    """The text with spaces; `places` are where they stand in what comes out."""
    if not len(places):
        return text
    return np.insert(np.frombuffer(text, np.uint8), places - np.arange(len(places)), _SPACE).tobytes()


def _by_text(places: Int64, last: Int64) -> Int64:
    """How many of the tokens at `places` each text has; `last` are the tokens up to the end of each."""
    counts: Int64 = np.bincount(np.searchsorted(last, places, side="right"), minlength=len(last))
    return counts


def _tokens_of(texts: list[int], counts: Int64) -> Int64:
    """Places of all tokens of some texts."""
    if not texts:
        return counts[:0]
    chosen = np.zeros(len(counts), dtype=bool)
    chosen[texts] = True
    return np.flatnonzero(np.repeat(chosen, counts))


def _characters(sizes: Int64, counts: Int64, data: list[bytes]) -> tuple[Int64, Int64]:
    """Characters from byte sizes. A token that ends within a character stands for all of it."""
    text = np.frombuffer(b"".join(data), dtype=np.int8)
    before = np.cumsum([0, *map(len, data)])[:-1]
    """Bytes before each text."""
    upto = np.cumsum(sizes)
    last = np.cumsum(counts)
    shift = before - np.concatenate([[0], upto])[last - counts]
    if shift.any():  # a text whose tokens are not placed by their bytes stands before
        upto += np.repeat(shift, counts)
    number = np.cumsum(text >= _LEAST_FIRST_BYTE)
    number = np.append(number, number[-1:].sum() + 1)
    """Of each byte, which character it is of, from 1."""
    base = np.repeat(number[before], counts)
    starts = number[upto - sizes] - base
    ends = np.where(sizes > 0, number[np.maximum(upto - 1, 0)] + 1 - base, starts)
    return starts, ends
