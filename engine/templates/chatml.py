"""ChatML: `<|im_start|>role`, the text, `<|im_end|>`; the end marker of an answer is learned."""

from __future__ import annotations

from dataclasses import replace

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

START, END = "<|im_start|>", "<|im_end|>"


class ChatML:
    """The ChatML template, for a tokenizer that knows its markers (or spells them out, which is a finding)."""

    name = "chatml"

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return all turns; answers and their end markers are learned."""
        text = running_text(conversation)
        if text is not None:
            return text
        learned = learned_turns(conversation.messages, supervise)
        segments = self._turns(conversation, conversation.messages, learned, supervise == "all")
        return Rendered(tuple(segments), True, True)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return all turns before the last answer and the opening of that answer."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        segments = self._turns(conversation, before_answer(conversation), set(), False)
        segments.append(Segment(f"{START}assistant\n", "template", False))
        return Rendered(tuple(segments), True, False)

    @staticmethod
    def _turns(
        conversation: Conversation, messages: tuple[Message, ...], learned: set[int], whole: bool
    ) -> list[Segment]:
        """The functions that are offered stand in the system turn, which is made where there is none."""
        segments: list[Segment] = []
        tools = offered(conversation)
        if tools is not None:
            tools = replace(tools, supervised=whole)
            if not messages or messages[0].role != "system":
                opening, closing = (
                    Segment(f"{START}system\n", "template", whole),
                    Segment(f"{END}\n", "template", whole),
                )
                segments += [opening, tools, closing]
                tools = None
        for index, message in enumerate(messages):
            segments.append(Segment(f"{START}{message.role}\n", "template", whole))
            segments.append(Segment(spoken(message), message.role, index in learned, message.source))
            if tools is not None:
                segments += [Segment("\n\n", "template", whole), tools]
                tools = None
            segments.append(Segment(END, "template", index in learned))
            last = index == len(messages) - 1
            if not (last and message.role == "assistant"):  # a finished row ends with the marker
                segments.append(Segment("\n", "template", whole))
        return segments
