"""The small parts that formats are made of: a text in a column, a turn in a list, the names of roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.conversation import Message, Role
from engine.data.jsonl import kind_of
from engine.data.rows import Row

Columns = Mapping[Any, str]  # role of a format -> column name
CONTEXT_GAP = "\n\n"
"""Between a question and its context, where they become one text."""


class RowError(ValueError):
    """This one row does not fit its format; the text says why."""


ROLE_NAMES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}


HISTORY = "history"


def history_of(row: Row) -> list[Message]:
    """Earlier turns as LLaMA-Factory writes them: a list of [question, answer]. Raises RowError for anything else."""
    turns = row.values.get(HISTORY)
    if not turns:
        return []
    messages: list[Message] = []
    for number, turn in enumerate(turns if isinstance(turns, list) else [turns]):
        if not (isinstance(turn, list) and len(turn) == 2 and all(isinstance(text, str) for text in turn)):
            raise RowError(f"{HISTORY}[{number}] is no pair [question, answer] of texts")
        messages.append(Message("user", turn[0], f"{HISTORY}[{number}][0]"))
        messages.append(Message("assistant", turn[1], f"{HISTORY}[{number}][1]"))
    return messages


def message_of(turn: Any, source: str) -> Message:
    """One turn in the words of OpenAI or ShareGPT. Raises RowError where it is none."""
    if not isinstance(turn, dict):
        raise RowError(f"{source} is {kind_of(turn)}, not an object with a role and a content")
    who = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    role = ROLE_NAMES.get(str(who).lower())
    if role is None:
        raise RowError(f"{source} has the role {who!r}; known roles are {', '.join(ROLE_NAMES)}")
    if turn.get("tool_calls"):
        raise RowError(f"{source} has tool_calls, which cannot be trained on yet")
    if isinstance(content, list) and all(isinstance(p, dict) and p.get("type") == "text" for p in content):
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str):
        raise RowError(f"{source} has a content that is {kind_of(content)}, not a text")
    return Message(role, content, source)


def text_of(row: Row, column: str, required: bool = True) -> str:
    """Return the text in a column. A missing or null optional column is "". Raises RowError when it is no text."""
    value = row.values.get(column)
    if isinstance(value, str):
        return value
    if value is None and not required:
        return ""
    if column not in row.values:
        raise RowError(f"column {column!r} is missing")
    raise RowError(f"column {column!r} is {kind_of(value)}, not a text")


__all__ = [
    "CONTEXT_GAP",
    "HISTORY",
    "ROLE_NAMES",
    "Columns",
    "RowError",
    "history_of",
    "kind_of",
    "message_of",
    "text_of",
]
