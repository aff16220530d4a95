"""Examining a source: every row once, then statistics of its columns and findings about its rows.

Browsing, the command line and training ask the same object, so a finding leaves out the rows that were shown. Where a format
reads the rows, the rules look at what it reads; else at every text of a row. No text is kept: a row costs some tens of
bytes whatever its length.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.config.data import FindingName
from engine.data.conversation import Conversation
from engine.data.figures import figures
from engine.data.found import RowNumbers, rules_of
from engine.data.quality import RULES
from engine.data.quality.base import Rule, Seen, Setting, View
from engine.data.quality.broken import Unreadable
from engine.data.quality.digests import digests_of
from engine.data.quality.languages import OtherLanguage
from engine.data.row_error import RowError
from engine.data.rows import BadLine, Record, Row
from engine.data.statistics import COLUMNS, Columns
from engine.facts import ColumnFigures, FindingFacts

Convert = Callable[[Row], list[Conversation]]
_TOKENIZED = 128  # rows at once
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of the rows taken so far."""

    seen: int
    """Rows, readable or not."""
    unreadable: int
    misfits: int
    """Rows that can be read and do not fit the format."""
    conversations: int
    columns: list[ColumnFigures]
    figures: list[ColumnFigures]
    """Of whole rows: characters, turns, tokens."""
    findings: list[FindingFacts]
    """Gravest first; only of rules that found something."""
    languages: dict[str, int]
    """Language -> rows, commonest first; "unsure" where a row says too little."""
    notes: list[str]
    complete: bool
    found: dict[str, RowNumbers] = field(repr=False)
    """Rule -> rows."""

    def rows_of(self, rule: str) -> RowNumbers:
        """The numbers of the rows that a rule found, in order."""
        return self.found[rule]

    def findings_of(self, number: int) -> list[str]:
        """The rules that found this row."""
        return rules_of(self.found, number)


class Examiner:
    """Takes rows in order.

    `convert` makes conversations of a row and raises RowError where it does not fit; None where rows have no format.
    `rules` None means all, with the languages of a sample; named rules look at every row, and () leaves digests only.
    `count_tokens` counts the tokens of texts. `against` holds digests of other rows, as `digests()` gives them.
    `expected_rows` is how many rows will come, as far as that is known: it saves work on languages. `gathers` says that a
    row is one turn of a conversation that stands in several rows.
    """

    def __init__(
        self,
        convert: Convert | None,
        *,
        rules: Collection[str] | None = None,
        statistics: bool = True,
        count_tokens: Callable[[list[str]], list[int]] | None = None,
        against: Collection[int] = (),
        expected_rows: int = 0,
        gathers: bool = False,
    ) -> None:
        setting = Setting(convert is not None, against, expected_rows, gathers, thorough=rules is not None)
        names = [cast(FindingName, name) for name in (RULES if rules is None else rules)]
        self._rules: dict[str, Rule] = {name: RULES[name](setting) for name in names}
        self._looks = [rule.look for rule in self._rules.values() if type(rule).look is not Rule.look]
        self._convert = convert
        self._seen = Seen(digests=not rules or any(rule.needs_digests for rule in self._rules.values()))
        self._columns = Columns() if statistics else None
        self._turns = array("I")
        self._tokens = array("I")
        self._untokenized: list[str] = []
        self._count_tokens = count_tokens
        self._rows = self._unreadable = self._misfits = self._conversations = 0

    def take(self, number: int, record: Record) -> None:
        """Take a row, by its number from 1."""
        self._rows += 1
        if isinstance(record, BadLine):
            self._unreadable += 1
            rule = self._rules.get("unreadable")
            if isinstance(rule, Unreadable):
                rule.refuse(number, record)
            return
        conversations, misfit = self._converted(record)
        row = View(number, record.values, conversations, misfit)
        self._seen.add(row)
        if self._columns is not None:
            self._columns.take(record.values)
            if row.messages and row.messages[0].role != "text":
                self._turns.append(len(row.messages))
        for look in self._looks:
            look(row)
        if self._count_tokens is not None and row.texts:
            self._untokenized.append("\n".join(row.texts))
            if len(self._untokenized) == _TOKENIZED:
                self._tokenize()

    def _converted(self, row: Row) -> tuple[list[Conversation], str]:
        if self._convert is None:
            return [], ""
        try:
            conversations = self._convert(row)
        except RowError as error:
            self._misfits += 1
            return [], str(error)
        self._conversations += len(conversations)
        return conversations, ""

    def _tokenize(self) -> None:
        if self._count_tokens is not None and self._untokenized:
            self._tokens.extend(self._count_tokens(self._untokenized))
            self._untokenized = []

    def digests(self) -> NDArray[np.uint64]:
        """The digests of the conversations taken, of whole rows where there are none: what `against` of another takes."""
        parts, parts_of = self._seen.digest_parts
        return np.concatenate([np.delete(self._seen.digests, np.unique(parts_of)), parts])

    def report(self, complete: bool) -> Report:
        """What the rows taken so far show; `complete` where that is all there are. More may be taken afterwards."""
        readable = self._rows - self._unreadable
        found = {name: rule.rows(self._seen) for name, rule in self._rules.items()}
        findings = [rule.finding(name, found[name]) for name, rule in self._rules.items() if len(found[name])]
        language = self._rules.get("other_language")
        return Report(
            seen=self._rows, unreadable=self._unreadable, misfits=self._misfits, conversations=self._conversations,
            columns=self._columns.figures(readable) if self._columns is not None else [],
            figures=self._figures() if self._columns is not None else [],
            findings=sorted(findings, key=lambda finding: _ORDER[finding.severity]),
            languages=language.languages if isinstance(language, OtherLanguage) else {},
            notes=self._notes(complete), complete=complete, found=found,
        )  # fmt: skip

    def _figures(self) -> list[ColumnFigures]:
        self._tokenize()
        sizes = self._seen.sizes
        measured: list[tuple[str, NDArray[Any]]] = [(self._seen.unit, sizes)] if len(sizes) else []
        measured += [(name, np.array(of)) for name, of in (("turns", self._turns), ("tokens", self._tokens)) if of]
        return [
            figures(name, {"number": len(values)}, values, name, distinct=len(np.unique(values)))
            for name, values in measured
        ]

    def _notes(self, complete: bool) -> list[str]:
        notes = [] if complete else [f"Figures and findings of the first {self._rows:,} rows."]
        for rule in self._rules.values():
            notes += rule.notes()
        if self._columns is not None and self._columns.beyond:
            notes.append(f"Only the first {COLUMNS:,} columns are described.")
        return notes


__all__ = ["Examiner", "Report", "digests_of"]
