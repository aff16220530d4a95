"""The keys as the user wants them: the table of keys, a preset and [keymap] of the settings on top.

Invariant: a wish that cannot be (an unknown id, a key no terminal sends, two things under one key at one place) is a sentence,
and that thing keeps the key it has in the table. Footer, help, command line and palette ask here what a key is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from tui.keys import KEYS
from tui.keys.key import PLACES, Key, Where

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "vim": {
        "list.list_page_down": "ctrl+d,ctrl+f,pagedown",
        "list.list_page_up": "ctrl+u,ctrl+b,pageup",
        "list.list_down": "j,down,ctrl+n,ctrl+e",
        "list.list_up": "k,up,ctrl+y",
    },
}
"""Keys that are known from elsewhere, besides those that are here already: hjkl, gg and G, / n N, : and u are everybody's."""
UNBOUND = "unbound"
"""A name that no terminal sends: for things without a key."""
_SCREENS: tuple[Where, ...] = ("home", "data", "tokens", "configure", "monitor", "compare", "demo", "log", "help")
_NAMED = (
    *("enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown"),
    *("up", "down", "left", "right"),
    *(f"f{number}" for number in range(1, 13)),
)
_UNSENT = {
    "ctrl+h": "terminals send it for backspace",
    "ctrl+i": "terminals send it for tab",
    "ctrl+j": "terminals send it for a new line",
    "ctrl+m": "terminals send it for enter",
    "ctrl+[": "terminals send it for escape",
    "ctrl+c": "it copies what is selected",
    "ctrl+z": "it suspends Luthier",
}
_SHORT = {"left": "←", "right": "→", "up": "↑", "down": "↓", "enter": "⏎", "escape": "esc", "pageup": "pgup"}
_SHORT |= {"pagedown": "pgdn"}
_NEVER_WITHOUT = ("app.quit", "app.back", "dialog.cancel", "dialog.accept")


def id_of(key: Key) -> str:
    """The name of a key in [keymap]: "monitor.stop"."""
    return f"{key.where}.{key.id}"


def named(text: str) -> tuple[str, str]:
    """Return the keys in `text` as Textual names them, and what is wrong with them, in words."""
    names: list[str] = []
    for part in text.split(",") if text.strip() != "," else [","]:
        name = part.strip()
        if not name:
            return "", f"{text!r} is no key"
        *modifiers, last = name.split("+") if len(name) > 1 else [name]
        last = last or "+"
        modifiers = [modifier.lower() for modifier in modifiers if modifier]
        if reason := _UNSENT.get("+".join([*modifiers, last.lower()])):
            return "", f"{name} cannot be had: {reason}"
        if not set(modifiers) <= {"ctrl", "alt", "shift"}:
            return "", f"{name!r} is no key: before + stand ctrl, alt or shift"
        if {"ctrl", "shift"} <= set(modifiers) or ("ctrl" in modifiers and last.lower() == "enter"):
            return "", f"{name} cannot be had: most terminals do not send it"
        found = _name_of(last, modifiers)
        if not found:
            return "", f"{name!r} is no key; write a sign such as P or ?, ctrl+r, alt+x, f5, or {', '.join(_NAMED[:5])}"
        names.append("+".join([*modifiers, found]))
    return ",".join(names), ""


def _name_of(last: str, modifiers: list[str]) -> str:
    from textual.keys import _character_to_key, key_to_character

    if len(last) == 1:
        if not last.isprintable() or last == " " or (modifiers == ["shift"]):
            return ""
        return _character_to_key(last.lower() if "ctrl" in modifiers else last)
    if last.lower() in _NAMED:
        return last.lower()
    char = key_to_character(last)
    return last if not modifiers and char and char.isascii() else ""


def shown_name(name: str) -> str:
    """A key as a person reads it."""
    from textual.keys import key_to_character

    if name in _SHORT:
        return _SHORT[name]
    return name if "+" in name or name in _NAMED else key_to_character(name) or name


class UserKeys:
    """What each thing of the table is done with."""

    def __init__(self, preset: str = "default", wishes: Mapping[str, str] | None = None) -> None:
        """`problems` has a sentence for each wish that was not granted."""
        self.problems: list[str] = []
        self.changed: dict[str, str] = {}
        """Id -> keys as Textual names them, for `App.set_keymap`."""
        table = {id_of(key): key.keys for key in KEYS}
        asked = self._asked(PRESETS.get(preset, {}), dict(wishes or {}), table)
        while asked and (clashes := _clashes({**table, **asked}, set(asked))):
            for mine, other, name in clashes:
                if mine in asked:
                    shown = shown_name(name)
                    self.problems.append(f"keymap: {mine} = {shown!r} is {other} already; {mine} keeps its key.")
                    del asked[mine]
        self.changed = {name: keys for name, keys in asked.items() if keys != table[name]}

    def _asked(self, preset: Mapping[str, str], wishes: Mapping[str, str], table: Mapping[str, str]) -> dict[str, str]:
        asked = {name: keys for name, keys in preset.items() if name in table}
        for name, text in wishes.items():
            if name not in table:
                from difflib import get_close_matches

                near = get_close_matches(name, table, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else "; ? shows the table of keys with their names."
                self.problems.append(f"keymap: there is nothing called {name!r}{hint}")
                continue
            if not text.strip():
                if name in _NEVER_WITHOUT:
                    self.problems.append(f"keymap: {name} cannot be without a key; it keeps its own.")
                else:
                    asked[name] = UNBOUND
                continue
            keys, wrong = named(text)
            if wrong:
                self.problems.append(f"keymap: {name}: {wrong}.")
            else:
                asked[name] = keys
        return asked

    def keys(self, key: Key) -> str:
        """Names of the keys, as Textual knows them."""
        return self.changed.get(id_of(key), key.keys)

    def shown(self, key: Key) -> str:
        """The keys as a person reads them; "" where it has none."""
        changed = self.changed.get(id_of(key))
        if changed is None:
            return key.shown
        return " ".join(shown_name(name) for name in changed.split(",") if name != UNBOUND)

    def first(self, key: Key) -> str:
        """The one key that a footer shows."""
        shown = self.shown(key)
        return shown if shown == "← →" else shown.split(" ")[0]


def _together() -> list[tuple[Where, ...]]:
    """Places whose keys are heard at the same time."""
    alone = [(place,) for place in PLACES if place not in (*_SCREENS, "app", "list")]
    return [*((screen, "app", "list") for screen in _SCREENS), ("app", "list"), ("list", "search"), *alone]


def _clashes(keys: Mapping[str, str], wished: set[str]) -> list[tuple[str, str, str]]:
    """What was wished and has its key together with something else: (id, the other's id, the key)."""
    found: list[tuple[str, str, str]] = []
    for places in _together():
        holders: dict[str, list[str]] = {}
        for name, names in keys.items():
            if name.partition(".")[0] in places and names != UNBOUND:
                for one in dict.fromkeys(names.split(",")):
                    holders.setdefault(one, []).append(name)
        for one, ids in holders.items():
            mine = [name for name in ids if name in wished]
            if len(ids) > 1 and mine:
                other = next(name for name in ids if name != mine[-1])
                found.append((mine[-1], other, one))
    return [*{name: (name, other, one) for name, other, one in found}.values()]
