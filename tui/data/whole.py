"""A row in full as text: as JSON to be copied, and as a page to be read."""

from __future__ import annotations

import json

from engine.service.protocol import RowInFull


def as_json(row: RowInFull) -> str:
    """The row as one line of JSON; one that cannot be read as it stands in the file."""
    if row.raw or not row.fields:
        return row.raw
    values = {field.name: field.text if field.kind == "text" else _value(field.text) for field in row.fields}
    return json.dumps(values, ensure_ascii=False)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_page(row: RowInFull) -> str:
    """Where it comes from, its fields, and its conversations."""
    parts = [f"{row.origin}"]
    if row.note:
        parts.append(row.note)
    if row.findings:
        parts.append("findings: " + ", ".join(row.findings))
    if row.raw:
        parts.append(row.raw)
    parts += [f"── {field.name} ({field.kind})\n{field.text}" for field in row.fields]
    for number, turns in enumerate(row.conversations, 1):
        said = "\n\n".join(f"{turn.role}{' (trained)' if turn.trained else ''}:\n{turn.text}" for turn in turns)
        parts.append(f"══ conversation {number} of {len(row.conversations)}\n\n{said}")
    return "\n\n".join(parts)
