"""The quick requests, and `open`: rows for a list, a row in full, another reading of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.config.sections import data_section, keys_in_force, other_rows
from engine.data.conversation import Conversation, Message
from engine.data.export import json_text
from engine.data.field_text import field_text, shortened
from engine.data.formats import named
from engine.data.open import open_table
from engine.data.presets import apply_preset
from engine.data.row_error import RowError
from engine.data.rows import BadLine, Record, Row
from engine.errors import DataError
from engine.facts import Turn
from engine.service.jobs import Job, Jobs
from engine.service.protocol import (
    Answer,
    Close,
    Detail,
    Done,
    Interpret,
    Open,
    Opened,
    Page,
    RowBrief,
    RowInFull,
    Rows,
)
from engine.service.sources import MOST_COLUMNS, Source, Sources
from engine.text import one_line

MOST_ROWS = 1000
"""Rows of a page at most."""
MOST_CLIP = 10_000


def open_source(sources: Sources, jobs: Jobs, request: Open, job: Job) -> Answer | None:
    """Answer from the first rows, then make the others reachable."""
    section = apply_preset(data_section(request.section))
    source = sources.add(section, open_table(section))
    sources.announce(source)
    with source.use():
        if not job.end(_opened(source)):  # cancelled meanwhile
            sources.forget(source.number)
            return None
        source.grow(sources.channel, request.id, sources.pace)
    return None


def interpret(sources: Sources, jobs: Jobs, request: Interpret, job: Job) -> Answer:
    """Read an open source by other keys. Raises DataError for keys that would make it another source."""
    source = sources.get(request.source)
    section = apply_preset(data_section(request.section))
    key = other_rows(source.section, section)
    if key:
        before, after = getattr(source.section, key), getattr(section, key)
        raise DataError(
            f"`{key}` was {before!r} and is {after!r} now: that makes other rows of it. Open it anew to change `{key}`."
        )
    jobs.cancel_source(source.number, "examine")
    with source.use():
        source.read_as(section)
        return _opened(source)


def _opened(source: Source) -> Opened:
    facts = source.facts
    facts.rows, facts.complete = source.known, source.table.complete
    return Opened(source=source.number, section=keys_in_force(source.section), facts=facts)


def page(sources: Sources, jobs: Jobs, request: Page, job: Job) -> Answer:
    """Rows of a view, cell by cell on one line."""
    source = sources.get(request.source)
    start, stop = max(0, request.start), max(0, request.start) + min(max(0, request.count), MOST_ROWS)
    with source.use():
        if request.view:
            rows = source.views.get(request.view).rows(start, stop)
        else:
            rows = np.arange(start, max(start, min(stop, source.known)), dtype=np.int32)
        records = source.fetch(rows)
        verdicts, columns = source.verdicts, source.columns
        clip = min(max(1, request.clip), MOST_CLIP)
        briefs = [
            RowBrief(row + 1, _cells(record, columns, clip), *_state(verdicts.of(row, record), record, columns))
            for row, record in zip(rows.tolist(), records, strict=True)
        ]
    return Rows(source=source.number, view=request.view, start=start, columns=columns, rows=briefs)


def _cells(record: Record, columns: Sequence[str], clip: int) -> list[str]:
    values = record.values if isinstance(record, Row) else {}
    return [_cell(values[name], clip) if name in values else "" for name in columns]


def _cell(value: Any, clip: int) -> str:
    return one_line(_first_words(value)[: clip + 1], clip)


def _first_words(value: Any) -> str:
    """A value as a list shows it: of turns what the first one who is no system says, else JSON."""
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value[:2]):
        turns = [turn for turn in value if isinstance(turn, dict) and turn.get("role", turn.get("from")) != "system"]
        said = next((turns[0].get(key) for key in ("content", "value", "text") if turns and turns[0].get(key)), None)
        if isinstance(said, str):
            return f"{len(value)} turns: {said}"
    return json_text(value)


def _state(verdict: tuple[Any, str], record: Record, columns: Sequence[str]) -> tuple[Any, str]:
    """The verdict; where there is nothing to say, the columns that the list does not show."""
    if verdict[1] or isinstance(record, BadLine) or len(columns) == MOST_COLUMNS:
        return verdict
    others = [name for name in record.values if name not in columns]
    return (verdict[0], f"also has {named(others)}") if others else verdict


def detail(sources: Sources, jobs: Jobs, request: Detail, job: Job) -> Answer:
    """One row in full: its fields, its conversations, what rules say of it."""
    source = sources.get(request.source)
    with source.use():
        row = request.number - 1
        record = source.record(row)
        state, note = source.verdicts.of(row, record)
        limit = max(0, request.limit)
        answer = RowInFull(source=source.number, number=request.number, origin=record.origin, state=state, note=note)
        if source.examination:
            answer.findings = source.examination.rules_of(request.number)
        if isinstance(record, BadLine):
            answer.raw = shortened(source.raw(row).decode("utf-8", "backslashreplace"), limit)[0]
        else:
            answer.fields = [field_text(name, value, limit) for name, value in record.values.items()]
            answer.conversations = _conversations(source, record, limit)
    return answer


def _conversations(source: Source, row: Row, limit: int) -> list[list[Turn]]:
    if source.reading.problem:
        return []
    try:
        return [_turns(conversation, limit) for conversation in source.reading.convert(row)]
    except RowError:
        return []  # `state` and `note` say so


def _turns(conversation: Conversation, limit: int) -> list[Turn]:
    turns = []
    for message in conversation.messages:
        text, cut = shortened(_text(message), limit)
        learned = message.role in ("assistant", "text") and message.weight > 0
        turns.append(Turn(message.role, text, message.source, learned, cut))
    if conversation.tokens is not None:
        text, cut = shortened(" ".join(map(str, conversation.tokens.ids)), limit)
        turns.append(Turn("ids", text, "input_ids", any(label >= 0 for label in conversation.tokens.labels), cut))
    return turns


def _text(message: Message) -> str:
    """What was said; calls of functions stand below it, as name(arguments)."""
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return "\n".join([*([message.content] if message.content or not calls else []), *calls])


def close(sources: Sources, jobs: Jobs, request: Close, job: Job) -> Answer:
    """Forget a source, and cancel what works on it."""
    sources.forget(request.source)
    jobs.cancel_source(request.source)
    return Done()
