"""Llama 3: `<|start_header_id|>role<|end_header_id|>`, a blank line, the text, `<|eot_id|>`, which is learned behind an answer.

White space around a text is left out, as the template that Meta ships with the model does it: the model never saw any there,
and whoever serves the tuned model with that template sends none.
"""

from __future__ import annotations

from typing import Any

from engine.templates.turns import HeadedTurns, headed_jinja, quoted

BEGIN, END = "<|begin_of_text|>", "<|eot_id|>"


class Llama3(HeadedTurns):
    """The Llama 3 template. It opens with `<|begin_of_text|>`, written here, so that it is there once."""

    name = "llama3"
    before_role, after_role, end = "<|start_header_id|>", "<|end_header_id|>\n\n", END
    markers = (BEGIN, before_role, "<|end_header_id|>", END)
    strips = True
    roles = {"tool": "ipython"}  # what Llama 3.1 calls the answer of a function

    def __init__(self, tokenizer: Any) -> None:
        """Any tokenizer will do: one that lacks the markers spells them out."""

    @property
    def bos(self) -> str:
        return BEGIN

    @property
    def jinja(self) -> str:
        return f"{{{{- {quoted(BEGIN)} -}}}}\n" + headed_jinja(self)
