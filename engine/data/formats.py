"""Formats: what the columns of a row mean, and how a row becomes a conversation.

Adding one: a `PairFormat` (or a class with the same three members) and one line in `FORMATS`. The order of `FORMATS`
is the order of detection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.data.conversation import Conversation, Message
from engine.data.nested import InstancesFormat, PreferenceFormat, TreeFormat
from engine.data.rows import Row
from engine.data.turns import CONTEXT_GAP, HISTORY, Columns, RowError, history_of, kind_of, message_of, text_of


class Format(Protocol):
    """A way to read rows."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Role -> usual column name. Optional roles end with "?"."""

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        """Return the conversations in a row, mostly one; `columns` maps roles to column names. Raises RowError."""


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

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        prompt = text_of(row, columns["prompt"])
        context = text_of(row, columns["context"], required=False)
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        messages += history_of(row)
        joined = prompt + CONTEXT_GAP + context if context else prompt
        messages.append(Message("user", joined, columns["prompt"]))
        messages.append(Message("assistant", text_of(row, columns["answer"]), columns["answer"]))
        return [Conversation(row.origin, tuple(messages), row.values, context)]


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """A list of turns in one column, as OpenAI (`role`, `content`) or ShareGPT (`from`, `value`) write them."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"messages": self.column, "system?": "system"}

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        name = columns["messages"]
        turns = row.values.get(name)
        if not isinstance(turns, list):
            raise RowError(f"column {name!r} is {kind_of(turns)}, not a list of turns")
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        for number, turn in enumerate(turns):
            messages.append(message_of(turn, f"{name}[{number}]"))
        return [Conversation(row.origin, tuple(messages), row.values)]


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Running text in one column; all of it is learned."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"text": self.column}

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        name = columns["text"]
        return [Conversation(row.origin, (Message("text", text_of(row, name), name),), row.values)]


FORMATS: dict[str, Format] = {
    "messages": ChatFormat("messages"),
    "sharegpt": ChatFormat("conversations"),
    "question_answer": PairFormat("question", "answer"),
    "question_response": PairFormat("question", "response", system="system_prompt"),
    "alpaca": PairFormat("instruction", "output", context="input"),
    "instruction_response": PairFormat("instruction", "response"),
    "prompt_completion": PairFormat("prompt", "completion"),
    "input_output": PairFormat("input", "output"),
    "preference": PreferenceFormat("chosen", "rejected"),
    "paired_preference": PairFormat("question", "response_j"),
    "self_instruct": InstancesFormat("instruction", "instances"),
    "oasst_tree": TreeFormat("prompt"),
    "oasst_message": TreeFormat(""),
    "text": TextFormat("text"),
}


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
