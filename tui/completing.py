"""What a line of the command line can go on with: names of commands, then what the command takes.

Reads folders and what the app knows of runs; changes nothing. An argument that holds blanks is completed in quotes.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tui.commands import Command
from tui.settings import KNOWN


@dataclass(frozen=True)
class World:
    """What arguments can be."""

    runs: Sequence[str] = ()
    themes: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    """Key -> present value."""


@dataclass(frozen=True)
class Option:
    """One way on: what stands in the line then, and what is said of it."""

    text: str
    note: str = ""
    ends: bool = True
    """Whether a blank follows: not behind a folder."""


@dataclass(frozen=True)
class Completion:
    """The ways on, in place of the line from `start` on."""

    start: int
    options: tuple[Option, ...]


def completion(line: str, commands: Sequence[Command], world: World) -> Completion:
    """The ways on from `line`, whose cursor stands at its end."""
    head, _, word = line.rpartition(" ")
    if not head.strip(" :"):
        wanted = word.lstrip(":").lower()
        names = [command for command in commands if not command.theme and command.typed.startswith(wanted)]
        first = {command.typed: command for command in reversed(names)}
        options = tuple(
            Option(command.typed, f"{command.placeholder}  {command.help}".strip(), bool(command.argument))
            for _, command in sorted(first.items())
        )
        return Completion(len(line) - len(wanted), options)
    name = head.split()[0].lstrip(":").lower()
    named = [command for command in commands if not command.theme and name in (command.typed, *command.aliases)]
    command = next((command for command in named if command.argument), named[0] if named else None)
    if command is None:
        return Completion(len(line), ())
    start = line.index(name) + len(name) + 1 if command.argument in ("runfile", "data", "draft") else len(head) + 1
    rest = line[start:]
    ways = _WAYS.get(command.argument)
    return Completion(start, tuple(ways(rest, head.split()[1:], world))) if ways else Completion(len(line), ())


def _themes(word: str, before: list[str], world: World) -> list[Option]:
    return [Option(name) for name in world.themes if name.startswith(word)] if not before else []


def _runs(word: str, before: list[str], world: World) -> list[Option]:
    return [Option(name) for name in world.runs if name.startswith(word) and name not in before]


def _one_run(word: str, before: list[str], world: World) -> list[Option]:
    return _runs(word, before, world) if not before else []


def _setting(word: str, before: list[str], world: World) -> list[Option]:
    if not before:
        return [
            Option(key, f"{_said(world.settings.get(key, known.default))}  {known.help}")
            for key, known in KNOWN.items()
            if key.startswith(word)
        ]
    known_one = KNOWN.get(before[0])
    if known_one is None or len(before) > 1:
        return []
    values: Sequence[str] = known_one.choices
    if isinstance(known_one.default, bool):
        values = ("true", "false")
    elif before[0] == "theme":
        values = world.themes
    return [Option(value) for value in values if value.startswith(word)]


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _paths(typed: str, endings: tuple[str, ...] | None) -> list[Option]:
    from tui.data.places import listing, listing_of, parted

    plain = typed.strip("'\"")
    folder, start = parted(plain)
    try:
        found = listing(folder, start) if endings is None else listing_of(folder, start, endings)
    except OSError:
        return []
    lead = plain[: len(plain) - len(start)]
    entries = [entry for entry in found if entry.name.startswith(start)]
    return [Option(_quoted(lead + entry.name), "", not entry.folder) for entry in entries]


def _quoted(path: str) -> str:
    return path if path.startswith("~") and " " not in path else shlex.quote(path)


def _run_files(word: str, before: list[str], world: World) -> list[Option]:
    return _paths(word, (".toml",))


def _drafts(word: str, before: list[str], world: World) -> list[Option]:
    runs = [Option(name, "run") for name in world.runs if name.startswith(word)]
    return [*_paths(word, (".toml",)), *runs]


_WAYS: dict[str, Callable[[str, list[str], World], list[Option]]] = {
    "theme": _themes,
    "setting": _setting,
    "runfile": _run_files,
    "data": lambda word, before, world: _paths(word, None),
    "draft": _drafts,
    "run": _one_run,
    "runs": _runs,
}


def common(options: Sequence[Option]) -> str:
    """What all options begin with."""
    texts = [option.text for option in options]
    first, last = min(texts), max(texts)
    return first[: next((i for i, char in enumerate(first) if last[i : i + 1] != char), len(first))]
