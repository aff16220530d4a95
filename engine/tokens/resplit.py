"""How a tokenizer splits a text that somebody typed, or the text of a row of another tokenizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.token_facts import TokenFact
from engine.tokens.locate import Locator
from engine.tokens.looks import Looks
from engine.tokens.spelling import Spelling
from engine.tokens.tokenizer import around


class Splitter:
    """Splits texts with one tokenizer."""

    def __init__(self, tokenizer: Any, looks: Looks | None = None) -> None:
        """`looks` of the same tokenizer, where somebody has them."""
        self._looks = looks if looks is not None else Looks(Spelling(tokenizer))
        self._locator = Locator(tokenizer, self._looks.spelling)
        self._around = around(tokenizer)

    def split(self, text: str, count: int, added: bool = True) -> tuple[list[TokenFact], int]:
        """(the first `count` tokens of a text, how many there are in all).

        With `added`, those that the tokenizer puts before and behind every text are among them; they stand for no character.
        """
        found = self._locator.locate([text])
        before, behind = self._around if added else ((), ())
        ids = np.concatenate([before, found.ids, behind]).astype(np.int32)
        spans = np.zeros((len(ids), 2), dtype=np.int32)
        part = slice(len(before), len(before) + len(found.ids))
        spans[part, 0], spans[part, 1] = found.starts, found.ends
        spans[part.stop :] = len(text)
        shown = slice(0, max(0, count))
        return self._looks.facts(ids[shown].tolist(), spans[shown]), len(ids)
