"""What a run file must still say when a run goes on: all that decides its numbers.

Imports nothing of torch, so that a change is refused before a worker is started.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.errors import RunError
from engine.train.checkpoint import STATE

FREE = {
    "keep", "eval_every", "save_every", "early_stopping", "result", "memory_limit", "batch_size", "grad_accumulation",
    "gradient_checkpointing",
}  # fmt: skip
"""Keys of [train] that may change on a resume: how often a run is looked at, when it ends, which weights it leaves, and how a
global batch is cut for the memory."""
GLOBAL_BATCH = "train.batch_size x train.grad_accumulation"
SHOWN = 4


def settings_of(run: RunFile) -> dict[str, Any]:
    """Everything that decides the numbers of a run: dotted key -> value; `FREE`, [eval] and [track] do not.

    Keys that have their default value are left out, so that a key that a later version adds does not make another run of it.
    """
    decisive = run.model_dump(
        mode="json", exclude={"name": True, "eval": True, "track": True, "train": FREE}, exclude_defaults=True
    )
    return {**dict(_flat(decisive)), GLOBAL_BATCH: run.train.batch_size * run.train.grad_accumulation}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _flat(below, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, below in enumerate(value):
            yield from _flat(below, f"{key}[{number}]")
    else:
        yield key, value


def require_same_run(state: dict[str, Any], run: RunFile, file: Path) -> None:
    """Raises RunError when the run file says something else than when the checkpoint with this state was written."""
    before = state.get("settings")
    if not isinstance(before, dict):
        raise RunError(
            "The newest checkpoint was written by an older version, which this one cannot go on from. Start a new run."
        )
    now = settings_of(run)
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        shown = "; ".join(f"{key} was {_value(before, key)} and is {_value(now, key)}" for key in changed[:SHOWN])
        more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise RunError(
            f"{file} was changed after step {state['step']}, so the run would go on as another one: {shown}{more}. Undo that, or "
            "start a new run. What may change: train.batch_size and train.grad_accumulation at the same product, "
            f"{', '.join(sorted(FREE - {'batch_size', 'grad_accumulation'}))}, [eval] and [track]."
        )


def _value(settings: dict[str, Any], key: str) -> str:
    return json.dumps(settings[key]) if key in settings else "the default"


def newest_state(checkpoints: Path) -> dict[str, Any] | None:
    """The state in the newest checkpoint folder, unverified; None where there is none that can be read."""
    for path in sorted(checkpoints.glob("step-*"), reverse=True):
        try:
            state: dict[str, Any] = json.loads((path / STATE).read_text())
        except (OSError, ValueError):
            continue
        return state
    return None
