"""The user's settings: one small TOML file, read strictly; above it the environment, above that the flags.

`settings.toml` in the configuration folder, or the file that `--config` or $LUTHIER_CONFIG names. `chart.axis` stands in the
section [chart] under `axis`, and in the environment as LUTHIER_CHART__AXIS. An unknown key or a wrong value is a message and
the default is used; nothing in the file can keep the screens from opening. How a setting is written is in `settings_file`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from engine.runs.paths import CONFIG_VARIABLE, settings_file

_PREFIX = "LUTHIER_"
_WORDS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_Default = TypeVar("_Default", str, bool)


def _setting(key: str, default: _Default, help: str, *choices: str) -> _Default:  # noqa: A002
    made: _Default = field(default=default, metadata={"key": key, "help": help, "choices": choices})
    return made


@dataclass(frozen=True)
class Settings:
    """What holds between sittings. `metadata` of each field tells its key, its choices and what it does."""

    theme: str = _setting("theme", "", "Name of the theme; empty for the default.")
    ascii: str = _setting(
        "terminal.ascii",
        "auto",
        "ASCII only: where the terminal cannot show more, always, or never.",
        *["auto", "yes", "no"],
    )
    mouse: bool = _setting("terminal.mouse", True, "Hear the mouse; without it the terminal selects text by itself.")
    axis: str = _setting("chart.axis", "step", "What the charts are drawn by at first.", *["step", "tokens", "time"])
    smoothing: str = _setting(
        "chart.smoothing", "auto", "How much curves are smoothed at first.", *("none", "light", "auto", "strong")
    )
    log_y: bool = _setting("chart.log_y", False, "Whether losses are drawn logarithmically at first.")
    confirm_quit: bool = _setting("quit.confirm", False, "Ask before leaving, also where nothing would be lost.")
    preset: str = _setting("keys.preset", "default", "The keys to begin with.", *["default", "vim"])
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Id of a key -> keys, as they stand in [keymap]; `tui.keys.user` says which of them can be."""


Source = Literal["default", "file", "environment", "flag"]


@dataclass(frozen=True)
class Known:
    """One setting as it can be spoken of."""

    name: str
    key: str
    help: str
    choices: tuple[str, ...]
    default: str | bool


KNOWN: dict[str, Known] = {
    f.metadata["key"]: Known(f.name, f.metadata["key"], f.metadata["help"], f.metadata["choices"], f.default)  # type: ignore[arg-type]
    for f in fields(Settings)
    if f.metadata
}
"""By key."""


@dataclass
class Loaded:
    """The settings, where each comes from, and one sentence for each thing that was not used."""

    settings: Settings = field(default_factory=Settings)
    sources: dict[str, Source] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def settings_path() -> Path:
    """The file of the settings."""
    return settings_file()


def load() -> tuple[Settings, list[str]]:
    """Return the settings and one sentence for each thing that was not used."""
    loaded = load_all()
    return loaded.settings, loaded.problems


def load_all(environment: Mapping[str, str] | None = None) -> Loaded:
    """Read the file, then the environment."""
    loaded = Loaded()
    path = settings_path()
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        table = {}
        if os.environ.get(CONFIG_VARIABLE):
            loaded.problems.append(f"There are no settings in {path}: the defaults are used.")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        table = {}
        loaded.problems.append(f"The settings in {path} were not read: {error}")
    _take_table(loaded, table, path)
    _take_environment(loaded, os.environ if environment is None else environment)
    return loaded


def _take_table(loaded: Loaded, table: Mapping[str, Any], path: Path) -> None:
    keymap: dict[str, str] = {}
    for key, value in table.items():
        if key == "keymap":
            keymap = _keymap(loaded, value, path)
        elif isinstance(value, dict):
            if not any(known.startswith(f"{key}.") for known in KNOWN):
                loaded.problems.append(f"{path}: unknown section [{key}]{_near(key, _sections(), 'sections')}")
                continue
            for name, inner in value.items():
                _take(loaded, f"{key}.{name}", inner, "file", f"{path}: ")
        else:
            _take(loaded, key, value, "file", f"{path}: ")
    loaded.settings = replace(loaded.settings, keymap=keymap)


def _keymap(loaded: Loaded, value: object, path: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        loaded.problems.append(f'{path}: [keymap] should be a table, such as "home.new_run" = "N".')
        return {}
    kept: dict[str, str] = {}
    for name, keys in _flat(value):
        if isinstance(keys, str):
            kept[name] = keys
        else:
            loaded.problems.append(
                f'{path}: keymap {name} = {keys!r} should be keys in quotes, such as "ctrl+r" or "P".'
            )
    return kept


def _flat(table: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """`home.new_run = "N"` without quotes is a table in a table: it means the same."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found


def _sections() -> list[str]:
    return [*dict.fromkeys(key.partition(".")[0] for key in KNOWN if "." in key), "keymap"]


def _near(wrong: str, known: list[str], what: str = "") -> str:
    from difflib import get_close_matches  # only where something is wrong: it takes a millisecond of each start

    near = get_close_matches(wrong, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; {what + ' ' if what else ''}known are {', '.join(known)}."


def _take(loaded: Loaded, key: str, value: object, source: Source, where: str) -> None:
    known = KNOWN.get(key)
    if known is None:
        loaded.problems.append(f"{where}unknown key {key!r}{_near(key, list(KNOWN))}")
        return
    try:
        loaded.settings = with_value(loaded.settings, known, checked(known, value))
        loaded.sources[key] = source
    except ValueError as error:
        loaded.problems.append(f"{where}{error}")


def checked(known: Known, value: object) -> str | bool:
    """Return `value` as the setting takes it. Raises ValueError in words."""
    said = f"{known.key} = {value!r} should be"
    if isinstance(known.default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{said} true or false.")
        return value
    if isinstance(value, bool) and known.key == "terminal.ascii":
        value = "yes" if value else "no"
    if not isinstance(value, str):
        raise ValueError(f"{said} text in quotes.")
    if known.choices and value not in known.choices:
        raise ValueError(f"{said} one of {', '.join(known.choices)}.")
    return value


def with_value(settings: Settings, known: Known, value: str | bool) -> Settings:
    """The settings with another value of one of them."""
    values: dict[str, Any] = {known.name: value}
    return replace(settings, **values)


def value_of(known: Known, text: str) -> str | bool:
    """A value as one types it, or as it stands in the environment. Raises ValueError in words."""
    value: object = text.strip()
    if isinstance(known.default, bool):
        value = _WORDS.get(str(value).lower(), value)
    return checked(known, value)


def variable(key: str) -> str:
    """The variable of the environment for a key: LUTHIER_CHART__AXIS for chart.axis."""
    return _PREFIX + key.replace(".", "__").upper()


def _take_environment(loaded: Loaded, environment: Mapping[str, str]) -> None:
    by_name = {variable(key): known for key, known in KNOWN.items()}
    keymap = dict(loaded.settings.keymap)
    for name, text in sorted(environment.items()):
        if not name.startswith(_PREFIX) or (name not in by_name and "__" not in name):
            continue
        known = by_name.get(name)
        if known is not None:
            try:
                loaded.settings = with_value(loaded.settings, known, value_of(known, text))
                loaded.sources[known.key] = "environment"
            except ValueError as error:
                loaded.problems.append(f"${name}: {error}")
        elif name.startswith(f"{_PREFIX}KEYMAP__"):
            keymap[name.removeprefix(f"{_PREFIX}KEYMAP__").lower().replace("_", ".", 1)] = text
        else:
            loaded.problems.append(f"${name} is no setting{_near(name, list(by_name))}")
    loaded.settings = replace(loaded.settings, keymap=keymap)
