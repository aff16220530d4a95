"""The chat template that comes with a tokenizer, used as it is.

Which characters are the answer comes from `{% generation %}` marks where the template has them; else from rendering the
conversation turn by turn, where each rendering must be the beginning of the next. A template for which that does
not hold is an error in words, never an empty mask; so is one that does not write the calls or functions of a row.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.data.conversation import Conversation, Message
from engine.errors import TemplateError
from engine.templates.base import Rendered, Segment, Supervise, before_answer, learned_turns, running_text

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


class TokenizerTemplate:
    """Wraps a transformers tokenizer that has a chat template."""

    name = "tokenizer"

    def __init__(self, tokenizer: Any) -> None:
        """Raises TemplateError when the tokenizer has no chat template."""
        if not tokenizer.chat_template:
            raise TemplateError(
                'template = "tokenizer": this model\'s tokenizer has no chat template. '
                'Use template = "chatml", "qa" or "alpaca".'
            )
        if not isinstance(tokenizer.chat_template, str):
            raise TemplateError("This tokenizer has several chat templates; Luthier cannot choose one for you.")
        self._tokenizer = tokenizer
        self._marked = bool(_GENERATION.search(tokenizer.chat_template))
        self._specials = sorted(filter(None, tokenizer.all_special_tokens), key=len, reverse=True)

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the rendered conversation in segments; answers and their end markers are learned."""
        text = running_text(conversation)
        if text is not None:
            return text
        messages = conversation.messages
        learned = learned_turns(messages, supervise)
        whole = self._apply(conversation, messages)
        self._check_calls(conversation, whole)
        # Under "all" the answers that are not learned have to be told apart, else those that are.
        inside = supervise != "all"
        apart = learned if inside else set(range(len(messages))) - learned
        segments: list[Segment] = []
        at = shown = 0
        for index, start, end in self._spans(conversation, whole, sorted(apart)):
            segments += locate(whole[at:start], messages[shown:index], not inside)
            segments += locate(whole[start:end], messages[index : index + 1], inside)
            at, shown = end, index + 1
        segments += locate(whole[at:], messages[shown:], not inside)
        return Rendered(tuple(segments), False, False)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return what the template sends for a generation."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        rendered = self._apply(conversation, before_answer(conversation), generate=True)
        return Rendered((Segment(rendered, "template", False),), False, False)

    def _spans(self, conversation: Conversation, whole: str, wanted: list[int]) -> list[tuple[int, int, int]]:
        """Return (message index, start, end) of each answer that is wanted, in characters of the whole text."""
        messages = conversation.messages
        answers = [i for i, m in enumerate(messages) if m.role == "assistant"]
        if self._marked and wanted:
            marks = self._generation_marks(conversation)
            if len(marks) == len(answers):
                pairs = zip(answers, marks, strict=True)
                return [(i, start, end) for i, (start, end) in pairs if i in wanted]
        spans = []
        for index in wanted:
            after = self._apply(conversation, messages[: index + 1])
            before = self._before(conversation, index, after)
            if not (whole.startswith(before) and whole.startswith(after) and len(after) > len(before)):
                raise TemplateError(
                    f"{conversation.origin}: the tokenizer's chat template writes turn {index + 1} differently when more turns "
                    'follow, so the answer cannot be told apart. Use template = "chatml", or supervise = "last" with '
                    "one answer per row."
                )
            spans.append((index, len(before), len(before) + len(self._trimmed(after[len(before) :]))))
        return spans

    def _before(self, conversation: Conversation, index: int, after: str) -> str:
        """The text up to where answer `index` begins. Templates refuse to render nothing, so a conversation that opens
        with an answer is cut where its text stands."""
        if index:
            return self._apply(conversation, conversation.messages[:index], generate=True)
        return after[: max(0, after.find(conversation.messages[0].content.strip()))]

    def _trimmed(self, answer: str) -> str:
        """Cut white space off that a template writes after the end marker; without a marker, nothing."""
        bare = answer.rstrip()
        return bare if any(bare.endswith(special) for special in self._specials) else answer

    def _apply(self, conversation: Conversation, messages: tuple[Message, ...], generate: bool = False) -> str:
        tools = {"tools": list(conversation.tools)} if conversation.tools else {}
        try:
            rendered = self._tokenizer.apply_chat_template(
                list(map(turn_of, messages)), tokenize=False, add_generation_prompt=generate, **tools
            )
        except Exception as error:
            raise TemplateError(
                f"{conversation.origin}: the tokenizer's chat template refuses this row: {error}"
            ) from error
        return str(rendered)

    def _check_calls(self, conversation: Conversation, whole: str) -> None:
        """Many templates pass over functions in silence, and would teach empty answers."""
        called = {call.name for message in conversation.messages for call in message.tool_calls}
        offered = {str(tool.get("function", tool).get("name")) for tool in conversation.tools}
        absent = sorted(name for name in called | offered if name not in whole)
        if absent:
            what = "call" if absent[0] in called else "offer"
            raise TemplateError(
                f"{conversation.origin}: the tokenizer's chat template does not write functions, and this row {what}s "
                f'{absent[0]!r}. Use template = "chatml", which writes them as JSON.'
            )

    def _generation_marks(self, conversation: Conversation) -> list[tuple[int, int]]:
        from transformers.utils.chat_template_utils import render_jinja_template

        _, marks = render_jinja_template(
            conversations=[list(map(turn_of, conversation.messages))],
            tools=list(conversation.tools) or None,
            chat_template=self._tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        return [(int(start), int(end)) for start, end in marks[0]]


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


def locate(text: str, messages: tuple[Message, ...], learned: bool) -> list[Segment]:
    """Cut rendered text into the contents of `messages`, which stand in it in this order, and the template's words."""
    segments: list[Segment] = []
    at = 0
    for message in messages:
        content = message.content if message.content in text[at:] else message.content.strip()
        start = text.find(content, at) if content else -1
        if start < 0:
            continue
        if start > at:
            segments.append(Segment(text[at:start], "template", learned))
        at = start + len(content)
        segments.append(Segment(content, message.role, learned, message.source))
    if at < len(text):
        segments.append(Segment(text[at:], "template", learned))
    return segments
