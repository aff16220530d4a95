"""Where things live: runs, settings, themes of the user, the starter. XDG through platformdirs.

Runs do not depend on the folder one happens to stand in: the next morning `luthier` shows them from anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "luthier"
RUNS_VARIABLE = "LUTHIER_RUNS_DIR"
CONFIG_VARIABLE = "LUTHIER_CONFIG"
"""Names another file of settings."""


def config_dir() -> Path:
    """Folder of `settings.toml` and of the user's `themes/`."""
    return Path(platformdirs.user_config_dir(APP))


def settings_file() -> Path:
    """The file of the settings: what $LUTHIER_CONFIG names, else the one in the configuration folder."""
    chosen = os.environ.get(CONFIG_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else config_dir() / "settings.toml"


def data_dir() -> Path:
    """Folder of runs and of the starter."""
    return Path(platformdirs.user_data_dir(APP))


def state_dir() -> Path:
    """Folder of what is remembered between sittings and is no setting: recent files, typed commands, the trace of a crash."""
    return Path(platformdirs.user_state_dir(APP))


def cache_dir() -> Path:
    """Folder of what can be made anew at any time, and of the log of the engine service."""
    return Path(platformdirs.user_cache_dir(APP))


def runs_dir(chosen: Path | None = None) -> Path:
    """The folder of runs: what was chosen by flag, else $LUTHIER_RUNS_DIR, else under the data folder."""
    if chosen is not None:
        return chosen.expanduser().absolute()
    from_environment = os.environ.get(RUNS_VARIABLE)
    return Path(from_environment).expanduser().absolute() if from_environment else data_dir() / "runs"


def starter_dir(chosen: Path | None = None) -> Path:
    """The folder of the offline starter: its corpus, tokenizer, models, run files and the story of the demo."""
    return chosen.expanduser().absolute() if chosen is not None else data_dir() / "starter"


class RunDir:
    """The names of the files of one run. Owns no state."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.config = path / "run.toml"
        """The resolved run file: every key with its value."""
        self.journal = path / "events.jsonl"
        self.commands = path / "commands.jsonl"
        self.lock = path / "run.lock"
        self.log = path / "worker.log"
        """What the worker and its libraries printed."""
        self.checkpoints = path / "checkpoints"
        self.adapter = path / "adapter"
        """The finished adapter (or, for a full fine-tune, `model`)."""
        self.model = path / "model"
