"""The chat template that comes with a tokenizer, used as it is.

Which characters are the answer comes from `{% generation %}` marks where the template has them; else from rendering the
conversation turn by turn, where each rendering must be the beginning of the next. A template for which that does
not hold is an error in words, never an empty mask.
"""

from __future__ import annotations

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
        if supervise == "all":  # nothing has to be told apart
            whole = self._apply(messages, conversation.origin)
            return Rendered(tuple(locate(whole, messages, True)), False, False)
        whole, spans = self._spans(conversation, sorted(learned))
        segments: list[Segment] = []
        at = shown = 0
        for index, start, end in spans:
            segments += locate(whole[at:start], messages[shown:index], False)
            segments += locate(whole[start:end], messages[index : index + 1], True)
            at, shown = end, index + 1
        segments += locate(whole[at:], messages[shown:], False)
        return Rendered(tuple(segments), False, False)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return what the template sends for a generation."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        rendered = self._apply(before_answer(conversation), conversation.origin, generate=True)
        return Rendered((Segment(rendered, "template", False),), False, False)

    def _spans(self, conversation: Conversation, learned: list[int]) -> tuple[str, list[tuple[int, int, int]]]:
        """Return the whole text and (message index, start, end) of each answer to learn, in characters."""
        messages = conversation.messages
        answers = [i for i, m in enumerate(messages) if m.role == "assistant"]
        whole = self._apply(messages, conversation.origin)
        if self._marked:
            marks = self._generation_marks(messages)
            if len(marks) == len(answers):
                pairs = zip(answers, marks, strict=True)
                return whole, [(i, start, end) for i, (start, end) in pairs if i in learned]
        spans = []
        for index in learned:
            after = self._apply(messages[: index + 1], conversation.origin)
            before = self._before(messages, index, after, conversation.origin)
            if not (whole.startswith(before) and whole.startswith(after) and len(after) > len(before)):
                raise TemplateError(
                    f"{conversation.origin}: the tokenizer's chat template writes turn {index + 1} differently when more turns "
                    'follow, so the answer cannot be told apart. Use template = "chatml", or supervise = "last" with '
                    "one answer per row."
                )
            spans.append((index, len(before), len(before) + len(self._trimmed(after[len(before) :]))))
        return whole, spans

    def _before(self, messages: tuple[Message, ...], index: int, after: str, origin: str) -> str:
        """The text up to where answer `index` begins. Templates refuse to render nothing, so a conversation that opens
        with an answer is cut where its text stands."""
        if index:
            return self._apply(messages[:index], origin, generate=True)
        return after[: max(0, after.find(messages[0].content.strip()))]

    def _trimmed(self, answer: str) -> str:
        """Cut white space off that a template writes after the end marker; without a marker, nothing."""
        bare = answer.rstrip()
        return bare if any(bare.endswith(special) for special in self._specials) else answer

    def _apply(self, messages: tuple[Message, ...], origin: str, generate: bool = False) -> str:
        try:
            rendered = self._tokenizer.apply_chat_template(
                [{"role": m.role, "content": m.content} for m in messages],
                tokenize=False,
                add_generation_prompt=generate,
            )
        except Exception as error:
            raise TemplateError(f"{origin}: the tokenizer's chat template refuses this row: {error}") from error
        return str(rendered)

    def _generation_marks(self, messages: tuple[Message, ...]) -> list[tuple[int, int]]:
        from transformers.utils.chat_template_utils import render_jinja_template

        _, marks = render_jinja_template(
            conversations=[[{"role": m.role, "content": m.content} for m in messages]],
            chat_template=self._tokenizer.chat_template,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
        )
        return [(int(start), int(end)) for start, end in marks[0]]


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
