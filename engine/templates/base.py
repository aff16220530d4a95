"""What a template yields: text in segments that know their role, their source, and whether they are learned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from engine.data.conversation import Conversation, Message, TokenIds
from engine.errors import TemplateError

Supervise = Literal["assistant", "last", "all"]


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A stretch of rendered text.

    `source` is the field it came from ("answer", "messages[1]"), empty for the template's own words.
    """

    text: str
    role: str
    supervised: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A row as text. The segments joined are exactly what is tokenized, in one piece."""

    segments: tuple[Segment, ...]
    add_special_tokens: bool
    """Whether the tokenizer adds its own BOS; off where the template writes it."""
    end_with_eos: bool
    """Whether the sequence must end with EOS (a prompt to continue from must not)."""
    tokens: TokenIds | None = None
    """Stands instead of text where a row comes as tokens."""

    @property
    def text(self) -> str:
        """The whole rendered text."""
        return "".join(segment.text for segment in self.segments)


class Template(Protocol):
    """Turns conversations into text, for training and for inference alike."""

    @property
    def name(self) -> str:
        """The name in the run file."""

    @property
    def markers(self) -> tuple[str, ...]:
        """Texts that this template means as tokens of their own. A tokenizer that lacks them spells them out."""

    @property
    def end(self) -> str | None:
        """Text of the token that ends an answer; None where that is the tokenizer's EOS, or not ours to say."""

    @property
    def jinja(self) -> str | None:
        """A Jinja chat template with which plain transformers writes the same; None where there is none.

        `{% generation %}` stands around what supervise = "assistant" learns.
        """

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the whole row with the learned parts marked. Raises TemplateError."""

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return what inference sends: everything up to where the (last) answer begins. Raises TemplateError."""


def before_answer(conversation: Conversation) -> tuple[Message, ...]:
    """The messages that stand before the last answer."""
    messages = conversation.messages
    return messages[:-1] if messages and messages[-1].role == "assistant" else messages


def learned_turns(messages: tuple[Message, ...], supervise: Supervise) -> set[int]:
    """Indices of the messages whose text is learned. One with the weight 0 never is."""
    weighty = [i for i, m in enumerate(messages) if m.weight > 0]
    if supervise == "all":
        return set(weighty)
    answers = [i for i in weighty if messages[i].role in ("assistant", "text")]
    return set(answers[-1:] if supervise == "last" else answers)


def spoken(message: Message) -> str:
    """The text of a turn, for templates without a way of their own to write calls: each call is a line of JSON."""
    calls = [f'{{"name": {_json(call.name)}, "arguments": {call.arguments}}}' for call in message.tool_calls]
    return "\n".join(filter(None, [message.content, *calls])) if calls else message.content


def offered(conversation: Conversation) -> Segment | None:
    """The functions that can be called, for such templates: each definition is a line of JSON. None where there are none."""
    if not conversation.tools:
        return None
    return Segment("\n".join(["Functions:", *map(_json, conversation.tools)]), "system", False, "tools")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def running_text(conversation: Conversation) -> Rendered | None:
    """Plain text needs no template: all of it is learned. None for a conversation."""
    if [m.role for m in conversation.messages] != ["text"]:
        return None
    message = conversation.messages[0]
    return Rendered((Segment(message.content, "text", True, message.source),), True, True)


def one_exchange(conversation: Conversation, template: str) -> tuple[Message | None, Message, Message | None]:
    """(system, user, assistant) of a single exchange. Raises TemplateError for a longer conversation."""
    system = next((m for m in conversation.messages if m.role == "system"), None)
    rest = [m for m in conversation.messages if m.role != "system"]
    if [m.role for m in rest] not in (["user", "assistant"], ["user"]):
        raise TemplateError(
            f"{conversation.origin}: template {template!r} holds one question and one answer, but this row has the turns "
            f'{", ".join(m.role for m in conversation.messages) or "(none)"}. Use template = "chatml" or "tokenizer".'
        )
    return system, rest[0], rest[1] if len(rest) == 2 else None
