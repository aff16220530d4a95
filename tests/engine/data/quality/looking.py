"""Short ways to let rules look at rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from engine.data.conversation import Conversation, Message, Role, ToolCall
from engine.data.examine import Examiner, Report
from engine.data.formats import FORMATS, columns_for
from engine.data.rows import Row

Convert = Callable[[Row], list[Conversation]]


def examined(rows: Iterable[dict[str, Any]], form: str = "", rule: str | None = None, **settings: Any) -> Report:
    """What an examiner reports of rows read in a format, or in none; by one rule, or by all."""
    examiner = Examiner(converter(form), rules=None if rule is None else [rule], **settings)
    for number, values in enumerate(rows, 1):
        examiner.take(number, Row(f"d:{number}", values))
    return examiner.report(complete=True)


def converter(form: str) -> Convert | None:
    """The way of a format, by its usual columns."""
    if not form:
        return None
    columns = columns_for(FORMATS[form], {})
    return lambda row: FORMATS[form].convert(row, columns)


def rows_found(rule: str, rows: Iterable[dict[str, Any]], form: str = "", **settings: Any) -> list[int]:
    """The numbers of the rows that a rule finds."""
    return [int(number) for number in examined(rows, form, rule, **settings).rows_of(rule)]


def texts(rule: str, *values: str) -> list[int]:
    """The numbers of the texts that a rule finds, each read as running text."""
    return rows_found(rule, [{"text": value} for value in values], "text")


def turns(*parts: str) -> dict[str, Any]:
    """A row of messages: "user hello", "assistant hi"."""
    split = [part.partition(" ") for part in parts]
    return {"messages": [{"role": role, "content": content} for role, _, content in split]}


def conversation(*parts: tuple[Role, str], calls: int = -1) -> Conversation:
    """A conversation of (role, text); the turn with the number `calls` calls a function."""
    call = (ToolCall("look_up", "{}"),)
    messages = [
        Message(role, text, f"messages[{i}]", 1.0, call if i == calls else ()) for i, (role, text) in enumerate(parts)
    ]
    return Conversation("d:1", tuple(messages))


def shared_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON or JSON Lines file, read by nothing of ours."""
    text = path.read_text(encoding="utf-8")
    return (
        json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    )  # type: ignore[no-any-return]
