"""What is known of a source from its first rows: the same facts for the service, the command line and the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from engine.config.data import DataSection
from engine.data.formats import FORMATS, Detection, names_of, speakers
from engine.data.interpret import CUSTOM, SAMPLE_ROWS, Reading, interpret
from engine.data.open import is_hub, splits_of, unassigned_files
from engine.data.presets import PRESETS
from engine.data.rows import KINDS, Row
from engine.data.table import Table
from engine.facts import ColumnFact, FormatFact, SourceFacts

_SIBLINGS_SHOWN = 3
_LOOKED_AT = 20_000


def first_rows(table: Table, count: int = SAMPLE_ROWS, most: int | None = None) -> list[Row]:
    """The first rows that can be read, growing the table as far as that needs: the ones a run tells the format by.

    Of `most` records, as `max_rows` limits them, and of some thousands where nearly none can be read.
    """
    rows: list[Row] = []
    at, stop = 0, min(_LOOKED_AT, most or _LOOKED_AT)
    while len(rows) < count and at < stop:
        upto = min(stop, at + count - len(rows))
        while table.known < upto and table.grow():
            pass
        records = table.records(at, upto)
        if not records:
            break
        rows += [record for record in records if isinstance(record, Row)]
        at += len(records)
    return rows[:count]


def survey(table: Table, section: DataSection) -> tuple[Reading, SourceFacts]:
    """How the rows are read, and the facts about the source so far. Grows the table until its first rows are there."""
    rows = first_rows(table, most=section.max_rows)
    reading = interpret(rows, section)
    formats = {reading.format, *(detection.name for detection in reading.detections)}
    facts = SourceFacts(
        name=_name(table, section),
        path=section.path,
        kind=table.kind,
        files=len(table.paths),
        bytes=table.bytes_total,
        rows=table.known,
        complete=table.complete,
        columns=_columns(rows, reading),
        format=reading.format,
        reason=reading.reason,
        confidence=reading.confidence,
        formats=[_format(detection) for detection in reading.detections],
        roles=list(FORMATS[reading.format].roles) if reading.format in FORMATS else [],
        speakers=list(speakers(rows, reading.columns)) if "speakers" in formats else [],
        splits=splits_of(section),
        notes=_notes(table, section, reading),
        problem=reading.problem,
    )
    return reading, facts


def _name(table: Table, section: DataSection) -> str:
    """The table's name; of a folder its own, with the split that is read."""
    path = Path(section.path)
    if is_hub(section) or not path.is_dir():
        return table.name
    return f"{path.name}:{section.split}" if section.split else path.name


def _columns(rows: Sequence[Row], reading: Reading) -> list[ColumnFact]:
    role_of = {column: role for role, column in reading.columns.items()}
    facts = []
    for name in names_of(rows):
        kinds = Counter(KINDS.get(type(row.values[name]), "other") for row in rows if name in row.values)
        share = kinds.total() / len(rows)
        commonest = next((kind for kind, _ in kinds.most_common() if kind != "null"), "null")
        facts.append(ColumnFact(name, commonest, role_of.get(name, ""), share))
    return facts


def _format(detection: Detection) -> FormatFact:
    return FormatFact(detection.name, detection.reason, detection.confidence, detection.columns)


def _notes(table: Table, section: DataSection, reading: Reading) -> list[str]:
    notes = [table.note] if table.note else []
    if section.preset:
        preset = PRESETS[section.preset]
        notes.append(f"{preset.about} {preset.rows:,} rows, {preset.size}. Licence: {preset.licence}.")
    if reading.unread and reading.format != CUSTOM:
        notes.append(f"Not used by this format: {', '.join(reading.unread)}.")
    if reading.remark and reading.remark not in reading.reason:
        notes.append(reading.remark)
    path = Path(section.path)
    if not is_hub(section) and path.is_dir():
        others = unassigned_files(path)
        if others:
            shown = ", ".join(others[:_SIBLINGS_SHOWN])
            notes.append(f"{len(others)} files belong to no split and are not read: {shown}.")
    return notes
