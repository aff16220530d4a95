"""Checkpoints that are whole or not there.

Written into a temporary folder, each file synced, a manifest with sizes and SHA-256 last, then renamed and the parent
synced: a kill at any instant leaves the older checkpoint untouched. Loading verifies the manifest and walks back to the
newest one that is whole. Safetensors and JSON only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ResourceError

MANIFEST = "manifest.json"
STATE = "state.json"
OPTIMIZER = "optimizer.safetensors"
RANDOM = "random.safetensors"
WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class SavedCheckpoint:
    """A checkpoint on disk that was found whole."""

    path: Path
    step: int
    bytes: int

    def state(self) -> dict[str, Any]:
        """The JSON state that was saved with it."""
        loaded: dict[str, Any] = json.loads((self.path / STATE).read_text())
        return loaded


def folder_of(parent: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return parent / f"step-{step:08d}"


def write(parent: Path, step: int, state: dict[str, Any], fill: Callable[[Path], None]) -> SavedCheckpoint:
    """Write the checkpoint of `step`: `fill(folder)` puts the tensors in, `state` is saved as JSON beside them.

    A whole checkpoint of the same step is the same and is left alone, a torn one is replaced.
    Raises ResourceError when the disk is full.
    """
    there = verify(folder_of(parent, step))
    if there is not None:
        return there
    parent.mkdir(parents=True, exist_ok=True)
    temporary = parent / f"tmp-{step}-{secrets.token_hex(4)}"
    try:
        temporary.mkdir()
        fill(temporary)
        (temporary / STATE).write_text(json.dumps({**state, "step": step}))
        files = {str(p.relative_to(temporary)): _describe(p) for p in sorted(temporary.rglob("*")) if p.is_file()}
        manifest = temporary / MANIFEST
        manifest.write_text(json.dumps({"step": step, "files": files}, indent=1))
        _sync(manifest)
        for folder in [p for p in temporary.rglob("*") if p.is_dir()] + [temporary]:
            _sync(folder)
        target = folder_of(parent, step)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        _sync(parent)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if disk_is_full(error):
            free = shutil.disk_usage(parent).free / (1 << 30)
            raise ResourceError(
                f"No space left for the checkpoint of step {step} in {parent} ({free:.2f} GiB free). Older checkpoints "
                "are untouched. Make room, then `luthier resume`."
            ) from error
        raise
    return SavedCheckpoint(target, step, sum(entry["bytes"] for entry in files.values()))


def disk_is_full(error: BaseException) -> bool:
    """Whether an error means that the disk or the quota is used up; safetensors has errors of its own for it."""
    number = error.errno if isinstance(error, OSError) else None
    return number in (28, 122) or "os error 28" in str(error) or "os error 122" in str(error)


def verify(path: Path) -> SavedCheckpoint | None:
    """Return the checkpoint in `path` when every file is there with its size and hash, else None."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        files: dict[str, dict[str, Any]] = manifest["files"]
        step = int(manifest["step"])
        for name, entry in files.items():
            file = path / name
            if file.stat().st_size != entry["bytes"] or _sha256(file) != entry["sha256"]:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return SavedCheckpoint(path, step, sum(int(entry["bytes"]) for entry in files.values()))


def newest(parent: Path) -> SavedCheckpoint | None:
    """Return the newest whole checkpoint; torn ones are passed over."""
    for path in sorted(parent.glob("step-*"), reverse=True):
        found = verify(path)
        if found is not None:
            return found
    return None


def prune(parent: Path, keep: int, current: SavedCheckpoint, best: int | None = None) -> None:
    """Keep `current` and the newest before it, `keep` in all, and that of step `best` beside them.

    The rest is removed, and what a killed writer left behind. What claims to be newer than `current` is torn: loading walked
    past it.
    """
    beside = None if best is None else folder_of(parent, best)
    folders = [path for path in sorted(parent.glob("step-*")) if path != beside]
    kept = [path for path in folders if path <= current.path][-keep:]
    for path in [*(path for path in folders if path not in kept), *parent.glob("tmp-*")]:
        shutil.rmtree(path, ignore_errors=True)


def _describe(file: Path) -> dict[str, Any]:
    _sync(file)
    return {"bytes": file.stat().st_size, "sha256": _sha256(file)}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
