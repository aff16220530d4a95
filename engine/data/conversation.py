"""A row, normalised: who said what. Templates turn it into text."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool", "text"]


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A function that an assistant calls. `arguments` is a JSON text, as the model would write it."""

    name: str
    arguments: str
    id: str = ""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn. `source` is the field it came from: "answer", or "messages[2]".

    `weight` is 0 for an answer that is shown and not learned, as OpenAI's format has it.
    """

    role: Role
    content: str
    source: str
    weight: float = 1.0
    tool_calls: tuple[ToolCall, ...] = ()
    name: str = ""
    """Of a tool's turn: the function that answers."""
    tool_call_id: str = ""
    """Of a tool's turn: the call that it answers."""


class TokenIds(msgspec.Struct, frozen=True, gc=False):
    """A row that comes as tokens. `labels` has one entry an id, -100 where it is not trained."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """The turns of one row. Plain text is one message with the role "text".

    `values` is the row as it stands in the file, for templates that name columns; `context` is the part of the question
    that stands in a column of its own (the user message holds both), for templates with a place for it; `tools` are the
    definitions of functions, for chat templates that list them; `tokens` stands instead of messages for rows that come
    as ids.
    """

    origin: str
    messages: tuple[Message, ...]
    values: dict[str, Any] = {}
    context: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    tokens: TokenIds | None = None

    @property
    def single_turn(self) -> bool:
        """Whether it is one question (perhaps with a system text) and one answer."""
        return [m.role for m in self.messages if m.role != "system"] == ["user", "assistant"]
