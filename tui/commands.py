"""The one registry of what can be done by name: `:` and ctrl+p both run what is in it.

A command is an action of the place one is at (from the table of keys) or a verb that takes arguments. Pure data: what a verb
does is in `command_acts`, what it can be completed with in `completing`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from tui.keys import Key, Where, keys_of
from tui.theme import OURS

Argument = Literal["", "theme", "setting", "runfile", "data", "run", "runs", "draft", "words"]
_PLACEHOLDERS: dict[Argument, str] = {
    "": "",
    "theme": "THEME",
    "setting": "KEY VALUE",
    "runfile": "RUN.toml",
    "data": "PATH",
    "run": "RUN",
    "runs": "RUN RUN…",
    "draft": "RUN.toml or RUN",
    "words": "WORDS",
}
_MOST_WORDS = 3
"""Words in a name that is typed with blanks: `new run` for `new-run`."""


@dataclass(frozen=True)
class Command:
    """Something to run by name: an action of the screen, or a verb with arguments; in the palette also a theme."""

    name: str
    help: str
    keys: str = ""
    action: str = ""
    """The action; of a verb what it does without arguments."""
    theme: str = ""
    argument: Argument = ""
    optional: bool = True
    """Whether it can go without arguments."""
    aliases: tuple[str, ...] = ()
    verb: bool = False

    @property
    def typed(self) -> str:
        """The name as it is typed after a colon."""
        return slug(self.name)

    @property
    def placeholder(self) -> str:
        """What it takes, in words."""
        text = _PLACEHOLDERS[self.argument]
        return f"[{text}]" if text and self.optional else text


def slug(name: str) -> str:
    """A name as it is typed: small letters, digits and signs of an end such as !, with a dash between words."""
    return re.sub(r"[^a-z0-9!]+", "-", name.lower()).strip("-")


def _verb(
    name: str, argument: Argument, text: str, action: str = "", aliases: str = "", optional: bool = False
) -> Command:
    return Command(
        name, text, action=action, argument=argument, optional=optional, aliases=tuple(aliases.split()), verb=True
    )


VERBS: tuple[Command, ...] = (
    _verb("q", "", "Back, and from the list of runs: quit. Runs go on.", "leave"),
    _verb("quit", "", "Quit from anywhere. Runs go on.", "quit", "qa qall q! qa! exit"),
    _verb("help", "words", "Help, with what is looked for.", "help", "h", optional=True),
    _verb("theme", "theme", "Use a theme from now on.", "pick_theme", "colorscheme colo", optional=True),
    _verb("set", "setting", "Change a setting, and write it into the settings.", "", "se", optional=True),
    _verb("train", "runfile", "Start a run from a run file.", "new_run", optional=True),
    _verb("data", "data", "Open a file, a folder or a dataset, and look at its rows.", "show_data", "e", optional=True),
    _verb("tokens", "draft", "The tokens of a run file or of a run.", "show_tokens", optional=True),
    _verb("configure", "draft", "The settings of a run file or of a run.", "show_configure", "conf", optional=True),
    _verb("open", "run", "Watch a run.", "show_monitor", "monitor watch", optional=True),
    _verb("compare", "runs", "Several runs on one chart.", "show_compare", "diff", optional=True),
    _verb("stop", "run", "Save a checkpoint, then end a run. Asks once.", "stop", optional=True),
    _verb("resume", "run", "Go on with a run from its newest checkpoint.", "resume", optional=True),
)


def commands_for(
    where: Where, themes: Mapping[str, bool], allowed: Iterable[str], shown: Mapping[Key, str] | None = None
) -> list[Command]:
    """The commands of a place: those of its actions that are `allowed` now, the verbs, then the themes with ours first.

    `themes` says of each name whether it is dark; `shown` what the keys of an action are called where it is not what the table
    says. A verb that does what an action does takes the action's keys and place in the list.
    """
    able = set(allowed)
    named = shown or {}
    keys = [key for key in (*keys_of(where), *keys_of("app")) if key.command and key.id in able]
    verbs = _verbs_of(keys)
    found: list[Command] = []
    for key in keys:
        own, verb = named.get(key, key.shown), verbs.get(key)
        if verb is None:
            found.append(Command(key.label, key.help, own, action=key.id))
        else:
            aliases = tuple(dict.fromkeys((*verb.aliases, key.label))) if key.label != verb.name else verb.aliases
            found.append(replace(verb, help=key.help, keys=own, action=key.id, aliases=aliases))
    found += [verb for verb in VERBS if verb.name not in {taken.name for taken in verbs.values()}]
    names = sorted(themes, key=lambda name: (OURS.index(name) if name in OURS else len(OURS), name))
    return found + [Command(f"theme {name}", "dark" if themes[name] else "light", theme=name) for name in names]


def _verbs_of(keys: Sequence[Key]) -> dict[Key, Command]:
    """The verb that does what a key does, with arguments: the one of its name, else the one of its action. Each verb once."""
    by_name = {verb.name: verb for verb in VERBS}
    found: dict[Key, Command] = {}
    for key in keys:
        if key.label in by_name:
            found.setdefault(key, by_name.pop(key.label))
    by_action = {verb.action: verb for verb in by_name.values() if verb.action}
    for key in keys:
        if key not in found and key.id in by_action:
            found[key] = by_action.pop(key.id)
    return found


def ranked(commands: list[Command], wanted: str) -> list[Command]:
    """The commands that hold all words of `wanted`: names that start with it first, then names, then texts, then letters.

    The last are those whose names hold the letters of `wanted` in their order ("nwr" finds "new run").
    """
    words = wanted.lower().lstrip(": ").split()
    if not words:
        return commands
    letters = "".join(words)

    def rank(command: Command) -> int:
        name = " ".join([command.name, *command.aliases]).lower()
        text = f"{name} {command.help}".lower()
        if command.name.lower().startswith(" ".join(words)):
            return 0
        if all(word in name for word in words):
            return 1
        if all(word in text for word in words):
            return 2
        return 3 if len(letters) > 1 and _in_order(letters, command.name.lower()) else 4

    ranks = {id(command): rank(command) for command in commands}
    return sorted((command for command in commands if ranks[id(command)] < 4), key=lambda command: ranks[id(command)])


def _in_order(letters: str, name: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)


@dataclass(frozen=True)
class Spoken:
    """A line that was understood: which command, with which arguments; or what is wrong with it."""

    command: Command | None = None
    arguments: tuple[str, ...] = ()
    problem: str = ""


def parse(line: str, commands: Sequence[Command]) -> Spoken:
    """Understand a line as it is typed behind the colon. A name may be shortened as long as it is clear."""
    text = line.strip().lstrip(":").strip()
    if not text:
        return Spoken()
    try:
        words = shlex.split(text)
    except ValueError:
        return Spoken(problem="A quote is never closed.")
    known = [command for command in commands if not command.theme]
    for many in range(min(_MOST_WORDS, len(words)), 0, -1):
        name = "-".join(words[:many]).lower()
        fitting = [c for c in known if name == c.typed] + [c for c in known if name in _aliases(c)]
        if fitting:
            arguments = tuple(words[many:])
            taking = next((c for c in fitting if c.argument), fitting[0])
            return _with_arguments(taking if arguments else fitting[0], arguments)
    name = words[0].lower()
    starting = [command for command in known if command.typed.startswith(name)]
    if len({command.typed for command in starting}) == 1:
        return _with_arguments(starting[0], tuple(words[1:]))
    if starting:
        return Spoken(problem=f"{name} could be {', '.join(sorted(command.typed for command in starting)[:6])}.")
    near = get_close_matches(name, [command.typed for command in known], n=1)
    hint = f"did you mean {near[0]}?" if near else "tab lists what there is, ctrl+p explains it."
    return Spoken(problem=f"There is no command {name!r}: {hint}")


def _aliases(command: Command) -> list[str]:
    return [slug(alias) for alias in command.aliases]


def _with_arguments(command: Command, arguments: tuple[str, ...]) -> Spoken:
    if arguments and not command.argument:
        return Spoken(problem=f"{command.typed} takes nothing behind it.")
    if not arguments and not command.optional and command.argument:
        return Spoken(problem=f"{command.typed} needs {command.placeholder}.")
    return Spoken(command, arguments)
