"""Rows that a run file leaves out: by finding, and by number. The data are never changed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from engine.config.data import DataSection
from engine.data.conversation import Conversation
from engine.data.examine import Examiner, digests_of
from engine.data.interpret import Reading
from engine.data.rows import Record
from engine.errors import DataError

BY_NUMBER = "by number"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Row numbers from 1, and how many for which reason; a row counts for the first."""

    rows: frozenset[int]
    counts: dict[str, int]


def excluded_rows(
    records: Sequence[Record], section: DataSection, reading: Reading, sha256: str, against: Sequence[Conversation]
) -> LeftOut:
    """Find what `[data.exclude]` leaves out.

    Raises DataError when the file is another than the one whose rows were chosen, when a row is not there, and when a
    finding needs a package that is not installed.
    """
    exclude = section.exclude
    rows: set[int] = set()
    counts: dict[str, int] = {}
    if exclude.rows:
        if exclude.sha256 is not None and not sha256.startswith(exclude.sha256.lower()):
            raise DataError(
                f"{section.path} has changed since rows of it were excluded: its SHA-256 is {sha256[:16]}…, the run file says "
                f"{exclude.sha256[:16]}…. Look at the rows again, and write them anew under [data.exclude]."
            )
        beyond = [number for number in exclude.rows if not 1 <= number <= len(records)]
        if beyond:
            taken = " with this max_rows" if len(records) == section.max_rows else ""
            raise DataError(
                f"{section.path} has {len(records)} rows{taken}; exclude.rows names row {beyond[0]}. Take it out of the list."
            )
        rows |= set(exclude.rows)
        counts[BY_NUMBER] = len(rows)
    if exclude.findings:
        if "near_duplicate" in exclude.findings and importlib.util.find_spec("rensa") is None:
            raise DataError(
                'exclude.findings names "near_duplicate", which needs the package rensa: pip install "luthier[duplicates]".'
            )
        for rule, found in _found(records, section, reading, against).items():
            new = found - rows
            counts[rule] = len(new)
            rows |= new
    return LeftOut(frozenset(rows), counts)


def _found(
    records: Sequence[Record], section: DataSection, reading: Reading, against: Sequence[Conversation]
) -> dict[str, set[int]]:
    known = set(digests_of(against).tolist())
    examiner = Examiner(
        reading.convert, rules=section.exclude.findings, statistics=False, against=known, gathers=reading.gathers
    )
    for number, record in enumerate(records, 1):
        examiner.take(number, record)
    report = examiner.report(complete=True)
    return {rule: {int(n) for n in report.rows_of(rule)} for rule in section.exclude.findings}
