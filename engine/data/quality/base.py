"""What a rule is: something that looks at rows one after another, and says at the end which of them it found.

A row is a `View`: what its format reads of it, or every text in it where it has no format. A rule may keep numbers, and
never a text of more than a sample's length; what needs all rows is worked out in `rows`, from numbers kept for each.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from engine.data.conversation import Conversation, Message
from engine.data.found import RowNumbers
from engine.data.quality.digests import SIZE, as_numbers, conversation_digest, values_digest
from engine.facts import FindingFacts
from engine.text import one_line

EXAMPLES = 20
"""Row numbers that a finding names."""
SAMPLES = 5
"""Pieces of evidence that a finding shows."""
_CLIP = 80

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all rules are told before the first row."""

    formatted: bool = False
    """Whether rows become conversations."""
    against: Collection[int] = ()
    """Digests of rows of other sources."""
    expected_rows: int = 0
    gathers: bool = False
    """Whether a row is one turn of a conversation that stands in several."""
    thorough: bool = False
    """Look at every row where a sample would do for an overview: the findings decide what is left out."""


class View:
    """One row, as the rules look at it."""

    __slots__ = ("conversations", "messages", "misfit", "number", "texts", "values")

    def __init__(
        self, number: int, values: dict[str, Any], conversations: list[Conversation], misfit: str = ""
    ) -> None:
        self.number = number
        """From 1."""
        self.values = values
        self.conversations = conversations
        """None where the row does not fit its format, and where there is none."""
        self.misfit = misfit
        """Why the row does not fit its format, or ""."""
        self.messages = messages_of(conversations)
        """Each turn once, also where several conversations share it."""
        self.texts: list[str]
        """All texts that count."""
        if self.messages:
            self.texts = [message.content for message in self.messages]
            for message in self.messages:
                if message.tool_calls:
                    self.texts += [call.arguments for call in message.tool_calls]
        else:
            tokens = any(conversation.tokens is not None for conversation in conversations)
            self.texts = [] if tokens else [text for _, text in texts_in(values)]

    def field_of(self, text: str) -> str:
        """The field that a text of this row stands in."""
        return next((field for field, other in self.fields() if other is text), "")

    def fields(self) -> Iterator[tuple[str, str]]:
        """(field, text) of all texts that count."""
        if not self.messages:
            yield from texts_in(self.values) if self.texts else ()
        for message in self.messages:
            yield message.source, message.content
            for call in message.tool_calls:
                yield f"{message.source}.tool_calls", call.arguments


def messages_of(conversations: list[Conversation]) -> tuple[Message, ...]:
    """The turns of the conversations of one row, those that they share once."""
    if len(conversations) == 1:
        return conversations[0].messages
    found = {message.source: message for conversation in conversations for message in conversation.messages}
    return tuple(found.values())


def texts_in(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, text) of every text in a row, in order: "answer", "turns[2].value"."""
    for name, value in values.items():
        if type(value) is str:
            yield name, value
        elif isinstance(value, list | dict):
            yield from _nested(name, value)


def _nested(name: str, value: Any) -> Iterator[tuple[str, str]]:
    stack = [(name, value)]
    while stack:
        path, value = stack.pop()
        if type(value) is str:
            yield path, value
        elif isinstance(value, dict):
            stack += [(f"{path}.{key}", item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            stack += [(f"{path}[{index}]", value[index]) for index in reversed(range(len(value)))]


class Seen:
    """A few numbers of each row, by the order in which they came; what rules share that need all rows."""

    def __init__(self, digests: bool) -> None:
        self._with_digests = digests
        self._numbers = array("I")
        self._sizes = array("I")
        self._digests = bytearray()
        self._parts = bytearray()
        self._parts_of = array("I")
        self.unit = "characters"
        """What `sizes` measures: tokens where rows come as ids."""

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, row: View) -> int:
        """Take a row; its size."""
        size = sum(map(len, row.texts))
        if not row.texts and row.conversations:
            ids = [conversation.tokens.ids for conversation in row.conversations if conversation.tokens is not None]
            if ids:
                self.unit, size = "tokens", sum(map(len, ids))
        self._numbers.append(row.number)
        self._sizes.append(size)
        if self._with_digests:
            self._add_digest(row)
        return size

    def _add_digest(self, row: View) -> None:
        if len(row.conversations) == 1:
            self._digests += conversation_digest(row.conversations[0])
        elif not row.conversations:
            self._digests += values_digest(row.values)
        else:
            parts = b"".join(conversation_digest(conversation) for conversation in row.conversations)
            self._digests += values_digest({"": parts})
            self._parts_of.extend([len(self._digests) // SIZE - 1] * len(row.conversations))
            self._parts += parts

    @property
    def numbers(self) -> RowNumbers:
        """The number of each row."""
        return np.array(self._numbers, dtype=np.int64)

    @property
    def sizes(self) -> NDArray[np.uint32]:
        """Characters of each row, or tokens."""
        return np.array(self._sizes, dtype=np.uint32)

    @property
    def digests(self) -> NDArray[np.uint64]:
        """The digest of each row."""
        return as_numbers(self._digests)

    @property
    def digest_parts(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """(digests of the conversations in rows that have several, index of the row of each)."""
        return as_numbers(self._parts), np.array(self._parts_of, dtype=np.int64)


class Rule:
    """A rule, with what it has seen of one source."""

    title: ClassVar[str]
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str]
    cure: ClassVar[str]
    needs_digests: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.samples: list[str] = []
        self._found = array("I")

    def look(self, row: View) -> None:
        """Look at a row, in order. A rule that needs all rows at once leaves this as it is."""

    def found(self, number: int, evidence: str = "") -> None:
        """A row was found; `evidence` is shown for the first few, and is not to hold what must not be seen."""
        self._found.append(number)
        if evidence and len(self.samples) < SAMPLES:
            self.samples.append(f"row {number}: {evidence}")

    def rows(self, seen: Seen) -> RowNumbers:
        """The numbers of the rows found so far, in order and each once."""
        return np.unique(np.array(self._found, dtype=np.int64))

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        """The facts about these rows; called after `rows`."""
        return FindingFacts(
            rule=name, title=self.title, rows=len(rows), examples=[int(number) for number in rows[:EXAMPLES]],
            severity=self.severity, why=self.why, cure=self.cure, samples=list(self.samples),
        )  # fmt: skip

    def notes(self) -> list[str]:
        """What a person should know of how the rule looked; called after `rows`."""
        return []


def clipped(text: str, at: int = 0, limit: int = _CLIP) -> str:
    """A piece of a text around a place, made harmless, on one line."""
    start = max(0, at - limit // 4)
    piece = text[start : start + limit + 1]
    return ("…" if start else "") + one_line(piece, limit)


def counted(counts: dict[str, int]) -> str:
    """How often what, commonest first: "answer 10, question 2"."""
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return ", ".join(f"{name} {count:,}" for name, count in shown[:5]) + rest


def field_of(source: str) -> str:
    """The column in a source: "messages" of "messages[2]"."""
    return source.partition("[")[0].partition(".")[0]
