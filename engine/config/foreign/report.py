"""What became of each key of a foreign configuration, and the run file that came of it.

Invariant: every value of the configuration has exactly one fate. What nobody asked about is told as unknown, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.config.check import check
from engine.config.explain import key_path
from engine.config.field_values import toml
from engine.config.form import field_of, groups
from engine.config.load import Table
from engine.errors import ConfigError

Fate = Literal["mapped", "same", "unmapped"]
FATES: tuple[Fate, ...] = ("mapped", "same", "unmapped")
_LONGEST_ORIGIN = 100
UNKNOWN = "this importer does not know the key"
UNREADABLE = "this value cannot be read"
EMPTY = "left empty"
OFF = "off, and Luthier has no such thing to turn off"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one value."""

    key: str
    """As it stands there: "datasets[0].type"."""
    value: Any
    fate: Fate
    to: tuple[str, ...] = ()
    """Keys of the run file."""
    said: str = ""
    """Why it is not mapped, or what Luthier does anyway."""


@dataclass
class Imported:
    """A foreign configuration as a run file."""

    tool: str
    source: str
    """Name of its file."""
    table: Table
    entries: list[Entry]
    origins: dict[str, str] = field(default_factory=dict)
    """Of each key of the run file: where its value comes from."""
    notes: list[str] = field(default_factory=list)
    """What a person should know who compares the two."""

    def fated(self, fate: Fate) -> list[Entry]:
        """The entries with this fate."""
        return [entry for entry in self.entries if entry.fate == fate]

    @property
    def text(self) -> str:
        """The run file, with where each value comes from, and what could not be mapped at the end."""
        lines = [f"# Made from {self.source}, a configuration of {self.tool}.", ""]
        for group in groups(len(self.table.get("data", []))):
            keys = [item for item in group.fields if _at(self.table, item.key) is not None]
            if not keys:
                continue
            if group.key.startswith("data["):
                lines.append("[[data]]")
            elif group.key != "run":
                lines.append(f"[{group.key}]")
            for item in keys:
                origin = self.origins.get(item.key, "")
                text = f"{item.name} = {toml(_at(self.table, item.key))}"
                lines.append(f"{text}  # {_line(origin)}" if origin else text)
            lines.append("")
        lines += _block("Not mapped:", [f"{e.key} = {brief(e.value)}: {e.said}" for e in self.fated("unmapped")])
        lines += _block(
            "Luthier does so anyway:", [f"{e.key} = {brief(e.value)}: {e.said}" for e in self.fated("same")]
        )
        lines += _block("To know:", self.notes)
        return "\n".join(lines).rstrip("\n") + "\n"


class Reading:
    """A configuration while it is read."""

    def __init__(self, tool: str, source: str, given: Mapping[str, Any]) -> None:
        self.tool, self.source, self.given = tool, source, given
        self.leaves = dict(leaves(given))
        self.table: Table = {}
        self.origins: dict[str, str] = {}
        self.notes: list[str] = []
        self._fates: dict[str, Entry] = {}
        self._asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key; `default` where it is not there or empty."""
        self._asked.add(key)
        value = _at(self.given, key)
        return default if value is None else value

    def has(self, key: str) -> bool:
        """Whether a key says something."""
        self._asked.add(key)
        return _at(self.given, key) is not None

    def put(self, key: str, value: Any, *sources: str, said: str = "") -> None:
        """Set a key of the run file; `sources` are the keys that say so, none for a default of the tool."""
        there = [source for source in sources if self.has(source)]
        words = ", ".join(f"{source}: {brief(_at(self.given, source))}" for source in there)
        self._put(key, value, there, words or f"default of {self.tool}", said)

    def put_from(self, key: str, value: Any, names: Sequence[str], said: str = "") -> None:
        """As `put`, from values of a file beside the configuration, which are among `leaves` already."""
        there = [name for name in names if self.leaves.get(name) is not None]
        words = ", ".join(f"{name}: {brief(self.leaves[name])}" for name in there)
        self._put(key, value, there, words or f"default of {self.tool}", said)

    def _put(self, key: str, value: Any, there: Sequence[str], words: str, said: str) -> None:
        if len(words) > _LONGEST_ORIGIN:
            words = f"{there[0]} and {len(there) - 1} more" if len(there) > 1 else words
        if not _writable(value) or (there and value in ("", [])):
            for source in there:
                self.no(source, UNREADABLE)
            return
        if value == {}:
            for source in there:
                self.same(source, "so it is called anyway")
            return
        _set(self.table, key, value)
        self.origins[key] = words + (f"; {said}" if said else "")
        for source in there:
            for leaf in self._below(source):
                before = self._fates.get(leaf)
                to = (*before.to, key) if before is not None and before.fate == "mapped" else (key,)
                self._fates[leaf] = Entry(leaf, self.leaves[leaf], "mapped", tuple(dict.fromkeys(to)), said)

    def same(self, key: str, said: str) -> None:
        """A key that says what Luthier does anyway."""
        self._fate(key, "same", said)

    def no(self, key: str, said: str) -> None:
        """A key that cannot be mapped."""
        self._fate(key, "unmapped", said)

    def _fate(self, key: str, fate: Fate, said: str) -> None:
        for leaf in self._below(key):
            if leaf in self._fates:
                continue
            empty = self.leaves[leaf] in (None, "", [], {})
            self._fates[leaf] = Entry(leaf, self.leaves[leaf], "same" if empty else fate, (), EMPTY if empty else said)

    def _below(self, key: str) -> list[str]:
        return [leaf for leaf in self.leaves if leaf == key or leaf.startswith((f"{key}.", f"{key}["))]

    def known(self, same: Mapping[str, str], no: Mapping[str, str]) -> None:
        """Account for keys by lists of names; those of `no` that are off are "same"."""
        for leaf, value in self.leaves.items():
            if leaf in self._fates:
                continue
            names = _names(leaf)
            found = next((name for name in names if name in same or name in no), None)
            if value is None:
                self.same(leaf, EMPTY)
            elif found is not None and found in same:
                self.same(leaf, same[found])
            elif found is not None:
                if value is False or value in ("", "none", "None", "no") or value in ([], {}):
                    self.same(leaf, OFF)
                else:
                    self.no(leaf, no[found])

    def done(self) -> Imported:
        """Account for what nobody asked about, and take out what the run file may not say.

        Raises ConfigError where what is left is no run file.
        """
        for leaf in self.leaves:
            asked = any(leaf == key or leaf.startswith((f"{key}.", f"{key}[")) for key in self._asked)
            self._fate(leaf, "unmapped", UNREADABLE if asked else UNKNOWN)
        problems = check(None, self.table, {}).problems
        while problems:
            key = next((key for item in problems for key in item.keys if self._removable(key)), None)
            if key is None:
                raise ConfigError(f"{self.source} makes no run file: {'; '.join(item.message for item in problems)}")
            self._take_back(key, next(item.message for item in problems if key in item.keys))
            problems = check(None, self.table, {}).problems
        entries = [self._fates[leaf] for leaf in self.leaves]
        return Imported(self.tool, self.source, self.table, entries, self.origins, self.notes)

    def _removable(self, key: str) -> bool:
        return key in self.origins and (item := field_of(key)) is not None and not item.required

    def _take_back(self, key: str, why: str) -> None:
        """A key that the run file may not have: its sources are not mapped, for this reason."""
        _set(self.table, key, None)
        del self.origins[key]
        for leaf, entry in self._fates.items():
            if key in entry.to:
                rest = tuple(to for to in entry.to if to != key)
                fate: Fate = "mapped" if rest else "unmapped"
                self._fates[leaf] = Entry(leaf, entry.value, fate, rest, f"{key}: {why}")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; empty lists and tables are values."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def _writable(value: Any) -> bool:
    """Whether TOML has such a value."""
    if isinstance(value, list | tuple):
        return all(map(_writable, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _writable(item) for key, item in value.items())
    return isinstance(value, str | int | float)


def _names(leaf: str) -> list[str]:
    """ "a[0].b.c" as the names it may be listed under: "a.b.c", "a.b", "a"."""
    plain = "".join(part.split("]")[-1] for part in leaf.split("["))
    parts = plain.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _at(node: Any, key: str) -> Any:
    for part in key_path(key):
        if isinstance(part, int):
            node = node[part] if isinstance(node, list) and part < len(node) else None
        elif isinstance(node, Mapping):
            node = node.get(part, node.get(_number(part)))
        else:
            node = None
    return node


def _number(part: str) -> Any:
    return int(part) if part.isdecimal() else part


def _set(table: Table, key: str, value: Any) -> None:
    node: Any = table
    *above, last = key_path(key)
    for number, part in enumerate(above):
        if isinstance(part, int):
            while len(node) <= part:
                node.append({})
            node = node[part]
        else:
            node = node.setdefault(part, [] if isinstance((*above, last)[number + 1], int) else {})
    if value is not None:
        node[last] = value
        return
    node.pop(last, None)
    if not node and len(above) == 1:  # a section without a key
        del table[str(above[0])]


def brief(value: Any) -> str:
    """A value on one line, as its file has it, cut after sixty characters."""
    text = _line(", ".join(map(str, value)) if isinstance(value, list) else _yaml(value))
    return text if len(text) <= 60 else text[:59] + "…"


def _yaml(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _line(text: str) -> str:
    """On one line, without what a TOML comment may not hold."""
    return "".join(" " if char in "\r\n\t" else "?" if ord(char) < 32 or ord(char) == 127 else char for char in text)


def _block(title: str, lines: list[str]) -> list[str]:
    return [f"# {title}", *(f"#   {_line(line)}" for line in lines), ""] if lines else []
