"""What the command palette offers: the keys of the place one is at, and the themes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tui.keys import Where, keys_of
from tui.theme import OURS


@dataclass(frozen=True)
class Command:
    """Something to run by name: an action of the screen, or a theme."""

    name: str
    help: str
    keys: str = ""
    action: str = ""
    theme: str = ""


def commands_for(where: Where, themes: Mapping[str, bool], allowed: Iterable[str]) -> list[Command]:
    """The commands of a place, those of its actions that are `allowed` now, then the themes with ours first.

    `themes` says of each name whether it is dark.
    """
    able = set(allowed)
    found = [
        Command(key.label, key.help, key.shown, action=key.id)
        for key in keys_of(where, "app")
        if key.command and key.id in able
    ]
    names = sorted(themes, key=lambda name: (OURS.index(name) if name in OURS else len(OURS), name))
    return found + [Command(f"theme {name}", "dark" if themes[name] else "light", theme=name) for name in names]


def ranked(commands: list[Command], wanted: str) -> list[Command]:
    """The commands that hold all words of `wanted`: names that start with it first, then names, then help texts."""
    words = wanted.lower().lstrip(": ").split()
    if not words:
        return commands

    def rank(command: Command) -> int:
        name, text = command.name.lower(), f"{command.name} {command.help}".lower()
        if name.startswith(" ".join(words)):
            return 0
        if all(word in name for word in words):
            return 1
        return 2 if all(word in text for word in words) else 3

    return sorted((command for command in commands if rank(command) < 3), key=rank)
