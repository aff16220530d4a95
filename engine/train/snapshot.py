"""Everything the next step depends on, as the files of a checkpoint: weights, optimiser, random state.

Invariant: `put_back` after `fill` gives the same next step, on a CPU to the last bit.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import RunError
from engine.train.adapters import load_weights, save_weights
from engine.train.checkpoint import OPTIMIZER, RANDOM, WEIGHTS, SavedCheckpoint
from engine.train.optimizer import optimizer_tensors, restore_optimizer

FREE = {
    "keep", "eval_every", "save_every", "early_stopping", "result", "memory_limit", "batch_size", "grad_accumulation",
    "gradient_checkpointing",
}  # fmt: skip
"""Keys of [train] that may change on a resume: how often a run is looked at, when it ends, which weights it leaves, and how a
global batch is cut for the memory."""


def fill(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Write the tensors of a checkpoint into `folder`."""
    save_weights(model, folder / WEIGHTS)
    save_file(optimizer_tensors(model, optimizer), folder / OPTIMIZER)
    save_file(random_states(device), folder / RANDOM)


def put_back(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Read what `fill` wrote. Raises RunError when it belongs to other weights."""
    load_weights(model, folder / WEIGHTS)
    restore_optimizer(model, optimizer, load_file(folder / OPTIMIZER))
    set_random_states(load_file(folder / RANDOM), device)


def random_states(device: torch.device) -> dict[str, torch.Tensor]:
    """What dropout draws from: "cpu", and "cuda" where the model is there."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Draw again what was drawn after `random_states`."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


def settings_digest(run: RunFile) -> str:
    """Twelve hex digits over everything that decides the numbers of a run; `FREE` and [eval] do not.

    Keys that have their default value are left out, so that a key that a later version adds does not make another run of it.
    """
    decisive = run.model_dump_json(exclude={"name": True, "eval": True, "train": FREE}, exclude_defaults=True)
    decisive += f" {run.train.batch_size * run.train.grad_accumulation}"
    return hashlib.blake2b(decisive.encode(), digest_size=6).hexdigest()


def require_same_run(saved: SavedCheckpoint, run: RunFile, folder: Path) -> None:
    """Raises RunError when the run file in `folder` says something else than when `saved` was written."""
    state = saved.state()
    if "best" not in state:
        raise RunError(
            f"{saved.path} was written by an older version, which this one cannot go on from. Start a new run."
        )
    if state["settings"] != settings_digest(run):
        raise RunError(
            f"The run file {folder / 'run.toml'} was changed after step {saved.step}, so the run would go on as another one. "
            "Undo the change, or start a new run."
        )
