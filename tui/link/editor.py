"""Editing a text in the user's editor, while the screens stand aside."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

_EDITORS = ("VISUAL", "EDITOR")


def edited(app: App[Any], name: str, text: str) -> tuple[str | None, str]:
    """Let the user edit `text` in $VISUAL or $EDITOR. Return what was saved, None where nothing was, and what went wrong.

    The text is the user's own and goes into the file as it is: it is no screen that shows it. `name` ends the file's name, so
    that the editor knows what it is.
    """
    wanted = next((os.environ[key] for key in _EDITORS if os.environ.get(key)), "vi")
    try:
        command = shlex.split(wanted)
    except ValueError:
        return None, f"The editor {wanted!r} cannot be started: a quote in it is never closed."
    fd, path = tempfile.mkstemp(prefix="luthier-", suffix=f"-{name}")
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        with app.suspend():
            done = subprocess.run([*command, path], check=False)
        if done.returncode:
            return None, f"The editor {command[0]!r} ended with code {done.returncode}; nothing is changed."
        found = Path(path).read_text("utf-8")
    except SuspendNotSupported:
        return None, "This terminal cannot be handed to another program."
    except UnicodeDecodeError:
        return None, "What the editor saved is no UTF-8 text; nothing is changed."
    except OSError as error:
        problem = f"The editor {command[0]!r} cannot be started: {error.strerror or error}."
        return None, f"{problem} Set EDITOR to one that is there."
    finally:
        Path(path).unlink(missing_ok=True)
    return (found if found != text else None), ""
