"""data: what sources hold, before anything is trained on them. Browsing never refuses a file for its bad lines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from engine.cli import console, data_page
from engine.config.data import DataSection, FindingName, PresetName
from engine.config.load import apply_override, load, merge
from engine.config.runfile import RunFile
from engine.config.sections import data_section
from engine.data.examine import Examiner, Report, digests_of
from engine.data.export import BAD, RowFiles, line_of, target_of
from engine.data.interpret import Reading
from engine.data.mixture import table as mixture_table
from engine.data.open import open_table
from engine.data.presets import apply_preset
from engine.data.rows import BadLine, Row
from engine.data.source import held_out_section, read_source
from engine.data.survey import survey
from engine.data.table import Table
from engine.errors import ConfigError
from engine.facts import MixRow, SourceFacts
from engine.tokens.counting import token_counter

SPARE_ROWS = 2000
"""Rows that are looked at with --quick."""
_TOLD_EVERY = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    sample: int = 0
    findings: bool = False
    quick: bool = False
    tokenizer: str = ""
    only: Sequence[str] = ()
    export: str | None = None
    as_json: bool = False


@dataclass(slots=True)
class Looked:
    """A source, looked through."""

    section: DataSection
    facts: SourceFacts
    report: Report
    bad: list[BadLine] = field(default_factory=list)
    sample: list[tuple[int, Row | BadLine]] = field(default_factory=list)


def data(paths: Sequence[str], overrides: Sequence[str], wanted: Wanted) -> None:
    """Describe each source: a JSON object per source, or a page for people; a mixture at the end. Raises LuthierError."""
    unknown = sorted(set(wanted.only) - set(get_args(FindingName)))
    if unknown:
        raise ConfigError(
            f"--only {unknown[0]}: there is no such finding. There are {', '.join(get_args(FindingName))}."
        )
    sections, run = _sections(paths, overrides)
    if wanted.export is not None and len(sections) > 1:
        raise ConfigError(f"--export writes the rows of one source, and {len(sections)} are named. Name one.")
    looked = []
    for section in sections:
        table = open_table(section)
        target = target_of(wanted.export, False, table.paths) if wanted.export is not None else None
        try:
            one = look(table, section, wanted)
            looked.append(one)
            data_page.show(one.facts, one.report, one.bad, one.sample, wanted)
            if target is not None:
                _export(table, target, one.report, wanted.only)
        finally:
            table.close()
    if len(looked) > 1 and not all(one.report.complete for one in looked):
        console.say("The mixture is reckoned from all rows: leave --quick away to see it.")
    elif len(looked) > 1 and all(one.report.conversations for one in looked):
        data_page.show_mixture(_mixture(looked, run), wanted.as_json)


def _sections(paths: Sequence[str], overrides: Sequence[str]) -> tuple[list[DataSection], RunFile | None]:
    if len(paths) == 1 and paths[0].lower().endswith(".toml"):
        run = load(Path(paths[0]), overrides)
        return [apply_preset(section) for section in run.data], run
    return [apply_preset(_section(path, overrides)) for path in paths], None


def _section(path: str, overrides: Sequence[str]) -> DataSection:
    presets = get_args(PresetName)
    keys: dict[str, Any] = {"preset": path} if path in presets and not os.path.exists(path) else {"path": path}
    changed: dict[str, Any] = {}
    for override in overrides:
        apply_override(changed, f"data.0.{override}", {"data": [keys]})
    wrapped = {"data": [keys]}
    merge(wrapped, changed)
    return data_section(wrapped["data"][0], "--set")


def look(table: Table, section: DataSection, wanted: Wanted) -> Looked:
    """Look through a source, row by row; nothing of it is kept but figures. Raises DataError."""
    reading, facts = survey(table, section)
    examiner = _examiner(reading, section, wanted, table)
    bad: list[BadLine] = []
    sample: list[tuple[int, Row | BadLine]] = []
    with console.err.status("") as status:
        for number, record in enumerate(table.scan(), 1):
            if wanted.quick and number > SPARE_ROWS:
                break
            if isinstance(record, BadLine):
                bad.append(record)
            if number <= wanted.sample:
                sample.append((number, record))
            examiner.take(number, record)
            if number % _TOLD_EVERY == 0:
                status.update(console.safe(f"{facts.name}: row {number:,} of {table.known:,}"))
    facts.rows, facts.complete = table.known, table.complete
    if table.problem and not facts.problem:
        facts.problem = table.problem
    report = examiner.report(complete=not wanted.quick or (table.complete and table.known <= SPARE_ROWS))
    if reading.form is not None and reading.form.gathers:
        rows = (record for record in table.scan() if isinstance(record, Row))
        report = replace(report, conversations=len(reading.convert_all(rows).conversations))
    return Looked(section, facts, report, bad, sample)


def _examiner(reading: Reading, section: DataSection, wanted: Wanted, table: Table) -> Examiner:
    against: set[int] = set()
    held_out = held_out_section(section)
    if held_out is not None:
        other = open_table(held_out)
        theirs, _ = survey(other, held_out)
        rows = (record for record in other.scan() if isinstance(record, Row))
        against = set(digests_of(theirs.convert_all(rows).conversations).tolist())
        other.close()
    count = token_counter(wanted.tokenizer) if wanted.tokenizer else None
    convert = None if reading.problem else reading.convert
    return Examiner(
        convert, against=against, count_tokens=count, expected_rows=table.known, gathers=reading.gathers
    )  # fmt: skip


def _mixture(looked: Sequence[Looked], run: RunFile | None) -> list[MixRow]:
    weights = [one.section.weight or 0.0 for one in looked]
    sizes = [_taken(one) for one in looked]
    tokens = [_tokens(one.report) for one in looked]
    budget = 0
    if run is not None:
        batch = run.train.batch_size * run.train.grad_accumulation
        budget = run.train.steps * batch if run.train.steps else round((run.train.epochs or 1.0) * sum(sizes))
    return mixture_table([one.facts.name for one in looked], sizes, weights, budget, tokens)


def _tokens(report: Report) -> int | None:
    """Tokens of all rows; None where they were not counted."""
    mean = next((figures.mean for figures in report.figures if figures.unit == "tokens"), None)
    return None if mean is None else round(mean * report.seen)


def _taken(one: Looked) -> int:
    """Conversations that a run would take; where the run file leaves rows out, they are read as a run reads them."""
    section = one.section
    if section.max_rows is None and not section.exclude.rows and not section.exclude.findings:
        return one.report.conversations
    return len(read_source(section.model_copy(update={"bad_lines": "skip"})).conversations)


def _export(table: Table, target: Path, report: Report, only: Sequence[str]) -> None:
    """Write rows as JSON Lines: all, or those with a finding of --only. Raises DataError."""
    chosen = {int(number) for rule in only for number in report.rows_of(rule)}
    with RowFiles(target, overwrite=False, tag=0) as files:
        for row, record in enumerate(table.scan()):
            if not only or row + 1 in chosen:
                files.write(line_of(table, row, record), isinstance(record, BadLine))
        files.settle()
        files.put_in_place()
    bad = f", {files.unreadable:,} that cannot be read to {target}{BAD}" if files.unreadable else ""
    console.say(f"{files.written:,} rows written to {target}{bad}")
