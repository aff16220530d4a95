"""Texts as evidence may show them: secrets and addresses hidden, every other character in its place."""

from __future__ import annotations

from engine.data.quality.credentials import secrets_in
from engine.data.quality.personal import addresses_in

_SHOWN = 4
_HIDDEN = "•"


def hidden(text: str) -> str:
    """The text with as many characters, and of secrets and addresses at most the first four."""
    found = [*(secret for _, secret in secrets_in(text)), *addresses_in(text)]
    for piece in sorted(found, key=len, reverse=True):
        shown = piece[: min(_SHOWN, len(piece) // _SHOWN)]
        text = text.replace(piece, shown + _HIDDEN * (len(piece) - len(shown)))
    return text
