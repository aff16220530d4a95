"""The sources that were opened last: `recent.json` in the folder of states, newest first.

It is a convenience: a file that cannot be read or written is passed over in silence, and nothing else depends on it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from engine.runs.paths import config_dir, state_dir

MOST = 20
_KEPT = ("path", "preset", "subset", "revision", "split", "format", "columns", "text_unit", "assistant")
"""Keys of `[[data]]` that are remembered: how the file is read, not what one does with it."""

_decoder = msgspec.json.Decoder(list[dict[str, Any]])


def recent_path() -> Path:
    """The file."""
    return state_dir() / "recent.json"


def load() -> list[dict[str, Any]]:
    """What was opened last, as `[[data]]` tables, newest first."""
    try:
        path = recent_path()
        found = _decoder.decode((path if path.exists() else config_dir() / path.name).read_bytes())  # where it once was
    except (OSError, msgspec.DecodeError):
        return []
    return [section for section in found if place_of(section)][:MOST]


def place_of(section: dict[str, Any]) -> str:
    """Path or preset of a table, where it is a text."""
    place = section.get("path") or section.get("preset")
    return place if isinstance(place, str) else ""


def remember(section: dict[str, Any]) -> None:
    """Put a table in front."""
    kept = {key: section[key] for key in _KEPT if section.get(key)}
    if kept.get("format") == "auto":
        del kept["format"]
    same = (place_of(kept), kept.get("subset"))
    others = [other for other in load() if (place_of(other), other.get("subset")) != same]
    path = recent_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=".recent-")
    except OSError:
        return
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode([kept, *others][:MOST]), indent=1))
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
