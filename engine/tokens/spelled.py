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


class SpelledTable(NamedTuple):
    """What is known of each id; all but `rest` have shape [V]."""

    sizes: Int64
    """Bytes that it spells."""
    heads: Words
    """The first eight of them, the first one lowest."""
    masks: Words
    """What of `heads` counts."""
    rest_starts: Int64
    """Where the bytes behind begin in `rest`, in words."""
    added: Bools
    """Whether it was added to the vocabulary: texts are cut apart at such tokens first."""
    partial: Bools
    """Whether it alone is not made of whole characters."""
    spaced: Bools
    """Whether it begins with a space."""
    special: Bools
    """Whether it is a control token."""
    rest: Words

    def standing(self, ids: Int32, sizes: Int64, starts: Int64, text: bytes) -> Bools:
        """Whether each token's bytes, `sizes` many, are those of `text` from byte `starts` on; shapes [N]."""
        words = np.ndarray((len(text) + 1,), dtype="<u8", buffer=text + bytes(_WORD), strides=(1,))
        """The eight bytes from each byte on."""
        wrong: Bools = (words[starts] ^ self.heads[ids]) & self.masks[ids] != 0
        longer = np.flatnonzero(sizes > _WORD)
        done = _WORD
        while len(longer):
            rest = self.rest[self.rest_starts[ids[longer]] + done // _WORD - 1]
            left = _MASKS[np.minimum(sizes[longer] - done, _WORD)]
            wrong[longer] |= (words[starts[longer] + done] ^ rest) & left != 0
            done += _WORD
            longer = longer[sizes[longer] > done]
        return ~wrong


class SpelledTokens:
    """What the ids of one tokenizer spell."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        none = np.zeros(0, dtype=np.int64)
        flags, words = none.astype(bool), none.astype(np.uint64)
        self._table = SpelledTable(none, words, words, none, flags, flags, flags, flags, words)

    def of(self, ids: Int32) -> SpelledTable:
        """A table in which all of `ids` are known."""
        table = self._table
        size = int(ids.max()) + 1 if len(ids) else 0
        if size > len(table.sizes) or (table.sizes[ids] == _UNSEEN).any():
            table = self._table = self._grown(table, ids, size)
        return table

    def _grown(self, table: SpelledTable, ids: Int32, size: int) -> SpelledTable:
        more = max(0, size - len(table.sizes))
        sizes = np.concatenate([table.sizes, np.full(more, _UNSEEN, dtype=np.int64)])
        heads, masks, rest_starts, added, partial, spaced, special = (
            np.concatenate([array, np.zeros(more, dtype=array.dtype)]) for array in table[1:-1]
        )
        new = np.unique(ids[sizes[ids] == _UNSEEN])
        spelled = [self.spelling[token] for token in new.tolist()]
        rests = [data[_WORD:] + bytes(-len(data[_WORD:]) % _WORD) for data in spelled]
        sizes[new] = list(map(len, spelled))
        heads[new] = np.frombuffer(b"".join(data[:_WORD].ljust(_WORD, b"\0") for data in spelled), dtype="<u8")
        masks[new] = _MASKS[np.minimum(sizes[new], _WORD)]
        words = np.array([len(rest) // _WORD for rest in rests], dtype=np.int64)
        rest_starts[new] = len(table.rest) + np.cumsum(words) - words
        added[new] = [token in self.spelling.added for token in new.tolist()]
        partial[new] = [not self.spelling.whole(token) for token in new.tolist()]
        spaced[new] = [data.startswith(b" ") for data in spelled]
        special[new] = [token in self.spelling.special for token in new.tolist()]
        rest = np.concatenate([table.rest, np.frombuffer(b"".join(rests), dtype="<u8")])
        return SpelledTable(sizes, heads, masks, rest_starts, added, partial, spaced, special, rest)
