"""Formats whose conversations lie deeper in a row: several in one, or one side of a pair."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.base import Counts, Format
from engine.data.conversation import Conversation, Message
from engine.data.rows import Row
from engine.data.turns import CONTEXT_GAP, Columns, RowError, kind_of, message_of, text_of

_TRANSCRIPT = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


@dataclass(frozen=True)
class PreferenceFormat(Format):
    """Two answers, of which one was preferred. The preferred one is read; columns = {chosen = "rejected"} reads the other.

    A side is a list of turns, a transcript ("\\n\\nHuman: … \\n\\nAssistant: …"), or an answer whose question stands in a
    column of its own.
    """

    chosen: str
    rejected: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"chosen": self.chosen, "rejected?": self.rejected, "prompt?": "prompt", "system?": "system"}

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        return {
            "prompt": ("prompt", "question", "instruction", "input", "query"),
            "system": ("system", "system_prompt"),
        }

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        name = columns["chosen"]
        side = row.values.get(name)
        if isinstance(side, list):
            messages = [message_of(turn, f"{name}[{number}]", counts) for number, turn in enumerate(side)]
        elif isinstance(side, str):
            messages = transcript(side, name) or [Message("assistant", side, name)]
        else:
            raise RowError(f"column {name!r} is {kind_of(side)}, not an answer or a list of turns")
        if not any(m.role == "user" for m in messages):
            messages = self._asked(row, columns["prompt"], counts) + messages
        system = text_of(row, columns["system"], required=False)
        if system and messages[0].role != "system":
            messages = [Message("system", system, columns["system"]), *messages]
        return [Conversation(row.origin, tuple(messages), row.values)]

    def _asked(self, row: Row, name: str, counts: Counts) -> list[Message]:
        asked = row.values.get(name)
        if isinstance(asked, list):
            return [message_of(turn, f"{name}[{number}]", counts) for number, turn in enumerate(asked)]
        if not isinstance(asked, str):
            raise RowError(f"it has an answer, and no question: column {name!r} is {kind_of(asked)}, not a text")
        turns = transcript(asked, name)
        if turns and turns[-1].role == "assistant" and not turns[-1].content:
            turns.pop()  # "\n\nAssistant:" at the end of a question opens the answer
        return turns or [Message("user", asked, name)]

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        sides = {self.chosen, self.rejected, columns["rejected"]} - {columns["chosen"]}
        others = sorted(side for side in sides if any(side in row.values for row in rows))
        unread = f", {' and '.join(others)} not" if others else ""
        return f"of the answers {columns['chosen']} is read{unread}"


def transcript(text: str, source: str) -> list[Message]:
    """The turns of a text with "Human:" and "Assistant:" at the beginning of its paragraphs; none where it has none."""
    found = list(_TRANSCRIPT.finditer(text))
    if not found or found[0].start() != 0:
        return []
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [
        Message("user" if match[1] == "Human" else "assistant", text[match.end() : end].strip(), source)
        for match, end in zip(found, ends, strict=True)
    ]


@dataclass(frozen=True)
class InstancesFormat(Format):
    """An instruction with several examples of input and output, as Self-Instruct writes its seeds."""

    instruction: str
    instances: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"prompt": self.instruction, "instances": self.instances}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
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
