"""Mistral, third version: `[INST] question[/INST] answer</s>`, where the answer begins with its blank and ends with the EOS.

The system text and the functions stand before the first question, with a blank line between. The template that Mistral ships
puts the system text before the last question instead; then every turn changes all that was written before it, and no
answer but the last could be learned as it will be generated. White space around an answer is left out, as there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from engine.data.conversation import Conversation, Message
from engine.errors import TemplateError
from engine.templates.base import Segment, offered, spoken
from engine.templates.turns import SPOKEN_JINJA, TurnTemplate

_NEXT = {"": ("user",), "user": ("assistant",), "assistant": ("user", "tool"), "tool": ("tool", "assistant")}
"""Which roles can follow a role; "" is the start, behind a system text."""


class Mistral(TurnTemplate):
    """The Mistral template, for a tokenizer with an EOS. Its BOS is written where the tokenizer has one."""

    name = "mistral"

    def __init__(self, tokenizer: Any) -> None:
        """Without a tokenizer rows can be checked, not written. Raises TemplateError when the tokenizer has no EOS token."""
        if tokenizer is not None and not tokenizer.eos_token:
            raise TemplateError(
                'template = "mistral" ends answers with the EOS token, and this tokenizer has none. Use template = "chatml".'
            )
        self._tokenizer = tokenizer

    @property
    def bos(self) -> str:
        return str(getattr(self._tokenizer, "bos_token", None) or "")

    @property
    def jinja(self) -> str:
        return JINJA

    def turns(
        self, conversation: Conversation, messages: tuple[Message, ...], learned: set[int], whole: bool
    ) -> Iterator[Segment]:
        """Yield the segments of the turns. Raises TemplateError for an order of roles that the format cannot write."""
        _check(conversation, messages)
        eos = str(getattr(self._tokenizer, "eos_token", None) or "")
        tools = offered(conversation)
        before = [
            Segment(m.content, "system", whole, m.source) for m in messages[:1] if m.role == "system" and m.content
        ]
        before += [replace(tools, supervised=whole)] if tools is not None else []
        for index, message in enumerate(messages):
            if message.role == "user":
                yield Segment("[INST] ", "template", whole)
                for segment in before:
                    yield segment
                    yield Segment("\n\n", "template", whole)
                before = []
                yield Segment(message.content, "user", whole, message.source)
                yield Segment("[/INST]", "template", whole)
            elif message.role == "tool":
                yield Segment("[TOOL_RESULTS] ", "template", whole)
                yield Segment(message.content, "tool", whole, message.source)
                yield Segment("[/TOOL_RESULTS]", "template", whole)
            elif message.role == "assistant":
                yield Segment(" ", "template", index in learned)
                yield Segment(spoken(message).strip(), "assistant", index in learned, message.source)
                yield Segment(eos, "template", index in learned)


def _check(conversation: Conversation, messages: tuple[Message, ...]) -> None:
    roles = [message.role for message in messages]
    rest = roles[1:] if roles[:1] == ["system"] else roles
    if not rest or any(role not in _NEXT.get(last, ()) for last, role in zip(["", *rest], rest, strict=False)):
        raise TemplateError(
            f'{conversation.origin}: template "mistral" writes a question and an answer in turn, perhaps with a system text '
            f"before the first question, and this row has the turns {', '.join(roles) or '(none)'}. Use template = "
            '"chatml" or "llama3", which write any order, or leave such rows out with tokens.refused_rows = "skip".'
        )


JINJA = (
    "{{- bos_token -}}\n"
    + SPOKEN_JINJA
    + """\
{%- set system = messages[0].content if messages[0].role == 'system' else '' -%}
{%- set before = system + ('\\n\\n' if system else '') + functions.text + ('\\n\\n' if functions.text else '') -%}
{%- set turns = messages[1:] if messages[0].role == 'system' else messages -%}
{%- set allowed = {'': ['user'], 'user': ['assistant'], 'assistant': ['user', 'tool'], 'tool': ['tool', 'assistant']} -%}
{%- if not turns -%}
    {{- raise_exception('There is a system text, and no question behind it.') -}}
{%- endif -%}
{%- for message in turns -%}
    {%- if message.role not in allowed[loop.previtem.role if not loop.first else ''] -%}
        {{- raise_exception('Questions and answers must take turns.') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        {{- '[INST] ' + (before if loop.first else '') + message.content + '[/INST]' -}}
    {%- elif message.role == 'tool' -%}
        {{- '[TOOL_RESULTS] ' + message.content + '[/TOOL_RESULTS]' -}}
    {%- else -%}
        {%- generation -%}
            {{- ' ' + spoken(message) | trim + eos_token -}}
        {%- endgeneration -%}
    {%- endif -%}
{%- endfor -%}
"""
)
"""Without a BOS `bos_token` is not defined, and nothing is written for it."""
