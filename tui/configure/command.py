"""A draft as a command line: `luthier train FILE --set key=value`, quoted for a shell.

Invariant: what the command starts is what the draft says. Where that cannot be said with `--set`, `CannotSayError` tells why.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.field_values import toml
from engine.errors import LuthierError
from engine.runs.paths import runs_dir as usual_runs_dir
from tui.configure.form_state import FormState
from tui.configure.places import at, option

_PATHS = ("path", "chat_template", "held_out", "start_from")


class CannotSayError(LuthierError):
    """A change that no option of a command line can make."""


def as_option(key: str, value: Any) -> str:
    """One `--set key=value`, quoted for a shell; of a key without a value the option that says so little."""
    return f"--set {shlex.quote(option(key) + '=' + (toml(value) if value is not None else ''))}"


def overrides(form: FormState) -> list[str]:
    """The unwritten changes of a form as values of `--set`. Raises CannotSayError."""
    found = []
    for key, value in form.draft.changes.items():
        field = form.fields.get(key)
        if value is None:
            value = field.default if field is not None else None
        if value is None or value == {} or isinstance(value, dict):
            raise CannotSayError(f"{key} is {'taken out' if value is None else 'a table'}: that can only be written.")
        found.append(f"{option(key)}={toml(_anchored(form, key, value))}")
    return found


def _anchored(form: FormState, key: str, value: Any) -> Any:
    """A path as it is looked up: `--set` would look beside the command, the draft looks beside its file."""
    if not isinstance(value, str) or key.rpartition(".")[2] not in _PATHS:
        return value
    run = form.checked.run
    found = at(run.model_dump(), key) if run is not None else None
    return found if isinstance(found, str) else value


def train_command(file: Path, values: Sequence[str], runs_dir: Path, device: str = "") -> str:
    """The command that starts a run and comes back at once, quoted for a shell."""
    parts = ["luthier", "train", os.path.abspath(file)]
    for value in values:
        parts += ["--set", value]
    parts += ["--device", device] if device else []
    parts += ["--runs-dir", str(runs_dir)] if runs_dir != usual_runs_dir() else []
    return shlex.join([*parts, "--detach"])
