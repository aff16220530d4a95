"""Near duplicates: rows whose words are nearly those of an earlier row, found by MinHash.

Each row is kept as 68 bytes whatever its length: 128 minima of its shingles (three words, or three characters of scripts
without spaces) cut to four bits each, and eight minima of its answers. Rows that agree in one of sixteen bands of eight
minima are compared. Rows of 80 % estimated Jaccard similarity are found with 96 % probability, alike ones nearly always.
"""

from __future__ import annotations

import re
from array import array
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.data.found import RowNumbers
from engine.data.quality.base import SAMPLES, Rule, Seen, Setting, View
from engine.data.quality.duplicates import repeats

THRESHOLD = 0.8
"""Estimated Jaccard similarity of the shingles from which two rows are near duplicates."""
ANSWERS_THRESHOLD = 0.5
"""And that of their answers: many questions about one long text are no duplicates of each other."""
_MINIMA, _ANSWER_MINIMA, _SEED = 128, 8, 42
_BATCH = 256
_WORDS, _CHARACTERS = 10_000, 200_000  # of a text that are looked at: a book is told by its beginning
_COMPARED = 100_000  # pairs at once
_UNITS = re.compile(r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|\w+")
_SPACED = bytes(
    byte if chr(byte).isalnum() else 0x20 for byte in bytes(range(128)).lower()
) + bytes(range(128, 256))  # fmt: skip

Signatures = NDArray[np.uint8]


class NearDuplicate(Rule):
    """Nearly what an earlier row says. Exact duplicates are not counted again; the first row stays."""

    title: ClassVar[str] = "Near duplicates"
    why: ClassVar[str] = (
        "Rows that differ in a few words teach the same thing again: the model leans towards it, and held-out copies make "
        "the evaluation look better than it is."
    )
    cure: ClassVar[str] = (
        "Compare a few pairs; leave them out where the difference teaches nothing. The first of each stays."
    )
    needs_digests: ClassVar[bool] = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._minhash = minhash()
        self._rows = 0
        self._at = array("I")  # index of each signed row among all rows
        self._signatures = bytearray()
        self._answers = bytearray()
        self._pending: list[list[bytes]] = []
        self._pending_answers: list[list[bytes]] = []

    def look(self, row: View) -> None:
        self._rows += 1
        if self._minhash is None or row.misfit or self.setting.gathers:
            return
        answers = [unit for message in row.messages if message.role == "assistant" for unit in units(message.content)]
        answered = shingles(answers)
        said = shingles(_others(row)) + answered
        if said:
            self._at.append(self._rows - 1)
            self._pending.append(said)
            self._pending_answers.append(answered)
            if len(self._pending) == _BATCH:
                self._sign()

    def _sign(self) -> None:
        if self._pending and self._minhash is not None:
            self._signatures += signatures(self._minhash, self._pending, _MINIMA).tobytes()
            self._answers += signatures(self._minhash, self._pending_answers, _ANSWER_MINIMA).tobytes()
            self._pending, self._pending_answers = [], []

    def rows(self, seen: Seen) -> RowNumbers:
        self._sign()
        numbers = seen.numbers
        fresh = np.ones(len(numbers), dtype=bool)
        fresh[repeats(seen.digests)[0]] = False
        at = np.array(self._at, dtype=np.int64)
        whole = np.frombuffer(self._signatures, np.uint8).reshape(-1, _MINIMA // 2)
        answers = np.frombuffer(self._answers, np.uint8).reshape(-1, _ANSWER_MINIMA // 2)
        like = near(whole, answers, np.flatnonzero(fresh[at]))
        found = np.flatnonzero(like >= 0)
        self.samples = [
            f"row {numbers[at[row]]} says nearly the same as row {numbers[at[like[row]]]} "
            f"({float(similarity(whole[[row]], whole[[like[row]]])[0]):.0%} alike)"
            for row in found[:SAMPLES].tolist()
        ]
        return np.sort(numbers[at[found]])

    def notes(self) -> list[str]:
        if self._minhash is not None:
            return []
        return [
            "Near duplicates were not looked for, only exact ones: that needs the package rensa "
            '(pip install "luthier[duplicates]").'
        ]


@cache
def minhash() -> Any:
    """The class that computes minima, None where the package is not installed."""
    try:
        from rensa import RMinHash
    except ImportError:
        return None
    return RMinHash


def units(text: str) -> list[bytes]:
    """Words in lower case without punctuation; single characters in scripts that have no spaces between words."""
    text = text[:_CHARACTERS]
    if text.isascii():
        return text.encode().translate(_SPACED).split()
    return [unit.encode("utf-8", "surrogatepass") for unit in _UNITS.findall(text.casefold())]


def _others(row: View) -> list[bytes]:
    """What a row says but for its answers: turns without system texts, token ids, or a whole row with its numbers."""
    if row.messages:
        asked = (message for message in row.messages if message.role not in ("assistant", "system"))
        return [unit for message in asked for unit in units(message.content)]
    tokens = [conversation.tokens for conversation in row.conversations if conversation.tokens is not None]
    if tokens:
        return [b"%d" % number for ids in tokens for number in ids.ids[:_WORDS]]
    numbers = [repr(value).encode() for value in row.values.values() if isinstance(value, int | float)]
    return [unit for text in row.texts for unit in units(text)] + numbers


def shingles(words: list[bytes]) -> list[bytes]:
    """Each three neighbours; all of a shorter text at once, none of an empty one."""
    words = words[:_WORDS]
    if len(words) < 3:
        return [b" ".join(words)] if words else []
    return list(map(b" ".join, zip(words, words[1:], words[2:], strict=False)))


def signatures(minhash: Any, sets: list[list[bytes]], minima: int) -> Signatures:
    """Rows x minima / 2: four bits of each minimum, two in a byte. Rows with nothing are all alike."""
    values = np.array(minhash.digest_matrix_from_token_sets(sets, minima, _SEED).to_rows(), dtype=np.uint32)
    mixed = values * np.uint32(0x9E3779B1)  # minima are small numbers: their upper bits say nothing yet
    nibbles = (mixed >> np.uint32(28)).astype(np.uint8)
    return np.asarray((nibbles[:, 0::2] << 4) | nibbles[:, 1::2], dtype=np.uint8)


def similarity(some: Signatures, others: Signatures) -> NDArray[np.float64]:
    """The estimated Jaccard similarity row by row; one of sixteen minima agrees by chance."""
    differ = some ^ others
    same = ((differ & 0xF0) == 0).sum(axis=1) + ((differ & 0x0F) == 0).sum(axis=1)
    return np.asarray((same / (2 * some.shape[1]) - 1 / 16) * (16 / 15))


def near(whole: Signatures, answers: Signatures, compared: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row the earlier row that stays and is near it; -1 where there is none, and for rows not compared."""
    found = [np.zeros(0, dtype=np.int64)]
    answered = answers[compared].view(np.uint32)[:, 0]
    for band in range(whole.shape[1] // 4 if len(compared) else 0):
        said = whole[compared, 4 * band : 4 * band + 4].view(np.uint32)[:, 0]
        pairs = compared[_candidates(said, answered)]
        for start in range(0, len(pairs), _COMPARED):
            some = pairs[start : start + _COMPARED]
            later, earlier = some[:, 0], some[:, 1]
            alike = similarity(whole[later], whole[earlier]) >= THRESHOLD
            alike &= similarity(answers[later], answers[earlier]) >= ANSWERS_THRESHOLD
            found.append(later[alike] << 32 | earlier[alike])
    like = np.full(len(whole), -1, dtype=np.int64)
    pairs = np.unique(np.concatenate(found))
    for start in range(0, len(pairs), _COMPARED):  # as Python's numbers they take ten times the room
        for row, of in _split(pairs[start : start + _COMPARED]).tolist():
            if like[row] < 0 and like[of] < 0:
                like[row] = of
    return like


def _candidates(said: NDArray[np.uint32], answered: NDArray[np.uint32]) -> NDArray[np.int64]:
    """(row, earlier row) for rows that agree in a band: with the first of them, the one before, the first that answers alike.

    Many questions about one text agree in nearly every band, and few of them are alike.
    """
    later, first, before = _neighbours(said)
    later_too, first_too, _ = _neighbours(said.astype(np.uint64) << np.uint64(32) | answered)
    pairs = np.concatenate([later << 32 | first, later << 32 | before, later_too << 32 | first_too])
    return _split(np.unique(pairs))


def _split(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two numbers a row, of numbers that hold two each."""
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF], axis=1)


def _neighbours(keys: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(rows whose key stood before, the first row with that key, the last one before this)."""
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    again = np.flatnonzero(in_order[1:] == in_order[:-1]) + 1
    first = starts[np.searchsorted(starts, again, side="right") - 1]
    return order[again], order[first], order[again - 1]
