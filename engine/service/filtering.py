"""`filter`: from a question about rows to a view of them, in one walk over the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.data.export import json_text
from engine.data.interpret import SAMPLE_ROWS
from engine.data.rows import BadLine, Record
from engine.errors import DataError
from engine.service.jobs import Job, Jobs
from engine.service.ordering import Keys
from engine.service.protocol import Answer, Filter, Matched
from engine.service.search import Needle, Test, holds, plain_test, regex_test
from engine.service.sources import Source, Sources
from engine.service.views import Numbers, View

NUMBER, LENGTH = "#", "length"


def filter_rows(sources: Sources, jobs: Jobs, request: Filter, job: Job) -> Answer:
    """Make the view that a request describes; a filter of the same source that still runs is cancelled."""
    source = sources.get(request.source)
    for name in (request.field, request.sort if request.sort not in (NUMBER, LENGTH) else ""):
        _known_column(source, name)
    test = _test(request)
    jobs.claim(job, "filter", source.number)
    with source.use():
        view = source.views.new()
        try:
            return _Filter(source, request, job, view, test).run()
        except BaseException:
            source.views.drop(view)
            raise


def _known_column(source: Source, name: str) -> None:
    """Raises DataError for a column that no row can have; one that only later rows have is not known beforehand."""
    if name and name not in source.columns and source.complete and source.known <= SAMPLE_ROWS:
        raise DataError(f"No row has a column {name!r}; there are {', '.join(source.columns) or 'none'}.")


def _test(request: Filter) -> Test | None:
    if not request.pattern:
        return None
    return regex_test(request.pattern) if request.regex else plain_test(request.pattern)


class _Filter:
    """One filter under way."""

    def __init__(self, source: Source, request: Filter, job: Job, view: View, test: Test | None) -> None:
        self.source = source
        self.request = request
        self.job = job
        self.view = view
        self.test = test
        self.chosen: Numbers | None = None
        self.told = False
        self.by_length = request.sort == LENGTH and LENGTH not in source.columns
        self.by_number = not request.sort or (request.sort == NUMBER and NUMBER not in source.columns)

    def run(self) -> Matched:
        """Walk, report as the view grows, order it; return the last answer."""
        self.chosen = self._chosen()
        expected = len(self.chosen) if self.chosen is not None else self.source.expected
        keys = None if self.by_number else Keys(expected)
        if self.test or self.request.kept or keys:
            self._walk(keys)
        else:
            self._take_all()
        if keys:
            self.view.put(keys.order(self.request.descending))
        elif self.request.descending:
            self.view.put(self.view.rows()[::-1].copy())
        self.view.complete = True
        return self._matched(self.source.known, complete=True)

    def _chosen(self) -> Numbers | None:
        """The rows to look at, in the order of the file; None for all."""
        chosen: Numbers | None = None
        if self.request.rows:
            wanted = {number - 1 for number in self.request.rows if number > 0}
            self.source.wait_for(max(wanted, default=0), self.job)
            known = self.source.known
            chosen = np.array(sorted(row for row in wanted if row < known), dtype=np.int32)
        if self.request.findings:
            from engine.service.examining import examined

            examination = self.source.examination or examined(self.source, self.job)
            found = examination.rows_with(self.request.findings)
            chosen = found if chosen is None else np.intersect1d(chosen, found)
        return chosen

    def _walk(self, keys: Keys | None) -> None:
        needle = Needle(self.request.pattern) if self.test and not self.request.regex else None
        passes = self._passes() if self.request.kept else None
        for block in self.source.walk(self.job, self.chosen, needle if needle and needle.useful else None):
            kept: list[int] = []
            for row, record in block:
                if self.test and not self._matches(row, record, self.test):
                    continue
                if passes and not passes(row, record):
                    continue
                kept.append(row)
                if keys:
                    keys.add(row, self._key(record))
            self.view.add(kept)
            self._report(block.upto)

    def _passes(self) -> Callable[[int, Record], bool]:
        from engine.service.examining import kept_rows

        return kept_rows(self.source, self.job)

    def _take_all(self) -> None:
        if self.chosen is not None:
            self.view.add(self.chosen)
            return
        while self.source.wait_for(len(self.view), self.job):
            self.view.add(np.arange(len(self.view), self.source.known, dtype=np.int32))
            self._report(len(self.view))

    def _matches(self, row: int, record: Record, test: Test) -> bool:
        if isinstance(record, BadLine):
            return not self.request.field and test(self.source.raw(row).decode("utf-8", "replace"))
        return holds(test, record.values, self.request.field)

    def _key(self, record: Record) -> Any:
        """What a row is sorted by; None for one that does not have it."""
        if isinstance(record, BadLine):
            return None
        if self.by_length:
            return sum(len(json_text(value)) for value in record.values.values())
        return record.values.get(self.request.sort)

    def _report(self, scanned: int) -> None:
        first = not self.told and len(self.view) > 0
        if first or self.job.due():
            self.told = self.told or first
            self.job.say(self._matched(scanned))

    def _matched(self, scanned: int, complete: bool = False) -> Matched:
        total = len(self.chosen) if self.chosen is not None else self.source.expected
        return Matched(
            source=self.source.number,
            view=self.view.number,
            matches=len(self.view),
            scanned=min(scanned, total),
            total=total,
            complete=complete,
        )
