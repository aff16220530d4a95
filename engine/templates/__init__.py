"""Templates: normalised rows -> text segments that know whether they are learned.

One template serves training and inference, so they cannot drift. Adding one: a module, and a line in `TEMPLATES`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from engine.config.data import DataSection
from engine.errors import ConfigError
from engine.templates.base import Rendered, Segment, Supervise, Template
from engine.templates.chatml import ChatML
from engine.templates.custom import Custom
from engine.templates.llama3 import Llama3
from engine.templates.mistral import Mistral
from engine.templates.none import AS_TOKENS
from engine.templates.pair import ALPACA, PLAIN, QA
from engine.templates.tokenizer_template import TokenizerTemplate

TEMPLATES: dict[str, Callable[[Any, DataSection, date | None], Template]] = {
    "qa": lambda tokenizer, section, today: QA,
    "alpaca": lambda tokenizer, section, today: ALPACA,
    "plain": lambda tokenizer, section, today: PLAIN,
    "chatml": lambda tokenizer, section, today: ChatML(tokenizer),
    "llama3": lambda tokenizer, section, today: Llama3(tokenizer),
    "mistral": lambda tokenizer, section, today: Mistral(tokenizer),
    "tokenizer": lambda tokenizer, section, today: TokenizerTemplate(tokenizer, today),
    "none": lambda tokenizer, section, today: AS_TOKENS,
    "custom": lambda tokenizer, section, today: Custom(section.prompt or "", section.completion or ""),
}


def choose(name: str, row_format: str, single_turn: bool, tokenizer: Any) -> tuple[str, str]:
    """Resolve "auto": return (template name, reason). Rows that come as tokens have the template "none", and no other.

    Raises ConfigError where another is asked for.
    """
    if row_format == "token_ids":
        if name != "auto":
            raise ConfigError(
                f"template = {name!r}, but these rows come as tokens, which no template shapes: leave it out."
            )
        return "none", "rows come as tokens, and their labels are taken as they are"
    if name != "auto":
        return name, "named in the run file"
    if row_format == "text":
        return "plain", "running text needs no template"
    if row_format == "prompt_completion":
        return "plain", "prompt and completion are joined as they are"
    if tokenizer.chat_template:
        return "tokenizer", "the tokenizer has a chat template"
    if not single_turn:
        return "chatml", "conversations, and the tokenizer has no chat template"
    if row_format in ("alpaca", "instruction_response"):
        return "alpaca", "instructions, and the tokenizer has no chat template"
    return "qa", "questions and answers, and the tokenizer has no chat template"


def make(name: str, tokenizer: Any, section: DataSection, today: date | None = None) -> Template:
    """Return the template called `name`; `today` is what it writes where it asks for the date, None for the day it is.

    Raises TemplateError or ConfigError when it cannot be used here.
    """
    return TEMPLATES[name](tokenizer, section, today)


__all__ = ["TEMPLATES", "Rendered", "Segment", "Supervise", "Template", "choose", "make"]
