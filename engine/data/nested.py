"""Formats whose conversations lie deeper in a row: several in one, or one side of a pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.data.conversation import Conversation, Message
from engine.data.rows import Row
from engine.data.turns import CONTEXT_GAP, ROLE_NAMES, Columns, RowError, kind_of, message_of, text_of


@dataclass(frozen=True, slots=True)
class PreferenceFormat:
    """Two conversations, of which one was preferred; the preferred one is read."""

    chosen: str
    rejected: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"chosen": self.chosen, "rejected": self.rejected}

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        name = columns["chosen"]
        turns = row.values.get(name)
        if not isinstance(turns, list):
            raise RowError(f"column {name!r} is {kind_of(turns)}, not a list of turns")
        messages = tuple(message_of(turn, f"{name}[{number}]") for number, turn in enumerate(turns))
        return [Conversation(row.origin, messages, row.values)]


@dataclass(frozen=True, slots=True)
class InstancesFormat:
    """An instruction with several examples of input and output, as Self-Instruct writes its seeds."""

    instruction: str
    instances: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"prompt": self.instruction, "instances": self.instances}

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        instruction = text_of(row, columns["prompt"])
        name = columns["instances"]
        instances = row.values.get(name)
        if not isinstance(instances, list):
            raise RowError(f"column {name!r} is {kind_of(instances)}, not a list of instances")
        return [
            self._one(row, instruction, instance, f"{name}[{number}]", columns)
            for number, instance in enumerate(instances)
        ]

    @staticmethod
    def _one(row: Row, instruction: str, instance: Any, source: str, columns: Columns) -> Conversation:
        if not isinstance(instance, dict) or not isinstance(instance.get("output"), str):
            raise RowError(f"{source} is no object with a text `output`")
        context = instance.get("input") or ""
        if not isinstance(context, str):
            raise RowError(f"{source}.input is {kind_of(context)}, not a text")
        question = instruction + CONTEXT_GAP + context if context else instruction
        messages = (
            Message("user", question, columns["prompt"]),
            Message("assistant", instance["output"], f"{source}.output"),
        )
        return Conversation(row.origin, messages, row.values, context)


@dataclass(frozen=True, slots=True)
class TreeFormat:
    """A tree of messages, as OpenAssistant publishes them: each way from the root to a last answer is a conversation.

    The root is in `column`, or is the row itself where that is empty.
    """

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"tree": self.column} if self.column else {"text": "text", "role": "role", "replies": "replies"}

    def convert(self, row: Row, columns: Columns) -> list[Conversation]:
        root = row.values.get(columns["tree"]) if self.column else dict(row.values)
        if not isinstance(root, dict) or "replies" not in root:
            raise RowError(f"column {self.column!r} is {kind_of(root)}, not a tree of messages with `replies`")
        threads = dict.fromkeys(self._threads(root, (), self.column or "row"))
        return [Conversation(row.origin, thread, row.values) for thread in threads]

    def _threads(self, node: Any, above: tuple[Message, ...], source: str) -> Iterator[tuple[Message, ...]]:
        if not isinstance(node, dict) or not isinstance(node.get("text"), str):
            raise RowError(f"{source} is no message with a text")
        role = ROLE_NAMES.get(str(node.get("role")))
        if role is None:
            raise RowError(f"{source} has the role {node.get('role')!r}")
        thread = (*above, Message(role, node["text"], source))
        replies = node.get("replies") or []
        for number, reply in enumerate(replies):
            yield from self._threads(reply, thread, f"{source}.replies[{number}]")
        if not replies:
            answered = thread if role == "assistant" else above  # a question that nobody answered teaches nothing
            if answered:
                yield answered
