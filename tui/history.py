"""The lines that were typed behind the colon: `commands` in the folder of states, newest last.

A convenience: a file that cannot be read or written is passed over in silence.
"""

from __future__ import annotations

from pathlib import Path

from engine.runs.paths import state_dir

MOST = 200


def history_path() -> Path:
    """The file."""
    return state_dir() / "commands"


def load() -> list[str]:
    """The lines, oldest first."""
    try:
        text = history_path().read_text("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.isprintable() and line][-MOST:]


def add(line: str) -> None:
    """Put a line at the end; the same line further up goes."""
    lines = [other for other in load() if other != line]
    try:
        history_path().parent.mkdir(parents=True, exist_ok=True)
        history_path().write_text("\n".join([*lines, line][-MOST:]) + "\n", "utf-8", "replace")
    except OSError:
        return
