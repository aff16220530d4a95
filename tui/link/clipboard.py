"""Copying text where a terminal program can: OSC 52 to the terminal, tmux's own buffer inside tmux, and a file.

A terminal never says whether it took a text, and many take none, or none that is long: the file is always written, and the
words that are returned say where the text went. Invariant: what is told was done.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App

from engine.runs.paths import state_dir

_TMUX_S = 2.0
MOST_OSC52 = 74_994
"""Bytes: of a longer text its Base64 goes over the 100,000 that xterm and tmux take."""


def clipboard_path() -> Path:
    """The file with what was copied last."""
    return state_dir() / "clipboard.txt"


async def copy(app: App[Any], text: str) -> str:
    """Copy `text`; return in words where it went."""
    size = len(text.encode("utf-8", "surrogatepass"))
    ways: list[str] = []
    if size <= MOST_OSC52:
        app.copy_to_clipboard(text)
        ways.append("the terminal's clipboard (OSC 52)")
    if os.environ.get("TMUX") and await _to_tmux(text):
        ways.append("the tmux buffer")
    file = _to_file(text)
    if not ways:
        long = f"Too long for the terminal's clipboard ({size:,} bytes)"
        return f"{long}: it is in {file}." if file else f"{long}, and no file could be written: nothing was copied."
    return f"Sent to {' and to '.join(ways)}{f'; also in {file}' if file else ''}."


async def _to_tmux(text: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), _TMUX_S)
    except (OSError, TimeoutError):
        return False
    return process.returncode == 0


def _to_file(text: str) -> str:
    """Write the file, for the user's eyes only; return where it is, "" where it could not be written."""
    path = clipboard_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=".clipboard-")
    except OSError:
        return ""
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        return ""
    home, shown = str(Path.home()), str(path)
    return f"~{shown.removeprefix(home)}" if shown.startswith(f"{home}/") else shown
