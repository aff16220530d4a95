"""Copying text where a terminal program can: OSC 52 to the terminal, and tmux's own buffer inside tmux."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import Any

from textual.app import App

_TMUX_S = 2.0


async def copy(app: App[Any], text: str) -> str:
    """Copy `text`; return in words where it went. A terminal never says whether it took it."""
    app.copy_to_clipboard(text)
    if os.environ.get("TMUX") and await _to_tmux(text):
        return "Sent to the terminal's clipboard (OSC 52) and to the tmux buffer."
    return "Sent to the terminal's clipboard (OSC 52)."


async def _to_tmux(text: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await asyncio.wait_for(process.communicate(text.encode()), _TMUX_S)
    except (OSError, TimeoutError):
        return False
    return process.returncode == 0
