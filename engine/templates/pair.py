"""Templates for one question and one answer: `qa`, `alpaca`, `plain`.

The line break before an answer belongs to the prompt, so that the tokens of the prompt are the same with and without
an answer behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from engine.data.conversation import Conversation, Message
from engine.data.turns import CONTEXT_GAP
from engine.templates.base import Rendered, Segment, Supervise, offered, one_exchange, running_text, spoken


@dataclass(frozen=True, slots=True)
class PairTemplate:
    """Words around a question, perhaps its context, and its answer."""

    markers: ClassVar[tuple[str, ...]] = ()
    end: ClassVar[str | None] = None
    jinja: ClassVar[str | None] = None

    name: str
    question: str
    """Before the question."""
    context: str
    """Before the context, where a row has one."""
    answer: str
    """Before the answer."""
    opening: str = ""
    """At the very start, where a row has no context."""
    opening_with_context: str = ""

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the row; the answer is learned, everything with supervise = "all"."""
        whole = supervise == "all"
        text = running_text(conversation)
        if text is not None:
            return text
        _, _, answer = one_exchange(conversation, self.name)
        segments = list(self._before(conversation, whole))
        if answer is not None:
            segments.append(Segment(spoken(answer), "assistant", answer.weight > 0, answer.source))
        return Rendered(tuple(segments), True, True)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return the row up to its answer."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        return Rendered(tuple(self._before(conversation, False)), True, False)

    def _before(self, conversation: Conversation, learned: bool) -> Iterator[Segment]:
        system, user, _ = one_exchange(conversation, self.name)
        question, context = _parts(user, conversation.context)
        if system is not None:
            yield Segment(system.content, "system", learned, system.source)
            yield Segment("\n\n", "template", learned)
        tools = offered(conversation)
        if tools is not None:
            yield replace(tools, supervised=learned)
            yield Segment("\n\n", "template", learned)
        opening = self.opening_with_context if context else self.opening
        yield Segment(opening + self.question, "template", learned)
        yield Segment(question, "user", learned, user.source)
        if context:
            yield Segment(self.context, "template", learned)
            yield Segment(context, "user", learned, "context")
        yield Segment(self.answer, "template", learned)


def _parts(user: Message, context: str) -> tuple[str, str]:
    return (user.content.removesuffix(CONTEXT_GAP + context), context) if context else (user.content, "")


QA = PairTemplate(
    name="qa",
    question="### Question:\n",
    context="\n\n### Context:\n",
    answer="\n\n### Answer:\n",
)
# The wording of Stanford Alpaca, to the letter: models that were tuned with it expect it.
ALPACA = PairTemplate(
    name="alpaca",
    opening="Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n",
    opening_with_context="Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n",
    question="### Instruction:\n",
    context="\n\n### Input:\n",
    answer="\n\n### Response:\n",
)
PLAIN = PairTemplate(name="plain", question="", context="\n\n", answer="")
