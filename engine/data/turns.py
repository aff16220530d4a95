"""The small parts that formats are made of: a text in a column, a turn in a list, the names of roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.data.calls import call_of, calls_of
from engine.data.conversation import Message, Role, ToolCall
from engine.data.json_values import kind_of
from engine.data.row_error import RowError
from engine.data.rows import Row

Columns = Mapping[Any, str]  # role of a format -> column name
CONTEXT_GAP = "\n\n"
"""Between a question and its context, where they become one text."""
HISTORY = "history"
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
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
_CALLING = ("function_call", "tool_call")
_WHO, _WHAT = ("role", "from"), ("content", "value", "text")
_READ = {*_WHO, *_WHAT, "weight", "tool_calls", "function_call", "tool_call_id"}
_TEXT_PARTS = ("text", "input_text", "output_text")


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


def message_of(turn: Any, source: str, counts: Counter[str] | None = None) -> Message:
    """One turn in the words of OpenAI or ShareGPT. Raises RowError where it is none.

    A field that is null is as good as absent: tables have every field in every turn. `counts` learns of fields that are
    not read.
    """
    if not isinstance(turn, dict):
        raise RowError(f"{source} is {kind_of(turn)}, not an object with a role and a content")
    who = turn.get("role") or turn.get("from")
    role = ROLE_NAMES.get(str(who).lower())
    if role is None:
        raise RowError(f"{source} has the role {who!r}; known roles are {', '.join(ROLE_NAMES)}")
    if len(turn) == 2:
        content = turn.get("content", turn.get("value"))
        if type(content) is str and str(who).lower() not in _CALLING:
            return Message(role, content, source)
    return _full_message(turn, str(who).lower(), role, source, counts)


def _full_message(turn: dict[str, Any], who: str, role: Role, source: str, counts: Counter[str] | None) -> Message:
    content = next((turn[key] for key in _WHAT if turn.get(key) is not None), None)
    calls = _calls(turn, role, source)
    if who in _CALLING:
        calls, content = (*calls, *calls_of(content, source)), ""
    weight = _weight(turn.get("weight"), role, source)
    name = turn.get("name") if role == "tool" else None
    if counts is not None:
        read = _READ | {"name"} if role == "tool" else _READ
        counts.update(
            f"turns whose field {key!r} is not read" for key in turn if key not in read and turn[key] is not None
        )
    call = turn.get("tool_call_id") or ""
    text = "" if content is None and calls else content_of(content, source)
    return Message(role, text, source, weight, calls, str(name or ""), str(call))


def _calls(turn: dict[str, Any], role: Role, source: str) -> tuple[ToolCall, ...]:
    calls, legacy = turn.get("tool_calls"), turn.get("function_call")
    if not calls and not legacy:
        return ()
    if role != "assistant":
        raise RowError(f"{source} calls a function, which only an assistant can")
    found = () if not calls else calls_of(calls, f"{source}.tool_calls")
    return (*found, call_of(legacy, f"{source}.function_call")) if legacy else found


def _weight(weight: Any, role: Role, source: str) -> float:
    if weight is None:
        return 1.0
    if role != "assistant":
        raise RowError(f"{source} has a weight, which only turns of the assistant can have")
    if isinstance(weight, bool) or weight not in (0, 1):
        raise RowError(f"{source} has the weight {weight!r}; a turn is learned (1) or not (0)")
    return float(weight)


def content_of(content: Any, source: str) -> str:
    """The text of a turn: as it is, or the text parts of a list joined. Raises RowError for pictures, sound and the like."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RowError(f"{source} has a content that is {kind_of(content)}, not a text")
    texts = []
    for part in content:
        kind = (part.get("type") or "text") if isinstance(part, dict) else "text"
        text = part.get("text") if isinstance(part, dict) else part
        if kind not in _TEXT_PARTS:
            raise RowError(f"{source} has a part of the type {kind!r}; only parts of text can be trained on")
        if not isinstance(text, str):
            raise RowError(f"{source} has a part of text that is {kind_of(text)}, not a text")
        texts.append(text)
    return "".join(texts)


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


def turns_of(row: Row, column: str) -> list[Any]:
    """Return the list of turns in a column. Raises RowError when it is none."""
    turns = row.values.get(column)
    if not isinstance(turns, list):
        missing = "missing" if column not in row.values else f"{kind_of(turns)}, not a list of turns"
        raise RowError(f"column {column!r} is {missing}")
    return turns


__all__ = [
    "CONTEXT_GAP",
    "HISTORY",
    "ROLE_NAMES",
    "Columns",
    "RowError",
    "content_of",
    "history_of",
    "kind_of",
    "message_of",
    "text_of",
    "turns_of",
]
