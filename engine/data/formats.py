"""Formats: what the columns of a row mean, and how a row becomes a conversation.

Adding one: a `PairFormat` (or a class with the same three members) and one line in `FORMATS`. The order of `FORMATS`
is the order of detection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.data.conversation import Conversation, Message, Role
from engine.data.jsonl import kind_of
from engine.data.rows import Row

Columns = Mapping[Any, str]  # ColumnRole -> column name
CONTEXT_GAP = "\n\n"


class RowError(ValueError):
    """This one row does not fit its format; the text says why."""


class Format(Protocol):
    """A way to read rows."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Role -> usual column name. Optional roles end with "?"."""

    def convert(self, row: Row, columns: Columns) -> Conversation:
        """Return the row as a conversation; `columns` maps roles to column names. Raises RowError."""


@dataclass(frozen=True, slots=True)
class PairFormat:
    """One question, one answer, each in a column; perhaps context and system text."""

    prompt: str
    answer: str
    context: str = "context"
    system: str = "system"

    @property
    def roles(self) -> Mapping[str, str]:
        return {"prompt": self.prompt, "answer": self.answer, "context?": self.context, "system?": self.system}

    def convert(self, row: Row, columns: Columns) -> Conversation:
        prompt = text_of(row, columns["prompt"])
        context = text_of(row, columns["context"], required=False)
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        messages += _history(row)
        joined = prompt + CONTEXT_GAP + context if context else prompt
        messages.append(Message("user", joined, columns["prompt"]))
        messages.append(Message("assistant", text_of(row, columns["answer"]), columns["answer"]))
        return Conversation(row.origin, tuple(messages), row.values, context)


HISTORY = "history"


def _history(row: Row) -> list[Message]:
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


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """A list of turns in one column, as OpenAI (`role`, `content`) or ShareGPT (`from`, `value`) write them."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"messages": self.column, "system?": "system"}

    def convert(self, row: Row, columns: Columns) -> Conversation:
        name = columns["messages"]
        turns = row.values.get(name)
        if not isinstance(turns, list):
            raise RowError(f"column {name!r} is {kind_of(turns)}, not a list of turns")
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        for number, turn in enumerate(turns):
            messages.append(self._message(turn, f"{name}[{number}]"))
        return Conversation(row.origin, tuple(messages), row.values)

    @staticmethod
    def _message(turn: Any, source: str) -> Message:
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


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Running text in one column; all of it is learned."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"text": self.column}

    def convert(self, row: Row, columns: Columns) -> Conversation:
        name = columns["text"]
        return Conversation(row.origin, (Message("text", text_of(row, name), name),), row.values)


FORMATS: dict[str, Format] = {
    "messages": ChatFormat("messages"),
    "sharegpt": ChatFormat("conversations"),
    "question_answer": PairFormat("question", "answer"),
    "question_response": PairFormat("question", "response", system="system_prompt"),
    "alpaca": PairFormat("instruction", "output", context="input"),
    "instruction_response": PairFormat("instruction", "response"),
    "prompt_completion": PairFormat("prompt", "completion"),
    "input_output": PairFormat("input", "output"),
    "text": TextFormat("text"),
}


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


def columns_for(form: Format, chosen: Columns) -> dict[str, str]:
    """The column of each role: the user's choice, else the usual one."""
    return {role.rstrip("?"): chosen.get(role.rstrip("?"), usual) for role, usual in form.roles.items()}


def unread_columns(form: Format, rows: Sequence[Row], columns: Columns) -> list[str]:
    """Columns of the rows that the format does not read."""
    read = {*columns.values(), *([HISTORY] if isinstance(form, PairFormat) else [])}
    return [name for name in dict.fromkeys(key for row in rows[:200] for key in row.values) if name not in read]


def detect(rows: Sequence[Row], chosen: Columns) -> tuple[str, str] | None:
    """Return (format, reason) for the first format whose required columns most rows have; None where none fits."""
    sample = rows[:200]
    for name, form in FORMATS.items():
        needed = [r for r in form.roles if not r.endswith("?")]
        if chosen and not set(chosen) <= {r.rstrip("?") for r in form.roles}:
            continue
        columns = columns_for(form, chosen)
        wanted = [columns[role] for role in needed]
        having = sum(all(column in row.values for column in wanted) for row in sample)
        if having * 2 > len(sample):
            share = "all rows have" if having == len(sample) else f"{having} of {len(sample)} rows have"
            return name, f"{share} {' and '.join(wanted)}"
    return None
