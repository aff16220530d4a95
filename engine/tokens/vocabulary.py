"""Looking up entries of a vocabulary: by what they stand for, how they are written, their id or their bytes.

All entries lie in a few long strings of bytes that are searched as a whole, so that a quarter of a million answer at once.
An upper-case letter in a pattern is meant as one; without any, case is put aside.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.token_facts import PieceFact
from engine.tokens.spelling import Spelling

Ints = npt.NDArray[np.int64]
MOST = 1000
"""Entries that are given at once at most."""
_END, _STANDS_FOR_END = b"\0", b"\xff"
_HEX = re.compile(r"0x([0-9a-fA-F ]*)")


class Vocabulary:
    """The entries of a tokenizer, by id."""

    def __init__(self, tokenizer: Any) -> None:
        spelling = Spelling(tokenizer)  # one of its own: what it remembers of all entries is not kept
        pieces = sorted((int(token), str(piece)) for piece, token in tokenizer.get_vocab().items())
        self._ids = np.array([token for token, _ in pieces], dtype=np.int64)
        self._pieces = _Entries([piece.encode("utf-8", "surrogatepass") for _, piece in pieces])
        data = [spelling[token] for token, _ in pieces]
        self._data = _Entries([spelled.hex().encode() for spelled in data])
        """Hexadecimal digits: bytes of any value would hide where an entry ends."""
        self._texts = _Entries(list(map(_whole, data)))
        self._folded = [_folded(self._texts), _folded(self._pieces)]
        self._special, self._added = spelling.special, frozenset(spelling.added)

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, pattern: str, start: int = 0, count: int = 200) -> tuple[int, list[PieceFact]]:
        """(how many entries match, those from `start` on), by id; one whose id is the pattern comes first.

        Raises DataError for "0x" with anything but pairs of hexadecimal digits behind it.
        """
        places = self._matching(pattern)
        shown = places[max(0, start) : max(0, start) + min(max(0, count), MOST)]
        return len(places), [self._fact(place) for place in shown.tolist()]

    def _matching(self, pattern: str) -> Ints:
        if not pattern:
            return np.arange(len(self._ids))
        data = _HEX.fullmatch(pattern)
        if data is not None:
            return self._data.holding(_bytes(data[1]), aligned=2)
        if pattern != pattern.lower():
            found = [entries.holding(_encoded(pattern)) for entries in (self._texts, self._pieces)]
        else:
            found = [entries.holding(_encoded(pattern.casefold())) for entries in self._folded]
        places = np.union1d(*found)
        if not pattern.isascii() or not pattern.isdecimal():
            return places
        same = np.flatnonzero(self._ids == int(pattern)) if len(pattern) < 10 else places[:0]
        return np.concatenate([same, places[~np.isin(places, same)]])

    def _fact(self, place: int) -> PieceFact:
        token = int(self._ids[place])
        data = bytes.fromhex(self._data[place].decode())
        special = token in self._special
        return PieceFact(
            token,
            self._pieces[place].decode("utf-8", "surrogatepass"),
            _whole(data).decode(),
            "" if special else data.hex(),
            special,
            token in self._added,
        )


class _Entries:
    """Texts of all entries, one behind the other."""

    def __init__(self, parts: list[bytes]) -> None:
        self._blob = b"".join(part.replace(_END, _STANDS_FOR_END) + _END for part in parts)
        self._starts = np.fromiter(accumulate((len(part) + 1 for part in parts), initial=0), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> bytes:
        return self._blob[self._starts[place] : self._starts[place + 1] - 1].replace(_STANDS_FOR_END, _END)

    def holding(self, needle: bytes, aligned: int = 1) -> Ints:
        """Which entries hold some bytes, at a multiple of `aligned`; ascending."""
        if _END in needle:
            return np.zeros(0, dtype=np.int64)
        at = np.array(
            [match.start() for match in re.finditer(b"(?=" + re.escape(needle) + b")", self._blob)], dtype=np.int64
        )
        places = np.searchsorted(self._starts, at, side="right") - 1
        return np.unique(places[(at - self._starts[places]) % aligned == 0])


def _folded(entries: _Entries) -> _Entries:
    texts = [entries[place].decode("utf-8", "surrogatepass") for place in range(len(entries))]
    return _Entries([_encoded(text.casefold()) for text in texts])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _whole(data: bytes) -> bytes:
    """The bytes of whole characters; nothing of others."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return b""
    return data


def _bytes(digits: str) -> bytes:
    """The hexadecimal digits of some bytes, without blanks."""
    bare = digits.replace(" ", "").lower()
    if not bare or len(bare) % 2:
        raise DataError(f'"0x{digits}" is no row of bytes: each of them has two hexadecimal digits, as in "0xe4 bd".')
    return bare.encode()
