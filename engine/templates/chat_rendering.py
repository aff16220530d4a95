"""Rendering messages with a tokenizer's chat template, as transformers does it: once, and never for ever."""

from __future__ import annotations

import json
import re
import threading
from datetime import date
from typing import Any

from engine.data.conversation import Conversation, Message
from engine.errors import TemplateError
from engine.templates.bounds import EndlessTemplateError, bounded

MOST_KINDS = 4096
"""Kinds of rows that are remembered."""
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_CLOCK = re.compile(r"""\bstrftime_now\(\s*(["'])(.*?)\1\s*\)""")
_STEPS, _STEPS_PER_MESSAGE = 200_000, 2_000
_ONE_AT_A_TIME = threading.Lock()
"""transformers keeps one compiled template for all, and writes down in it where the answers are."""
Rendering = tuple[str, list[tuple[int, int]]]
"""(text, first and one-past-last characters of the answers by the template's own marks)."""


class ChatRenderer:
    """Renders with the chat template of one tokenizer."""

    def __init__(self, tokenizer: Any, today: date | None = None) -> None:
        self._tokenizer = tokenizer
        self._template = dated(tokenizer.chat_template, today)
        self._marks_answers = bool(_GENERATION.search(tokenizer.chat_template))
        self._ended: set[tuple[Any, ...]] = set()
        """Kinds of rows that the template is known to come to an end with."""

    def __call__(self, conversation: Conversation, messages: tuple[Message, ...], generate: bool) -> Rendering:
        """Render `messages` with the functions of `conversation`; with `generate`, up to where an answer would begin.

        Raises TemplateError where the template refuses, or comes to no end.
        """
        tools = list(conversation.tools)
        turns = list(map(turn_of, messages))
        kind = (generate, bool(tools), *[message.role for message in messages])
        try:
            with _ONE_AT_A_TIME:
                if kind in self._ended:
                    return self._rendered(turns, tools, generate)
                steps = _STEPS + _STEPS_PER_MESSAGE * len(messages)
                rendered = bounded(lambda: self._rendered(turns, tools, generate), steps)
        except EndlessTemplateError:
            raise TemplateError(
                f"{conversation.origin}: the tokenizer's chat template goes round and round and comes to no end. Use "
                'template = "chatml", or name a file with another one in model.chat_template.'
            ) from None
        except Exception as error:
            raise TemplateError(
                f"{conversation.origin}: the tokenizer's chat template refuses this row: {error}"
            ) from error
        if len(self._ended) >= MOST_KINDS:
            self._ended.clear()
        self._ended.add(kind)
        return rendered

    def _rendered(self, turns: list[dict[str, Any]], tools: list[dict[str, Any]], generate: bool) -> Rendering:
        if not self._marks_answers or generate:
            given: dict[str, Any] = {"tools": tools} if tools else {}
            if self._template != self._tokenizer.chat_template:
                given["chat_template"] = self._template
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generate, **given)
            return str(text), []
        from transformers.utils.chat_template_utils import render_jinja_template

        texts, marks = render_jinja_template(
            conversations=[turns],
            tools=tools or None,
            chat_template=self._template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        return str(texts[0]), [(int(start), int(end)) for start, end in marks[0]]


def dated(chat_template: str, today: date | None) -> str:
    """The template with this day where it asks for the present one; as it is without a day.

    transformers gives templates a clock and takes no other, so the question is answered in the text of the template.
    """
    if today is None:
        return chat_template
    return _CLOCK.sub(lambda asked: json.dumps(today.strftime(asked[2]), ensure_ascii=False), chat_template)


def turn_of(message: Message) -> dict[str, Any]:
    """A turn as chat templates expect it; the arguments of a call are an object."""
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        turn["tool_calls"] = [
            {"type": "function", **({"id": call.id} if call.id else {}), "function": _called(call.name, call.arguments)}
            for call in message.tool_calls
        ]
    if message.name:
        turn["name"] = message.name
    if message.tool_call_id:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _called(name: str, arguments: str) -> dict[str, Any]:
    return {"name": name, "arguments": json.loads(arguments)}
