"""Setting keys of a run file: only their lines change. Comments, order and the way everything else is written stay.

What comes out is read again before anybody sees it: it says exactly what was wanted, and is a run file, or nothing is
planned. A key that says already what it should is left alone, however it is written.
"""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from engine.config import statements as toml
from engine.config.load import Table, read_text
from engine.config.splice import comments
from engine.config.use import Change, Plan, checked_table, parsed, shortened, shown
from engine.errors import ConfigError

_STEP = re.compile(r"([A-Za-z0-9_-]+)((?:\[\d+\])*)")
_PATHS = ("path", "chat_template", "held_out")
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Step:
    """One change, and the tables of the whole file after it."""

    key: str
    place: toml.Path
    old: Any
    value: Any
    wanted: Table

    @property
    def change(self) -> Change:
        says = f"{_brief(self.old)} -> {_brief(self.value)}"
        return Change("new" if self.old is None else "gone" if self.value is None else "changed", self.key, says)


def plan_changes(path: Path, changes: Mapping[str, Any]) -> Plan:
    """Return what the run file would say with `changes` (key -> value; None takes the key out, and a table with its last one).

    Keys are written as "tokens.max_length" or "data[0].exclude.rows". An absolute path is shortened where it lies in the
    folder of the run file. Raises ConfigError where the file cannot be read, a key leads nowhere, the result would be no
    run file, or the file is written in a way that one key cannot be changed alone.
    """
    path = Path(os.path.realpath(path.expanduser()))
    before = read_text(path)
    wanted, steps, refused = lay(parsed(before, path), changes, path.parent)
    if refused:
        raise ConfigError(f"{path}: {next(iter(refused.values()))}")
    run = checked_table(copy.deepcopy(wanted), path, before)
    text = before
    for step in steps:
        text = _edited(text, step, path)
    lost = comments(before.splitlines()) - comments(text.splitlines())
    return Plan(path, _as_it_was(text, before, path), before, run, [step.change for step in steps], max(0, lost))


def lay(table: Table, changes: Mapping[str, Any], folder: Path) -> tuple[Table, list[Step], dict[str, str]]:
    """Lay `changes` over a copy of `table`: the tables after all of them, the steps there, and the keys that lead nowhere.

    Nothing is said here about whether the result is a run file.
    """
    wanted = copy.deepcopy(table)
    steps: list[Step] = []
    refused: dict[str, str] = {}
    for key, given in changes.items():
        try:
            place = _place(key)
            old = _at(wanted, place, key)
        except ConfigError as error:
            refused[key] = str(error)
            continue
        value = shortened(given, folder) if place[-1] in _PATHS and isinstance(given, str) else given
        if not _same(old, value):
            wanted = copy.deepcopy(wanted)
            _put(wanted, place, value)
            steps.append(Step(key, place, old, value, wanted))
    return wanted, steps, refused


def laid_text(before: str, steps: Sequence[Step], path: Path) -> str | None:
    """`before` after `steps`; None where the file is written in a way that one of them cannot be made alone."""
    text = before
    for step in steps:
        try:
            text = _edited(text, step, path)
        except ConfigError:
            return None
    return text


def describe(changes: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """One line for each change: "tokens.max_length  512 -> 768".

    `before` is what holds now: the tables of a run file, or keys as in `changes`.
    """
    width = max(map(len, changes), default=0)
    lines = []
    for key, value in changes.items():
        old = before[key] if key in before else _found(before, _place(key))
        lines.append(f"{key:<{width}}  {_brief(old)} -> {_brief(value)}")
    return lines


def _brief(value: Any) -> str:
    text = shown(value).replace("\n", "\\n")
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


# Places in a table


def _place(key: str) -> toml.Path:
    """ "data[0].path" -> ("data", 0, "path"). Raises ConfigError where it is no key."""
    place: list[str | int] = []
    for step in key.split("."):
        found = _STEP.fullmatch(step)
        if found is None:
            raise ConfigError(f"{key!r} is no key of a run file; write it as tokens.max_length or data[0].template.")
        place += [found[1], *map(int, re.findall(r"\d+", found[2]))]
    if isinstance(place[-1], int):
        raise ConfigError(f"{key!r} is a whole table; name a key in it, such as {key}.template.")
    return tuple(place)


def _found(table: Any, place: toml.Path) -> Any:
    """The value at `place`, None where there is none."""
    for step in place:
        if isinstance(step, int):
            table = table[step] if isinstance(table, list) and step < len(table) else None
        else:
            table = table.get(step) if isinstance(table, Mapping) else None
    return table


def _at(table: Table, place: toml.Path, key: str) -> Any:
    """The value at `place`, None where there is none. Raises ConfigError where no value can be there."""
    node: Any = table
    for number, step in enumerate(place):
        above = ".".join(map(str, place[:number])) or "the run file"
        if isinstance(step, int):
            count = len(node) if isinstance(node, list) else 0
            if step >= count:
                raise ConfigError(f"{key} is not there: the run file has {count} [[{above}]] tables, from 0.")
            node = node[step]
        elif node is not None:
            if not isinstance(node, dict):
                what = "a list of tables" if isinstance(node, list) else "a value"
                raise ConfigError(f"{key} cannot be set, for `{above}` is {what} and no table.")
            node = node.get(step)
    return node


def _put(table: Table, place: toml.Path, value: Any) -> None:
    """Set or take out the value at `place`; tables that this leaves empty go."""
    nodes: list[Any] = [table]
    for step in place[:-1]:
        if isinstance(step, str) and step not in nodes[-1]:
            nodes[-1][step] = {}
        nodes.append(nodes[-1][step])
    if value is not None:
        nodes[-1][place[-1]] = value
        return
    nodes[-1].pop(place[-1], None)
    for step, node in zip(reversed(place[:-1]), reversed(nodes[:-1]), strict=True):
        if isinstance(step, int) or node[step]:
            break
        del node[step]


def _same(one: Any, other: Any) -> bool:
    """Whether two values say the same; 1 is 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


# Lines


def _edited(text: str, step: Step, path: Path) -> str:
    """`text` with one value changed. Raises ConfigError where it would not say what is wanted then."""
    try:
        after = "".join(_changed(toml.lines_of(text), step.place, step.old, step.value, step.wanted))
        if _same(_pruned(tomllib.loads(after)), _pruned(step.wanted)):
            return after
    except (ValueError, RecursionError):
        pass
    says = f"set it to {_value(step.value)}" if step.value is not None else "take it out"
    raise ConfigError(
        f"{path}: {step.key} cannot be changed alone in a file that is written like this one; {says} by hand."
    )


def _pruned(value: Any) -> Any:
    """Without empty tables: they say nothing."""
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    if not isinstance(value, dict):
        return value
    pruned = {key: _pruned(item) for key, item in value.items()}
    return {key: item for key, item in pruned.items() if item != {}}


def _changed(lines: list[str], place: toml.Path, old: Any, value: Any, wanted: Table) -> list[str]:
    found = list(toml.statements(lines))
    for number, statement in enumerate(found):
        if statement.is_header or place[: len(statement.path)] != statement.path:
            continue
        inside = _found(wanted, statement.path)  # the value itself, or what holds it on one line
        if inside is None:
            return _without(lines, found, [number])
        new = toml.with_value("".join(lines[statement.start : statement.end]), _value(inside))
        return [*lines[: statement.start], new, *lines[statement.end :]]
    below = [number for number, statement in enumerate(found) if statement.path[: len(place)] == place]
    if not below:
        return _inserted(lines, found, place, value)
    if value is None:
        return _without(lines, found, below)
    if not isinstance(value, dict) or not isinstance(old, dict):
        raise ValueError("a table cannot become a value")
    scratch = {**old}
    for name in [*value, *old]:  # what goes goes last: a table that is empty in between would lose its header
        if not _same(scratch.get(name), value.get(name)):
            before, scratch = scratch, {**scratch, name: value.get(name)}
            partial = copy.deepcopy(wanted)
            _put(partial, place, {n: v for n, v in scratch.items() if v is not None})
            lines = _changed(lines, (*place, name), before.get(name), value.get(name), partial)
    return lines


def _inserted(lines: list[str], found: list[toml.Statement], place: toml.Path, value: Any) -> list[str]:
    """A key that is not there yet: behind the last of its table, where there is one."""
    parent, name = place[:-1], _name(place[-1])
    dotted = [s for s in found if len(s.table) < len(parent) < len(s.path) and s.path[: len(parent)] == parent]
    if dotted:
        last = dotted[-1]
        names = ".".join(map(_name, (*parent[len(last.table) :], place[-1])))
        return _with(lines, last.end, f"{_indent(lines[last.start])}{names} = {_value(value)}\n")
    own = [s for s in found if s.table == parent]
    if own:
        return _with(lines, own[-1].end, f"{_indent(lines[own[-1].start])}{name} = {_value(value)}\n")
    if not parent:
        return [f"{name} = {_value(value)}\n", *(["\n"] if lines else []), *lines]
    if len(parent) == 1:
        gap = ["\n"] if lines and lines[-1].strip() else []
        return [*lines, *gap, f"[{_name(parent[0])}]\n", f"{name} = {_value(value)}\n"]
    return _inserted(lines, found, parent, {place[-1]: value})


def _with(lines: list[str], at: int, line: str) -> list[str]:
    return [*lines[:at], line, *lines[at:]]


def _without(lines: list[str], found: list[toml.Statement], numbers: list[int]) -> list[str]:
    """Without these statements, and without the header of a table that is left with none."""
    going = {found[number] for number in numbers}
    tables = {s.table for s in going if s.table and isinstance(s.table[-1], str)}  # an entry of a list stays
    left = {s.table for s in found if s not in going and not s.is_header}
    going |= {s for s in found if s.is_header and s.path in tables - left}
    out: list[str] = []
    gone = {line for statement in going for line in range(statement.start, statement.end)}
    for number, line in enumerate(lines):
        if number in gone:
            continue
        if not line.strip() and number - 1 in gone and (not out or not out[-1].strip()):
            continue  # one blank line is enough where two met
        out.append(line)
    return out


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _name(name: str | int) -> str:
    return tomli_w.dumps({str(name): 0}).removesuffix(" = 0\n")


def _value(value: Any) -> str:
    """A value as TOML, tables on one line; texts of several lines as such."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_name(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return tomli_w.dumps({"x": value}, multiline_strings=True).removeprefix("x = ").removesuffix("\n")


def _as_it_was(text: str, before: str, path: Path) -> str:
    """With the line ends and the byte order mark that the file has, which reading took off."""
    raw = path.read_bytes()
    if text == before:
        return raw.decode()
    if b"\r\n" in raw and raw.count(b"\r\n") == raw.count(b"\n"):
        text = text.replace("\n", "\r\n")
    return f"\ufeff{text}" if raw.startswith(b"\xef\xbb\xbf") else text
