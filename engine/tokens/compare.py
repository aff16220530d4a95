"""Two tokenizers on the same texts, language by language.

What is counted is the text of the turns as it stands, without template, special tokens or cutting: the words around it differ
from template to template, and say nothing about a tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.data.conversation import Conversation
from engine.data.quality.identify import LANGUAGE_NAMES, ONE_LANGUAGE, TOLD_APART, UNSURE, identify, words_of
from engine.data.quality.scripts import SCRIPTS, script_of
from engine.token_facts import LanguageFact

CHUNK_ROWS = 32


def language_of(text: str) -> str:
    """The name of the language of a text, its script where that cannot be said, "unsure" where it is too short."""
    script = SCRIPTS[script_of(text)[0]]
    if not script:
        return UNSURE
    code = ONE_LANGUAGE.get(script, "")
    if not code and script in TOLD_APART:
        code, _ = identify(words_of(text, script), script)
    if code == UNSURE:
        return f"{script} letters"
    return LANGUAGE_NAMES.get(code, code) or script


def said_in(conversation: Conversation) -> str:
    """All that is said in a row; of one without turns, the texts in its columns."""
    if conversation.messages:
        return "\n".join(message.content for message in conversation.messages)
    return "\n".join(value for value in conversation.values.values() if isinstance(value, str))


class Comparison:
    """Counts the tokens of two tokenizers."""

    def __init__(self, ours: Any, other: Any) -> None:
        """Two transformers tokenizers."""
        self._backends = (ours.backend_tokenizer, other.backend_tokenizer)
        self._found: dict[str, LanguageFact] = {}
        self.rows = 0
        """Rows with a text."""

    def add(self, texts: Sequence[str]) -> None:
        """Count some texts, each of them a row."""
        texts = [text for text in texts if text]
        ours, theirs = (
            [len(e) for e in backend.encode_batch_fast(texts, add_special_tokens=False)] for backend in self._backends
        )
        for text, own, other in zip(texts, ours, theirs, strict=True):
            name = language_of(text)
            fact = self._found.get(name)
            if fact is None:
                fact = self._found[name] = LanguageFact(
                    language=name, rows=0, characters=0, bytes=0, tokens=0, other_tokens=0
                )
            fact.rows += 1
            fact.characters += len(text)
            fact.bytes += len(text.encode("utf-8", "surrogatepass"))
            fact.tokens += own
            fact.other_tokens += other
        self.rows += len(texts)

    @property
    def languages(self) -> list[LanguageFact]:
        """What was counted, the language with most rows first."""
        return sorted(self._found.values(), key=lambda fact: (-fact.rows, fact.language))


def chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Rows in pieces of some milliseconds of work."""
    for start in range(0, len(rows), CHUNK_ROWS):
        yield rows[start : start + CHUNK_ROWS]
