"""The bytes of many tokens at once, in flat arrays: what `Spelling` knows, without a step of Python for each token.

The tables grow as ids are seen and are replaced whole, never changed, so that several threads can read them.
N is the number of tokens, V one more than the highest id that was seen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.tokens.spelling import Spelling

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
_UNSEEN = -1
_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], dtype=np.uint64)
"""What of a word counts, where so many bytes are left."""


class _Table(NamedTuple):
    """What is known of each id; all but `rest` have shape [V]."""

    sizes: Int64
    """Bytes that it spells."""
    heads: Words
    """The first eight of them, the first one lowest."""
    rest_starts: Int64
    """Where those behind begin in `rest`, in words."""
    added: Bools
    partial: Bools
    spaced: Bools
    rest: Words


class SpelledTokens:
    """What the ids of one tokenizer spell."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        none = np.zeros(0, dtype=np.int64)
        flags, words = none.astype(bool), none.astype(np.uint64)
        self._table = _Table(none, words, none, flags, flags, flags, words)

    def sizes(self, ids: Int32) -> Int64:
        """Bytes of each token; shape [N]."""
        return self._of(ids).sizes[ids]

    def added(self, ids: Int32) -> Bools:
        """Whether each token was added to the vocabulary: texts are cut apart at such tokens first; shape [N]."""
        return self._of(ids).added[ids]

    def partial(self, ids: Int32) -> Bools:
        """Whether each token alone is not made of whole characters; shape [N]."""
        return self._of(ids).partial[ids]

    def spaced(self, ids: Int32) -> Bools:
        """Whether each token begins with a space; shape [N]."""
        return self._of(ids).spaced[ids]

    def standing(self, ids: Int32, text: bytes) -> Bools:
        """Whether each token's bytes are those of `text` where it would stand, if all stood one behind the other; shape [N].

        `text` has as many bytes as the tokens together.
        """
        table = self._of(ids)
        sizes = table.sizes[ids]
        starts = np.cumsum(sizes) - sizes
        words = np.ndarray((len(text) + 1,), dtype="<u8", buffer=text + bytes(_WORD), strides=(1,))
        """The eight bytes from each byte on."""
        wrong = (words[starts] ^ table.heads[ids]) & _MASKS[np.minimum(sizes, _WORD)] != 0
        longer = np.flatnonzero(sizes > _WORD)
        done = _WORD
        while len(longer):
            rest = table.rest[table.rest_starts[ids[longer]] + done // _WORD - 1]
            left = _MASKS[np.minimum(sizes[longer] - done, _WORD)]
            wrong[longer] |= (words[starts[longer] + done] ^ rest) & left != 0
            done += _WORD
            longer = longer[sizes[longer] > done]
        return ~wrong

    def _of(self, ids: Int32) -> _Table:
        """Tables in which all of `ids` are known."""
        table = self._table
        size = int(ids.max()) + 1 if len(ids) else 0
        if size > len(table.sizes) or (table.sizes[ids] == _UNSEEN).any():
            table = self._table = self._grown(table, ids, size)
        return table

    def _grown(self, table: _Table, ids: Int32, size: int) -> _Table:
        more = max(0, size - len(table.sizes))
        sizes = np.concatenate([table.sizes, np.full(more, _UNSEEN, dtype=np.int64)])
        heads, rest_starts, added, partial, spaced = (
            np.concatenate([array, np.zeros(more, dtype=array.dtype)])
            for array in (table.heads, table.rest_starts, table.added, table.partial, table.spaced)
        )
        new = np.unique(ids[sizes[ids] == _UNSEEN])
        spelled = [self.spelling[token] for token in new.tolist()]
        rests = [data[_WORD:] + bytes(-len(data[_WORD:]) % _WORD) for data in spelled]
        sizes[new] = list(map(len, spelled))
        heads[new] = np.frombuffer(b"".join(data[:_WORD].ljust(_WORD, b"\0") for data in spelled), dtype="<u8")
        words = np.array([len(rest) // _WORD for rest in rests], dtype=np.int64)
        rest_starts[new] = len(table.rest) + np.cumsum(words) - words
        added[new] = [token in self.spelling.added for token in new.tolist()]
        partial[new] = [not self.spelling.whole(token) for token in new.tolist()]
        spaced[new] = [data.startswith(b" ") for data in spelled]
        rest = np.concatenate([table.rest, np.frombuffer(b"".join(rests), dtype="<u8")])
        return _Table(sizes, heads, rest_starts, added, partial, spaced, rest)
