"""Everything the next step depends on, as the files of a checkpoint: weights, optimiser, random state.

Invariant: `put_back` after `fill` gives the same next step, on a CPU to the last bit.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.train.adapters import load_weights, save_weights
from engine.train.checkpoint import OPTIMIZER, RANDOM, WEIGHTS
from engine.train.optimizer import optimizer_tensors, restore_optimizer


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
