"""Where a token lies in the field of the row that it came from."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from engine.facts import FieldText
from engine.service.protocol import Tokens
from engine.token_facts import SegmentFact, TokenFact

_PLACE = re.compile(r"^(.*?)(?:\[(\d+)\])?(?:\..*)?$", re.DOTALL)


class Place(NamedTuple):
    """Characters of a field."""

    field: int
    """Index of the field."""
    start: int
    end: int
    exact: bool
    """Whether these are the token's characters; else all of what its segment came from."""


def segment_of(row: Tokens, token: TokenFact) -> SegmentFact | None:
    """The segment of a token."""
    return row.segments[token.segment] if 0 <= token.segment < len(row.segments) else None


def field_named(row: Tokens, source: str) -> tuple[int, int]:
    """Index of the field that a source names, and the number of the turn in it; -1 where there is none."""
    for index, field in enumerate(row.fields):
        if field.name == source:
            return index, -1
    match = _PLACE.match(source)
    if match is None:
        return -1, -1
    for index, field in enumerate(row.fields):
        if field.name == match[1]:
            return index, int(match[2]) if match[2] else -1
    return -1, -1


def place_of(row: Tokens, token: TokenFact) -> Place | None:
    """Where a token lies in its field; None where it came from none."""
    segment = segment_of(row, token)
    if segment is None or not segment.source:
        return None
    index, turn = field_named(row, segment.source)
    if index < 0:
        return None
    text = row.text[max(0, segment.start - row.text_start) : max(0, segment.end - row.text_start)]
    found = _found(row.fields[index], text, turn)
    if found is None:
        return Place(index, 0, 0, False)
    start, exact = found
    if not exact or segment.start < row.text_start or token.end <= token.start:
        return Place(index, start, start + len(text), False)
    first = max(0, token.start - segment.start)
    return Place(index, start + first, start + min(len(text), token.end - segment.start), True)


def _found(field: FieldText, text: str, turn: int) -> tuple[int, bool] | None:
    """Where a segment's text stands in a field, and whether its characters stand there one by one."""
    if not text.strip():
        return None
    begin = 0
    if turn >= 0:  # a list of turns as indented JSON: the turn's own lines begin behind so many brackets
        openings = [match.start() for match in re.finditer(r"^  \{", field.text, re.MULTILINE)]
        begin = openings[turn] if turn < len(openings) else 0
    if (at := field.text.find(text, begin)) >= 0:
        return at, True
    if (at := field.text.find(text.strip(), begin)) >= 0:
        return at - (len(text) - len(text.lstrip())), True
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    if (at := field.text.find(escaped, begin)) >= 0:
        return at, len(escaped) == len(text)
    return None
