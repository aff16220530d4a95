"""`luthier paths`: every place that Luthier reads or writes, whether something is there, and what of the environment moves it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.cli import console
from engine.runs import paths as known
from engine.runs.ticket import queue_folder
from engine.runs.trash import trash_folder

_WIDTH = 12


def places(folder: Path | None = None) -> dict[str, Path]:
    """Every place by its name."""
    runs = known.runs_dir(folder)
    return {
        "config": known.config_dir(),
        "settings": known.settings_file(),
        "themes": known.config_dir() / "themes",
        "runs": runs,
        "queue": queue_folder(runs),
        "trash": trash_folder(runs),
        "data": known.data_dir(),
        "starter": known.starter_dir(),
        "state": known.state_dir(),
        "recent data": known.state_dir() / "recent.json",
        "recent runs": known.state_dir() / "recent-runs.json",
        "commands": known.state_dir() / "commands",
        "clipboard": known.state_dir() / "clipboard.txt",
        "crash log": known.state_dir() / "crash.log",
        "cache": known.cache_dir(),
        "service log": known.cache_dir() / "service.log",
    }


def variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of the environment that are Luthier's own or move its folders."""
    found = os.environ if environment is None else environment
    moving = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    return {name: found[name] for name in sorted(found) if name.startswith("LUTHIER_") or name in moving}


def paths(folder: Path | None, as_json: bool) -> None:
    """Print them."""
    found = places(folder)
    if as_json:
        there = {name: path.exists() for name, path in found.items()}
        says = {name: str(path) for name, path in found.items()}
        console.json_line({**says, "exists": there, "environment": variables()})
        return
    for name, path in found.items():
        console.data(f"{name:<{_WIDTH}} {'' if path.exists() else '(not there) '}{path}")
    for name, value in variables().items():
        console.data(f"{'set':<{_WIDTH}} {name}={value}")
