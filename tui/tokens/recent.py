"""The run files that were looked at last: `recent-runs.json` in the folder of states, newest first.

It is a convenience: a file that cannot be read or written is passed over in silence, and nothing else depends on it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from engine.runs.paths import config_dir, state_dir

MOST = 12
_decoder = msgspec.json.Decoder(list[str])


def recent_path() -> Path:
    """The file."""
    return state_dir() / "recent-runs.json"


def load() -> list[str]:
    """Paths of run files that are still there, newest first."""
    try:
        path = recent_path()
        found = _decoder.decode((path if path.exists() else config_dir() / path.name).read_bytes())  # where it once was
    except (OSError, msgspec.DecodeError):
        return []
    return [path for path in found if os.path.isfile(path)][:MOST]


def remember(file: str) -> None:
    """Put a run file in front."""
    path = recent_path()
    kept = [file, *(other for other in load() if other != file)][:MOST]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=".recent-runs-")
    except OSError:
        return
    try:
        with os.fdopen(fd, "wb") as target:
            target.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
