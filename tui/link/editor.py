"""Editing a file or a text in the user's editor, while the screens stand aside."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

_EDITORS = ("VISUAL", "EDITOR")


def edit_file(app: App[Any], path: Path) -> str:
    """Let the user edit a file in $VISUAL or $EDITOR; return what went wrong, "" where nothing did."""
    wanted = next((os.environ[key] for key in _EDITORS if os.environ.get(key)), "vi")
    try:
        command = shlex.split(wanted)
    except ValueError:
        return f"The editor {wanted!r} cannot be started: a quote in it is never closed."
    try:
        with app.suspend():
            done = subprocess.run([*command, str(path)], check=False)
    except SuspendNotSupported:
        return "This terminal cannot be handed to another program."
    except OSError as error:
        problem = f"The editor {command[0]!r} cannot be started: {error.strerror or error}."
        return f"{problem} Set EDITOR to one that is there."
    return f"The editor {command[0]!r} ended with code {done.returncode}." if done.returncode else ""


def edited(app: App[Any], name: str, text: str) -> tuple[str | None, str]:
    """Let the user edit `text` in $VISUAL or $EDITOR. Return what was saved, None where nothing was, and what went wrong.

    The text is the user's own and goes into the file as it is: it is no screen that shows it. `name` ends the file's name, so
    that the editor knows what it is.
    """
    fd, name = tempfile.mkstemp(prefix="luthier-", suffix=f"-{name}")
    path = Path(name)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        if problem := edit_file(app, path):
            return None, f"{problem} Nothing is changed."
        found = path.read_text("utf-8")
    except UnicodeDecodeError:
        return None, "What the editor saved is no UTF-8 text; nothing is changed."
    except OSError as error:
        return None, f"What the editor saved cannot be read: {error.strerror or error}. Nothing is changed."
    finally:
        path.unlink(missing_ok=True)
    return (found if found != text else None), ""
