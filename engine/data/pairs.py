"""Formats with one question and one answer in a row, and running text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine.data.base import Counts, Format
from engine.data.conversation import Conversation, Message
from engine.data.rows import Row
from engine.data.turns import CONTEXT_GAP, HISTORY, Columns, RowError, history_of, kind_of, text_of

PAIR_SYNONYMS: dict[str, Sequence[str]] = {
    "prompt": (
        "question", "query", "prompt", "instruction", "input", "inputs", "user", "human", "problem", "task", "src",
        "source", "q", "document", "article", "dialogue",
    ),
    "answer": (
        "answer", "response", "output", "completion", "target", "targets", "assistant", "gpt", "solution", "reply", "tgt",
        "a", "summary", "highlights",
    ),
    "context": ("context", "passage", "background"),
    "system": ("system", "system_prompt", "system_message"),
}  # fmt: skip


@dataclass(frozen=True)
class PairFormat(Format):
    """One question, one answer, each in a column; perhaps context and system text."""

    prompt: str
    answer: str
    context: str = "context"
    system: str = "system"
    other_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    about: str = ""
    """What a person should know of this reading."""
    also_reads: ClassVar[tuple[str, ...]] = (HISTORY,)

    @property
    def roles(self) -> Mapping[str, str]:
        return {"prompt": self.prompt, "answer": self.answer, "context?": self.context, "system?": self.system}

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        return self.other_names

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        values = row.values
        prompt, answer = values.get(columns["prompt"]), values.get(columns["answer"])
        if type(prompt) is not str or type(answer) is not str:  # text_of says what is wrong
            prompt, answer = text_of(row, columns["prompt"]), text_of(row, columns["answer"])
        context = values.get(columns["context"])
        if type(context) is not str:
            context = text_of(row, columns["context"], required=False)
        user = Message("user", prompt + CONTEXT_GAP + context if context else prompt, columns["prompt"])
        messages: tuple[Message, ...] = (user, Message("assistant", answer, columns["answer"]))
        if values.get(HISTORY):
            messages = (*history_of(row), *messages)
        system = values.get(columns["system"])
        if system is not None and system != "":
            messages = (Message("system", text_of(row, columns["system"]), columns["system"]), *messages)
        return [Conversation(row.origin, messages, values, context)]

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        return self.about.format(**columns)


@dataclass(frozen=True)
class ChoiceFormat(Format):
    """A question with choices, of which one is right: by its number from 0, its label, or its text.

    The choices are written under the question with a letter each, and the letter is the answer.
    """

    prompt: str
    choices: str
    answer: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"prompt": self.prompt, "choices": self.choices, "answer": self.answer, "context?": "context"}

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        return {
            "choices": ("choices", "options"),
            "answer": ("answer", "answerkey", "answer_key", "label", "answer_idx"),
        }

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        question = text_of(row, columns["prompt"])
        context = text_of(row, columns["context"], required=False)
        labels, texts = self._choices(row, columns["choices"])
        index = self._right(row.values.get(columns["answer"]), labels, texts, columns["answer"])
        listed = "\n".join(f"{label}. {text}" for label, text in zip(labels, texts, strict=True))
        asked = f"{question}\n{listed}"
        messages = (
            Message("user", asked + CONTEXT_GAP + context if context else asked, columns["prompt"]),
            Message("assistant", labels[index], columns["answer"]),
        )
        return [Conversation(row.origin, messages, row.values, context)]

    @staticmethod
    def _choices(row: Row, column: str) -> tuple[list[str], list[str]]:
        """(labels, texts); {"text": […], "label": […]} brings labels of its own."""
        value = row.values.get(column)
        texts = value.get("text") if isinstance(value, dict) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise RowError(f"column {column!r} is {kind_of(value)}, not a list of choices")
        labels = value.get("label") if isinstance(value, dict) else [chr(ord("A") + i) for i in range(len(texts))]
        if not isinstance(labels, list) or len(labels) != len(texts) or len(texts) > 26:
            raise RowError(f"column {column!r} has {len(texts)} choices that do not go with their labels")
        return [str(label) for label in labels], texts

    @staticmethod
    def _right(answer: Any, labels: list[str], texts: list[str], column: str) -> int:
        if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(texts):
            return answer
        if isinstance(answer, str) and answer.strip() in labels:
            return labels.index(answer.strip())
        if isinstance(answer, str) and texts.count(answer) == 1:
            return texts.index(answer)
        raise RowError(f"column {column!r} is {answer!r:.60}, which names none of the {len(texts)} choices")

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        return "the choices are listed under the question, and the letter of the right one is learned"


@dataclass(frozen=True)
class TextFormat(Format):
    """Running text in one column; all of it is learned."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"text": self.column}

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        names = ("content", "body", "raw_content", "document", "article", "passage", "story", "code", "sentence")
        return {"text": names}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        name = columns["text"]
        return [Conversation(row.origin, (Message("text", text_of(row, name), name),), row.values)]
