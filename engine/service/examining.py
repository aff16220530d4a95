"""`examine`: what a sample shows at once, then what all rows show, by the examiner that the command line and training use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.examine import Examiner, Report
from engine.data.interpret import Reading
from engine.data.open import open_table
from engine.data.presets import apply_preset
from engine.data.rows import Record
from engine.data.source import held_out_section
from engine.service.examination import Examination
from engine.service.jobs import Job, Jobs
from engine.service.kept import Kept, count_kept
from engine.service.protocol import Answer, Examine, Examined, Progress
from engine.service.sources import Block, Source, Sources
from engine.service.views import Numbers
from engine.tokens.counting import Count, token_counter

SAMPLE_ROWS = 2000
_CHECK_ROWS = 16
"""Rows between two looks at whether the request still stands; rules may take a millisecond for a long one."""
Passes = Callable[[int, Record], bool]
Digests = NDArray[np.uint64]
_NONE: Digests = np.empty(0, dtype=np.uint64)


def examine(sources: Sources, jobs: Jobs, request: Examine, job: Job) -> Answer:
    """Examine a source; an examination of it that still runs is cancelled. Leakage is looked for with all rows only."""
    source = sources.get(request.source)
    others = [sources.get(number) for number in request.against if number != request.source]
    jobs.claim(job, "examine", source.number)
    with source.use():
        reading = source.reading
        asked = (request.tokenizer, [(other.number, other.known) for other in others], source.known)
        if source.reported and source.reported[0] == asked:
            settle_exclusions(source, job)
            return _examined(source, source.reported[1], reading, exact=True)
        count = token_counter(request.tokenizer) if request.tokenizer else None
        small = source.complete and source.known <= SAMPLE_ROWS
        if not small:
            sample = _sample(source, job, count)
            first = _examined(source, sample, reading, exact=False)
            first.complete = not request.exact
            if not request.exact:
                return first
            job.say(first)
        against = _digests(others, job)
        report = _whole(source, job, _examiner(source, count, against, source.expected), "examining")
        if others:
            report.notes.append(f"Looked for leakage into {', '.join(other.facts.name for other in others)}.")
        if reading is source.reading and source.complete:
            source.reported = (asked, report)
        settle_exclusions(source, job)
        return _examined(source, report, reading, exact=True)


def examined(source: Source, job: Job) -> Examination:
    """What all rows show, worked out now."""
    reading = source.reading
    report = _whole(source, job, _examiner(source, None, _NONE, source.expected), "examining")
    examination = Examination(report.found, exact=True)
    source.remember(examination, reading)
    return examination


def settle_exclusions(source: Source, job: Job) -> None:
    """Find the rows that `exclude.findings` leaves out, as a run does, where they are not known yet."""
    rules = source.section.exclude.findings
    if not rules or source.excluded:
        return
    reading = source.reading
    against = _held_out_digests(source, job) if "leakage" in rules else _NONE
    examiner = Examiner(
        reading.convert, rules=rules, statistics=False, against=against, expected_rows=source.expected,
        gathers=reading.gathers,
    )  # fmt: skip
    report = _whole(source, job, examiner, "looking for rows to leave out", source.section.max_rows)
    source.exclude(Examination(report.found, exact=True), reading)


def kept(source: Source, job: Job, group_by: str | None = None) -> Kept:
    """What a run would take of a source, counted once."""
    with source.use():
        settle_exclusions(source, job)
        known = source.kept  # another one, where the rows are understood in another way meanwhile
        if group_by not in known:
            known[group_by] = count_kept(source, job, group_by)
        return known[group_by]


def mean_tokens(source: Source, job: Job, count: Count) -> tuple[float, bool]:
    """(tokens of a row on average, whether all rows were looked at)."""
    examiner = Examiner(_convert(source), rules=(), count_tokens=count)
    with source.use():
        seen = _take(examiner, source.walk(job, spread(source.known, SAMPLE_ROWS)), job)
    tokens = next((figures.mean for figures in examiner.report(True).figures if figures.name == "tokens"), None)
    return tokens or 0.0, seen == source.known and source.complete


def kept_rows(source: Source, job: Job) -> Passes:
    """Whether a run would take a row."""
    settle_exclusions(source, job)
    return source.verdicts.keeps


def spread(rows: int, count: int) -> Numbers:
    """Row numbers from 0, evenly over all rows: the same ones each time."""
    return np.unique(np.linspace(0, max(0, rows - 1), min(rows, count)).round()).astype(np.int32)


def _convert(source: Source) -> Any:
    return None if source.reading.problem else source.reading.convert


def _examiner(source: Source, count: Count | None, against: Digests, expected: int) -> Examiner:
    gathers = source.reading.gathers
    return Examiner(_convert(source), count_tokens=count, against=against, expected_rows=expected, gathers=gathers)


def _sample(source: Source, job: Job, count: Count | None) -> Report:
    examiner = _examiner(source, count, _NONE, SAMPLE_ROWS)
    _take(examiner, source.walk(job, spread(source.known, SAMPLE_ROWS)), job)
    report = examiner.report(True)  # all of the sample; that it is one is said here
    report.notes.insert(0, f"Of a sample of {report.seen:,} rows, evenly spread.")
    return report


def _whole(source: Source, job: Job, examiner: Examiner, name: str, most: int | None = None) -> Report:
    blocks = _reported(source, job, name)
    _take(examiner, blocks, job, most)
    job.say(Progress(name="comparing rows", done=0, total=0))
    return examiner.report(True)


def _reported(source: Source, job: Job, name: str) -> Iterable[Block]:
    for block in source.walk(job):
        yield block
        job.progress(name, block.upto, source.expected)


def _take(examiner: Examiner, blocks: Iterable[Block], job: Job, most: int | None = None) -> int:
    """Show rows to an examiner, `most` at most, readable or not; how many it saw."""
    seen = 0
    for block in blocks:
        for row, record in block:
            if seen == most:
                return seen
            examiner.take(row + 1, record)
            seen += 1
            if seen % _CHECK_ROWS == 0:
                job.check()
    return seen


def _digests(others: list[Source], job: Job) -> Digests:
    """The digests of all rows of other sources."""
    found = [_NONE]
    for other in others:
        with other.use():
            examiner = Examiner(_convert(other), rules=(), statistics=False)
            _take(examiner, _reported(other, job, f"reading {other.facts.name}"), job)
            found.append(examiner.digests())
    return np.unique(np.concatenate(found))


def _held_out_digests(source: Source, job: Job) -> Digests:
    """The digests of the held-out rows that a source brings itself."""
    section = held_out_section(source.section)
    if section is None:
        return _NONE
    other = Source(0, section, open_table(apply_preset(section)))
    try:
        other.grow_alone(job)
        return _digests([other], job)
    finally:
        other.close()


def _examined(source: Source, report: Report, reading: Reading, exact: bool) -> Examined:
    source.remember(Examination(report.found, exact), reading)
    return Examined(
        source=source.number,
        seen=report.seen,
        exact=exact,
        columns=report.columns,
        conversations=report.conversations,
        figures=report.figures,
        findings=report.findings,
        languages=report.languages,
        notes=report.notes,
        complete=exact,
    )
