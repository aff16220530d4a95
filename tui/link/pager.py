"""Showing a long text in the user's pager, while the screens stand aside."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from engine.text import visible


def show_in_pager(app: App[Any], name: str, text: str) -> str:
    """Show `text` in $PAGER, made harmless: control characters are visible stand-ins. Return what went wrong, if anything."""
    wanted = os.environ.get("PAGER", "")
    try:
        command = shlex.split(wanted) or ["less"]
    except ValueError:
        return f"The pager {wanted!r} cannot be started: a quote in it is never closed."
    fd, path = tempfile.mkstemp(prefix=f"luthier-{name}-", suffix=".txt")
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(visible(text) + "\n")
        with app.suspend():
            done = subprocess.run([*command, path], check=False)
    except SuspendNotSupported:
        return "This terminal cannot be handed to another program."
    except OSError as error:
        return f"The pager {command[0]!r} cannot be started: {error.strerror or error}. Set PAGER to one that is there."
    finally:
        Path(path).unlink(missing_ok=True)
    return f"The pager {command[0]!r} ended with code {done.returncode}." if done.returncode else ""
