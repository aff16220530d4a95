"""A template of the user's own words as one text for an editor, and taken apart again."""

from __future__ import annotations

from engine.service.protocol import TemplateFound

_PROMPT = "---------- prompt: {column} stands for a column, {{ for a brace ----------"
_COMPLETION = "---------- completion: what is learned ----------"


def joined(found: TemplateFound) -> str:
    """Prompt and completion below lines that say which is which."""
    return f"{_PROMPT}\n{found.prompt}\n{_COMPLETION}\n{found.completion}\n"


def parted_again(text: str) -> tuple[str, str] | None:
    """Prompt and completion; None where the lines between them are gone. The newline that ends a part is not of it."""
    head, first, rest = text.replace("\r\n", "\n").partition(f"{_PROMPT}\n")
    prompt, second, completion = rest.partition(f"\n{_COMPLETION}\n")
    if not first or not second or head.strip():
        return None
    return prompt, completion.removesuffix("\n")
