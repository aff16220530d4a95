"""The user's settings: one small TOML file, read strictly and written whole.

`settings.toml` in the configuration folder. An unknown key or a wrong value is a message and the default is used; a
write never leaves half a file.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from engine.runs.paths import config_dir


@dataclass(frozen=True)
class Settings:
    """What is remembered between sittings."""

    theme: str = ""
    """Name of the theme; empty for the default."""


def settings_path() -> Path:
    """The file of the settings."""
    return config_dir() / "settings.toml"


def load() -> tuple[Settings, list[str]]:
    """Return the settings and one sentence for each thing in the file that was not used."""
    path = settings_path()
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings(), []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Settings(), [f"The settings in {path} were not read: {error}"]
    known = {field.name: field for field in fields(Settings)}
    problems: list[str] = []
    values: dict[str, str] = {}
    for key, value in data.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}."
            problems.append(f"{path}: unknown key {key!r}{hint}")
        elif not isinstance(value, str):
            problems.append(f"{path}: {key} = {value!r} should be text in quotes.")
        else:
            values[key] = value
    return Settings(**values), problems


def save(settings: Settings) -> None:
    """Write the settings in one move, keeping keys this version does not know.

    Raises OSError when it cannot be written, ValueError when the file that is there cannot be read as TOML.
    """
    import tomli_w

    path = settings_path()
    there = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(tomli_w.dumps({**there, **asdict(settings)}).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
