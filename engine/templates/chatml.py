"""ChatML: `<|im_start|>role`, the text, `<|im_end|>`; the end marker of an answer is learned."""

from __future__ import annotations

from typing import Any

from engine.templates.turns import HeadedTurns, adds_bos, headed_jinja

START, END = "<|im_start|>", "<|im_end|>"


class ChatML(HeadedTurns):
    """The ChatML template, for a tokenizer that knows its markers (or spells them out, which is a finding).

    ChatML itself has no BOS; a tokenizer that puts one before every text gets it here, too, for its model expects it.
    """

    name = "chatml"
    markers = (START, END)
    before_role, after_role, end, gap = START, "\n", END, "\n"

    def __init__(self, tokenizer: Any) -> None:
        self._bos = str(tokenizer.bos_token) if adds_bos(tokenizer) else ""

    @property
    def bos(self) -> str:
        return self._bos

    @property
    def jinja(self) -> str:
        return ("{{- bos_token -}}\n" if self._bos else "") + headed_jinja(self)
