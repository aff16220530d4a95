"""A row, normalised: who said what. Templates turn it into text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool", "text"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `source` is the field it came from: "answer", or "messages[2]"."""

    role: Role
    content: str
    source: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of one row. Plain text is one message with the role "text".

    `values` is the row as it stands in the file, for templates that name columns; `context` is the part of the question
    that stands in a column of its own (the user message holds both), for templates with a place for it.
    """

    origin: str
    messages: tuple[Message, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    context: str = ""

    @property
    def single_turn(self) -> bool:
        """Whether it is one question (perhaps with a system text) and one answer."""
        return [m.role for m in self.messages if m.role != "system"] == ["user", "assistant"]
