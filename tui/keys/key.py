"""What a key is, and the places that have keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal[
    "app",
    "home",
    "data",
    "find",
    "tokens",
    "configure",
    "monitor",
    "compare",
    "demo",
    "list",
    "search",
    "log",
    "help",
    "dialog",
    "form",
]

PLACES: dict[Where, str] = {
    "app": "Everywhere",
    "home": "Runs",
    "data": "Data",
    "find": "Data: the search line",
    "tokens": "Tokens",
    "configure": "Configure",
    "monitor": "Monitor",
    "compare": "Compare",
    "demo": "Demo",
    "list": "Lists and text",
    "search": "Lists and text: finding",
    "log": "Log",
    "help": "Help",
    "dialog": "Dialogs",
    "form": "Dialogs with choices",
}


@dataclass(frozen=True)
class Key:
    """One thing a key does. `id` is also the name of the action."""

    id: str
    where: Where
    keys: str
    """Names of keys as Textual knows them, with commas."""
    shown: str
    """The keys as a person reads them."""
    label: str
    """Two words at most, for the footer."""
    help: str
    footer: int = 0
    """Rank in the footer; 0 is not in it."""
    command: bool = True
    """Whether the command palette offers it."""
