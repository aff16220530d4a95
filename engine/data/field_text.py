"""A value of a row as text for people, cut where it is long."""

from __future__ import annotations

import json
from typing import Any

from engine.data.rows import KINDS
from engine.facts import FieldText


def field_text(name: str, value: Any, limit: int) -> FieldText:
    """A text as it is, anything else as indented JSON; `limit` characters of it, 0 for all."""
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    text, cut = shortened(whole, limit)
    return FieldText(name, KINDS.get(type(value), type(value).__name__), text, cut)


def shortened(text: str, limit: int) -> tuple[str, int]:
    """(the first `limit` characters, how many were left away); all of them with 0."""
    return (text[:limit], len(text) - limit) if 0 < limit < len(text) else (text, 0)
