"""The trash of a runs folder: `<runs>/.trash/`, on the same disk, so that a run goes there and back in one move.

Nothing in it is listed or read by anybody. A name in the trash is not given to a new run, so each can come back.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.errors import RunError
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.ticket import CLAIMED, is_queued, ticket_lock

TRASH_FOLDER = ".trash"


def trash_folder(runs: Path) -> Path:
    """Where deleted runs lie."""
    return runs / TRASH_FOLDER


def discard(run_dir: Path) -> Path:
    """Move a run to the trash; return where it is now. One that waits in the queue leaves the queue.

    Raises RunError for a run that lives, or when it cannot be moved.
    """
    directory = RunDir(run_dir)
    if is_queued(directory):
        with ticket_lock(run_dir.parent):
            return to_trash(directory)
    return to_trash(directory)


def to_trash(run_dir: RunDir) -> Path:
    """As `discard`, for one who holds the lock of the tickets."""
    if is_held(run_dir.lock) or (run_dir.path / CLAIMED).exists():
        raise RunError(f"{run_dir.name} is running, and is not deleted. Stop it first: `luthier stop {run_dir.name}`.")
    if not run_dir.config.is_file():
        raise RunError(f"{run_dir.path} is no run directory: it holds no run.toml. Nothing was deleted.")
    trash = trash_folder(run_dir.path.parent)
    target = trash / run_dir.name
    try:
        trash.mkdir(mode=0o700, exist_ok=True)
        number = 1
        while target.exists():
            number += 1
            target = trash / f"{run_dir.name}~{number}"
        os.rename(run_dir.path, target)
    except OSError as error:
        raise RunError(f"{run_dir.name} cannot be moved to {trash}: {error.strerror}.") from error
    return target


def in_trash(runs: Path) -> list[RunDir]:
    """The runs in the trash, the newest deleted first."""
    trash = trash_folder(runs)
    if not trash.is_dir():
        return []
    found = [RunDir(path) for path in trash.iterdir() if (path / "run.toml").is_file()]
    return sorted(found, key=lambda run: run.path.stat().st_ctime, reverse=True)


def restore(runs: Path, name: str) -> RunDir:
    """Bring a run back from the trash, by its name or the start of one only.

    One that had waited in the queue waits again, with its ticket: the caller has to see to the keeper.
    Raises RunError when there is none of that name, or when its place is taken.
    """
    there = in_trash(runs)
    found = [run for run in there if run.name == name] or [run for run in there if name and run.name.startswith(name)]
    if len(found) != 1:
        said = f"{name!r} fits {len(found)} runs" if found else f"There is no {name!r}"
        known = ", ".join(run.name for run in (found or there)[:6])
        raise RunError(f"{said} in the trash of {runs}. " + (f"There are: {known}." if known else "It is empty."))
    source = found[0].path
    target = runs / source.name.partition("~")[0]
    try:
        if target.exists():
            raise RunError(f"{target.name} is there already; rename or delete that one first.")
        os.rename(source, target)
    except OSError as error:
        raise RunError(f"{name} cannot be moved back to {target}: {error.strerror}.") from error
    return RunDir(target)


def empty_trash(runs: Path) -> tuple[int, int]:
    """Remove for good what is in the trash; return how many runs and bytes that were. Raises RunError."""
    found = in_trash(runs)
    size = sum(size_of(run.path) for run in found)
    try:
        for run in found:
            shutil.rmtree(run.path)
    except OSError as error:
        raise RunError(f"{error.filename} cannot be removed: {error.strerror}.") from error
    return len(found), size


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; those that vanish meanwhile are passed over."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size
            except OSError:
                continue
    return total
