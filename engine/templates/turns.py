"""What templates for conversations of several turns share.

Every turn is written in order; an answer and the marker that ends it are learned, nothing else (or everything, under
supervise = "all"). For a generation the same turns are written up to where the last answer begins, so a prompt is always
the beginning of the row. Such a template writes the BOS itself, as a segment of its own, and the tokenizer adds nothing:
whatever a tokenizer does on its own, there is one BOS, and the rendered text shows it.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any, ClassVar

from msgspec.structs import replace

from engine.data.conversation import Conversation, Message
from engine.templates.base import (
    Rendered,
    Segment,
    Supervise,
    before_answer,
    learned_turns,
    offered,
    running_text,
    spoken,
)


class TurnTemplate:
    """A template that writes turn after turn; `turns` says how."""

    name: ClassVar[str]
    markers: ClassVar[tuple[str, ...]] = ()
    end: ClassVar[str | None] = None

    @property
    def bos(self) -> str:
        """What stands at the very start, "" for nothing."""
        raise NotImplementedError

    @property
    def jinja(self) -> str:
        """The same as a Jinja chat template. It knows no weights: it marks every answer as learned."""
        raise NotImplementedError

    def turns(
        self, conversation: Conversation, messages: tuple[Message, ...], learned: set[int], whole: bool
    ) -> Iterator[Segment]:
        """Yield the segments of `messages`, of which those in `learned` are learned; with `whole` the words around, too.

        Raises TemplateError for turns that cannot be written.
        """
        raise NotImplementedError

    def answer_opening(self, before: tuple[Message, ...]) -> str:
        """What a generation goes on from, behind the turns `before` it."""
        return ""

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return all turns; answers and their end markers are learned. Raises TemplateError.

        Behind a question that nobody answered there is no EOS, which would stand in the answer's place.
        """
        text = running_text(conversation)
        if text is not None:
            return text
        learned = learned_turns(conversation.messages, supervise)
        turns = self.turns(conversation, conversation.messages, learned, supervise == "all")
        answered = [message.role for message in conversation.messages[-1:]] == ["assistant"]
        return Rendered((*self._start(), *turns), False, answered)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return all turns before the last answer and the opening of that answer. Raises TemplateError."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        before = before_answer(conversation)
        segments = [*self._start(), *self.turns(conversation, before, set(), False)]
        opening = self.answer_opening(before)
        if opening:
            segments.append(Segment(opening, "template", False))
        return Rendered(tuple(segments), False, False)

    def _start(self) -> tuple[Segment, ...]:
        bos = self.bos
        return (Segment(bos, "template", False),) if bos else ()


class HeadedTurns(TurnTemplate):
    """Turns with the role in a header and a marker at their end: ChatML, Llama 3.

    The functions that are offered stand in the system turn, which is made where there is none. `gap` stands between two turns
    and after one that is no answer; a finished row ends with the marker.
    """

    end: ClassVar[str]
    before_role: ClassVar[str]
    after_role: ClassVar[str]
    gap: ClassVar[str] = ""
    strips: ClassVar[bool] = False
    """Whether white space around the text of a turn is left out."""
    roles: ClassVar[dict[str, str]] = {}
    """Roles that are called otherwise in the header."""

    def header(self, role: str) -> str:
        """What stands before the text of a turn."""
        return f"{self.before_role}{self.roles.get(role, role)}{self.after_role}"

    def answer_opening(self, before: tuple[Message, ...]) -> str:
        """The header of an answer, behind the gap that an answer before it lacks at the end of a row."""
        gap = self.gap if before and before[-1].role == "assistant" else ""
        return gap + self.header("assistant")

    def turns(
        self, conversation: Conversation, messages: tuple[Message, ...], learned: set[int], whole: bool
    ) -> Iterator[Segment]:
        """Yield the segments of the turns; any order of roles can be written."""
        tools = offered(conversation)
        if tools is not None:
            tools = replace(tools, supervised=whole)
            if not messages or messages[0].role != "system":
                yield Segment(self.header("system"), "template", whole)
                yield tools
                yield Segment(self.end + self.gap, "template", whole)
                tools = None
        for index, message in enumerate(messages):
            text = spoken(message).strip() if self.strips else spoken(message)
            yield Segment(self.header(message.role), "template", whole)
            yield Segment(text, message.role, index in learned, message.source)
            if tools is not None:
                yield Segment("\n\n", "template", whole)
                yield tools
                tools = None
            yield Segment(self.end, "template", index in learned)
            last = index == len(messages) - 1
            if self.gap and not (last and message.role == "assistant"):
                yield Segment(self.gap, "template", whole)


def adds_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a BOS before a text by itself."""
    if tokenizer is None or tokenizer.bos_token_id is None:
        return False
    return bool(tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id])


# The same in Jinja

SPOKEN_JINJA = """\
{%- macro spoken(message) -%}
    {{- message.content -}}
    {%- for call in message.tool_calls or [] -%}
        {{- '\\n' if message.content or not loop.first else '' -}}
        {{- '{"name": ' + call.function.name | tojson + ', "arguments": ' -}}
        {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson -}}
        {{- '}' -}}
    {%- endfor -%}
{%- endmacro -%}
{%- set functions = namespace(text='Functions:' if tools else '') -%}
{%- for tool in tools or [] -%}
    {%- set functions.text = functions.text + '\\n' + tool | tojson -%}
{%- endfor -%}
"""
"""`spoken` and `offered` of `engine.templates.base`. Arguments that are an object are written as Python's json does."""

_HEADED_JINJA = string.Template("""\
{%- if functions.text and messages[0].role != 'system' -%}
    {{- $system_header + functions.text + $end_and_gap -}}
{%- endif -%}
{%- for message in messages -%}
    {{- $header -}}
    {%- if message.role == 'assistant' -%}
        {%- generation -%}
            {{- $text + $end -}}
        {%- endgeneration -%}
    {%- else -%}
        {{- $text -}}
        {%- if loop.first and message.role == 'system' and functions.text -%}
            {{- '\\n\\n' + functions.text -}}
        {%- endif -%}
        {{- $end -}}
    {%- endif -%}
    $gap_after_turn
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- $answer_header -}}
{%- endif -%}
""")
_GAP_JINJA = string.Template("""\
{%- if add_generation_prompt or not (loop.last and message.role == 'assistant') -%}
        {{- $gap -}}
    {%- endif -%}""")


def headed_jinja(template: HeadedTurns) -> str:
    """The turns as a Jinja chat template, without the BOS."""
    names = "".join(f"{quoted(name)} if message.role == {quoted(role)} else " for role, name in template.roles.items())
    role = f"({names}message.role)" if names else "message.role"
    text = _HEADED_JINJA.substitute(
        system_header=quoted(template.header("system")),
        answer_header=quoted(template.header("assistant")),
        header=f"{quoted(template.before_role)} + {role} + {quoted(template.after_role)}",
        text="spoken(message) | trim" if template.strips else "spoken(message)",
        end=quoted(template.end),
        end_and_gap=quoted(template.end + template.gap),
        gap_after_turn=_GAP_JINJA.substitute(gap=quoted(template.gap)) if template.gap else "",
    )
    return SPOKEN_JINJA + "".join(f"{line}\n" for line in text.splitlines() if line.strip())


def quoted(text: str) -> str:
    """A text as Jinja writes it in an expression."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'")
    return f"'{escaped}'"
