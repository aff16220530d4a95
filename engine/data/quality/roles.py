"""Conversations whose turns do not follow one another as chat templates expect it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from engine.data.conversation import Conversation, Message
from engine.data.found import RowNumbers
from engine.data.quality.base import Rule, Setting, View, counted
from engine.facts import FindingFacts

_AGAIN = {"user": "two user turns in a row", "assistant": "two assistant turns in a row"}


class RoleOrder(Rule):
    """User and assistant do not alternate, or the end or the beginning is missing."""

    title: ClassVar[str] = "Turns out of order"
    why: ClassVar[str] = (
        "Chat templates expect a system text, then user and assistant by turns; some refuse anything else, others render "
        "a conversation that the model will never meet."
    )
    cure: ClassVar[str] = "Look at a few: mend them if turns were lost or roles mixed up, else leave these rows out."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._kinds: Counter[str] = Counter()

    def look(self, row: View) -> None:
        if self.setting.gathers:
            return
        faults: dict[str, str] = {}
        for conversation in row.conversations:
            messages = conversation.messages
            if len(messages) == 2 and messages[0].role == "user" and messages[1].role == "assistant":
                continue
            for fault, source in faults_of(conversation):
                faults.setdefault(fault, source)
        if faults:
            self._kinds.update(dict.fromkeys(faults, 1))
            self.found(
                row.number, "; ".join(f"{fault} ({source})" if source else fault for fault, source in faults.items())
            )

    def notes(self) -> list[str]:
        return ["Each row is one turn: the order of turns was not looked at."] if self.setting.gathers else []

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({counted(self._kinds)})"
        return found


def faults_of(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """(what is wrong with the order, field of the turn) for each fault; none for running text and for token ids."""
    turns = [message for message in conversation.messages if message.role != "system"]
    if any(message.role == "text" for message in turns) or not conversation.messages:
        return
    for number, message in enumerate(conversation.messages):
        if message.role == "system" and any(above.role != "system" for above in conversation.messages[:number]):
            yield "system text not at the beginning", message.source
            break
    if not any(message.role == "assistant" for message in turns):
        yield "no assistant turn", ""
        return
    if turns[0].role == "assistant":
        yield "assistant begins", turns[0].source
    yield from _neighbours(turns)
    if turns[-1].role != "assistant":
        yield f"last turn by the {turns[-1].role}", turns[-1].source


def _neighbours(turns: list[Message]) -> Iterator[tuple[str, str]]:
    called = False
    above = ""
    for message in turns:
        if message.role == above and message.role in _AGAIN:
            yield _AGAIN[message.role], message.source
        if message.role == "tool" and not called:
            yield "tool answer without a call", message.source
        if message.role != "tool":
            called = bool(message.tool_calls)
        above = message.role
