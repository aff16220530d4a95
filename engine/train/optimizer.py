"""The optimiser, and its state as plain tensors."""

from __future__ import annotations

import torch
from torch import nn

from engine.config.train import TrainSection
from engine.errors import RunError


def make_optimizer(model: nn.Module, train: TrainSection) -> torch.optim.AdamW:
    """AdamW in one fused kernel over the trainable weights; weight decay on matrices only."""
    weights = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.ndim >= 2], "weight_decay": train.weight_decay},
        {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
    ]
    betas = (train.betas[0], train.betas[1])
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=train.learning_rate, betas=betas, fused=True)


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Name -> weight, of what is trained."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as "name/key" -> tensor on the CPU."""
    out: dict[str, torch.Tensor] = {}
    for name, parameter in trainable(model).items():
        for key, value in optimizer.state.get(parameter, {}).items():
            out[f"{name}/{key}"] = value.detach().cpu().contiguous()
    return out


def restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` gave. Raises RunError when it belongs to other weights."""
    weights = trainable(model)
    for key, tensor in tensors.items():
        name, _, field = key.rpartition("/")
        if name not in weights:
            raise RunError(f"The checkpoint holds optimiser state of {name!r}, which this run does not train.")
        weight = weights[name]
        optimizer.state[weight][field] = tensor.to(weight.device)
