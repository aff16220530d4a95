"""Which languages the rows are in, and which rows are in another one than most.

The script of the letters is exact and for all rows; it decides the language where only one is written in it. Languages that
share a script are told apart by py3langid, which is slow: for an overview in a sample of the rows, chosen by their numbers,
so that it is the same each time. Who leaves rows out by this finding looks at every one (`Setting.thorough`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.data.found import RowNumbers
from engine.data.quality.base import SAMPLES, Rule, Seen, Setting, Severity, View, clipped, counted
from engine.data.quality.identify import (
    ALIKE,
    LANGUAGE_NAMES,
    ONE_LANGUAGE,
    TOLD_APART,
    UNSURE,
    identify,
    script_number,
    words_of,
)  # fmt: skip
from engine.data.quality.scripts import NONE, SCRIPTS, script_of
from engine.facts import FindingFacts

SAMPLE = 2000
"""Rows whose language is looked at for an overview."""
_HASHED = 1 << 32
_MAIN = 0.2  # of the rows are in the language that others differ from
_MORE = 8

Ints = NDArray[np.int64]


class OtherLanguage(Rule):
    """The row is in another language than most rows."""

    title: ClassVar[str] = "Another language"
    severity: ClassVar[Severity] = "note"
    why: ClassVar[str] = (
        "Rows in another language than the rest are often there by mistake, and teach the model to switch; in data of "
        "several languages they are meant to be there."
    )
    cure: ClassVar[str] = "Look at a few; leave them out if the model is to speak one language."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.languages: dict[str, int] = {}
        """Language -> rows, commonest first; estimated where only a sample was looked at. Known after `rows`."""
        self._judgements: dict[tuple[int, int], int] = {}  # (script, bits) -> number; few are ever seen
        self._judged = array("I")
        self._codes = [UNSURE]
        self._sample = _Sample(setting)
        self._firsts: dict[str, list[tuple[int, str]]] = {}
        self._ambiguous = 0
        self._counts: Counter[str] = Counter()

    def look(self, row: View) -> None:
        said = [m.content for m in row.messages if m.role == "assistant"]
        said += [m.content for m in row.messages if m.role not in ("assistant", "system")]
        text = "\n".join(said or row.texts)
        script, bits = script_of(text)
        self._judged.append(self._judgements.setdefault((script, bits), len(self._judgements)))
        name = SCRIPTS[script]
        if name in ONE_LANGUAGE:
            self._remember(ONE_LANGUAGE[name], row.number, name, text)
            return
        self._ambiguous += script != NONE
        if script != NONE and self._sample.wants(row.number):
            piece = words_of(text, name)
            code, sure = identify(piece, name)
            self._sample.add(len(self._judged) - 1, row.number, self._number_of(code))
            judgement = f"{name} letters" if code == UNSURE else f"{LANGUAGE_NAMES.get(code, code)}, {sure:.0%} sure"
            self._remember(code, row.number, judgement, piece)

    def _number_of(self, code: str) -> int:
        if code not in self._codes:
            self._codes.append(code)
        return self._codes.index(code)

    def _remember(self, code: str, number: int, judgement: str, text: str) -> None:
        firsts = self._firsts.setdefault(code, [])
        if len(firsts) < SAMPLES:
            firsts.append((number, f"row {number}: {judgement}: {clipped(text)}"))

    def rows(self, seen: Seen) -> RowNumbers:
        if not len(seen):
            return seen.numbers
        scripts, bits = np.array(list(self._judgements), dtype=np.int64)[np.array(self._judged)].T
        at, codes = self._sample.arrays()
        self.languages = self._mix(scripts, at, codes)
        main = next((code for code in self.languages if code != UNSURE), None)
        if main is None or self.languages[main] < _MAIN * len(seen):
            return seen.numbers[:0]  # no language is that of the source
        script = script_number(main)
        foreign = (scripts != NONE) & (scripts != script) & (bits & (1 << script) == 0)
        same = {UNSURE, *next((group for group in ALIKE if main in group), (main,))}
        other = np.array([code not in same for code in self._codes])
        foreign[at[other[codes] & (scripts[at] == script)]] = True
        numbers = seen.numbers
        found = set(numbers[foreign].tolist())
        self._count(scripts, foreign, at, codes)
        self.samples = [line for lines in self._firsts.values() for number, line in lines if number in found][:SAMPLES]
        return np.sort(numbers[foreign])

    def _count(self, scripts: Ints, foreign: NDArray[np.bool_], at: Ints, codes: Ints) -> None:
        """Count the rows found by language, where that is known, else by script."""
        names = np.array([f"{name} letters" if name in TOLD_APART else ONE_LANGUAGE.get(name, "") for name in SCRIPTS])
        said = names[scripts]
        sure = codes != 0
        said[at[sure]] = np.array(self._codes)[codes[sure]]
        self._counts = Counter(LANGUAGE_NAMES.get(name, name) for name in said[foreign].tolist())

    def _mix(self, scripts: Ints, at: Ints, codes: Ints) -> dict[str, int]:
        """Language -> rows. What a sample says of a script holds for all rows in it."""
        mix: Counter[str] = Counter()
        for script, rows in enumerate(np.bincount(scripts, minlength=len(SCRIPTS)).tolist()):
            looked = np.bincount(codes[scripts[at] == script], minlength=len(self._codes)) if rows else np.zeros(1)
            if SCRIPTS[script] in ONE_LANGUAGE:
                mix[ONE_LANGUAGE[SCRIPTS[script]]] += rows
            elif script == NONE or not looked.sum():
                mix[UNSURE] += rows
            else:
                for code, count in enumerate(looked.tolist()):
                    mix[self._codes[code]] += round(rows * count / looked.sum())
        return {code: count for code, count in mix.most_common() if count}

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        main = next(code for code in self.languages if code != UNSURE)
        found.title = f"Another language than {LANGUAGE_NAMES.get(main, main)} ({counted(self._counts)})"
        return found

    def notes(self) -> list[str]:
        looked, total = len(self._sample), self._ambiguous
        if looked == total:
            return []
        return [
            f"Languages in the same letters were told apart in {looked:,} of {total:,} rows, chosen by their numbers; other "
            "letters were looked for in all. A run that leaves out other_language looks at every row."
        ]


class _Sample:
    """The rows whose language is looked at: all, or at most `SAMPLE` of them, the same ones each time.

    Rows that say too little are none of the sample, so it begins with more rows than it needs, and halves when it is full.
    """

    def __init__(self, setting: Setting) -> None:
        share = 1.0 if setting.thorough else min(1.0, _MORE * SAMPLE / max(1, setting.expected_rows))
        self._below = int(_HASHED * share)
        self._limit = 0 if setting.thorough else SAMPLE
        self._at = array("I")
        self._numbers = array("I")
        self._codes = array("B")

    def __len__(self) -> int:
        return len(self._at)

    def wants(self, number: int) -> bool:
        """Whether this row is one of the sample."""
        return number * 0x9E3779B1 % _HASHED < self._below

    def add(self, index: int, number: int, code: int) -> None:
        """Take the language of a row; where the sample gets too large, half of it is dropped."""
        self._at.append(index)
        self._numbers.append(number)
        self._codes.append(code)
        while self._limit and len(self._at) > self._limit:
            self._below //= 2
            kept = [i for i, number in enumerate(self._numbers) if self.wants(number)]
            self._at = array("I", [self._at[i] for i in kept])
            self._numbers = array("I", [self._numbers[i] for i in kept])
            self._codes = array("B", [self._codes[i] for i in kept])

    def arrays(self) -> tuple[Ints, Ints]:
        """(index of each row of the sample, number of its language)."""
        return np.array(self._at, dtype=np.int64), np.array(self._codes, dtype=np.int64)
