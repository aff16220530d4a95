"""Conversations as a list of turns in one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.data.base import Counts, Format
from engine.data.calls import tools_of
from engine.data.conversation import Conversation, Message
from engine.data.rows import Row
from engine.data.turns import Columns, message_of, text_of, turns_of


@dataclass(frozen=True)
class ChatFormat(Format):
    """A list of turns in one column, as OpenAI (`role`, `content`) or ShareGPT (`from`, `value`) write them.

    `who` is the field by which lists of this kind are told from others; both kinds are read wherever they stand.
    """

    column: str
    who: str
    also_reads: ClassVar[tuple[str, ...]] = ("functions",)

    @property
    def roles(self) -> Mapping[str, str]:
        return {"messages": self.column, "system?": "system", "tools?": "tools"}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        name = columns["messages"]
        turns = turns_of(row, name)
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        messages += [message_of(turn, f"{name}[{number}]", counts) for number, turn in enumerate(turns)]
        values = row.values
        column = columns["tools"] if values.get(columns["tools"]) is not None else "functions"
        tools = values.get(column)
        return [Conversation(row.origin, tuple(messages), values, "", tools_of(tools, column) if tools else ())]
