"""The optimiser, and its state as plain tensors.

Invariant: what `optimizer_tensors` gives and `restore_optimizer` puts back is the whole state, bit for bit. The learning
rate is no part of it: `set_rate` gives it anew at every step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import RunError
from engine.train.adapters import learns_faster

ADAMW_BETAS = (0.9, 0.999)
LION_BETAS = (0.9, 0.99)
"""Chen et al. 2023, arXiv 2302.06675, section 5."""

ADAFACTOR_EPS = (1e-15, 1.0)
"""With 1 as the second, an update of torch's Adafactor is as long as the learning rate says (root mean square over a weight),
as with AdamW. The paper's 1e-3 makes it relative to the weight, and the B matrices of adapters, which start at zero, would
learn a thousand times too slowly. The first is the least root mean square of a gradient; its square must be a float32."""

CODE_BOOKS = ("qmap1", "qmap2")
"""What bitsandbytes decodes 8-bit state with: one table for all weights of an optimiser."""


def make_optimizer(model: nn.Module, run: RunFile, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of `run.train` over the trainable weights; weight decay on matrices only.

    With `lora.plus_ratio` the B matrices are groups of their own (LoRA+, Hayou et al. 2024, arXiv 2402.12354). Paged state
    exists on a GPU only: on a CPU the same optimiser is not paged. 8-bit state is for weights of 4,096 elements and more.
    """
    train = run.train
    groups, rate = _groups(model, run), train.learning_rate
    if train.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=_betas(run, ADAMW_BETAS), fused=True)
    if train.optimizer == "adafactor":
        return torch.optim.Adafactor(groups, lr=rate, eps=ADAFACTOR_EPS)
    from bitsandbytes import optim

    bits = 8 if train.optimizer.endswith("8bit") else 32
    made: torch.optim.Optimizer
    if train.optimizer.startswith("lion"):
        made = optim.Lion(groups, lr=rate, betas=_betas(run, LION_BETAS), optim_bits=bits)
    else:
        paged = is_paged(run) and device.type == "cuda"
        made = optim.AdamW(groups, lr=rate, betas=_betas(run, ADAMW_BETAS), optim_bits=bits, is_paged=paged)
    return made


def is_paged(run: RunFile) -> bool:
    """Whether the run file asks for an optimiser whose state can leave the GPU."""
    return run.train.optimizer.startswith("paged")


def _betas(run: RunFile, usual: tuple[float, float]) -> tuple[float, float]:
    given = run.train.betas
    return usual if given is None else (given[0], given[1])


def _groups(model: nn.Module, run: RunFile) -> list[dict[str, Any]]:
    """Parameter groups: with and without weight decay, at the schedule's pace and at `lora.plus_ratio` times it."""
    ratio = run.lora.plus_ratio
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in trainable(model).items():
        decay = run.train.weight_decay if weight.ndim >= 2 else 0.0
        pace = ratio if ratio != 1 and learns_faster(name) else 1.0
        found.setdefault((pace, decay), []).append(weight)
    return [{"params": weights, "weight_decay": decay, "pace": pace} for (pace, decay), weights in found.items()]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the schedule's learning rate, times the pace of the group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["pace"]


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Name -> weight, of what is trained."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as "name/key" -> tensor on the CPU; whole numbers as int64, code books once, without a name."""
    out: dict[str, torch.Tensor] = {}
    for name, parameter in trainable(model).items():
        for key, value in optimizer.state.get(parameter, {}).items():
            place = f"/{key}" if key in CODE_BOOKS else f"{name}/{key}"
            if isinstance(value, torch.Tensor):
                out[place] = value.detach().cpu().contiguous()
            else:
                out[place] = torch.tensor(int(value), dtype=torch.int64)
    return out


def restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` gave. Raises RunError when it belongs to other weights."""
    weights = trainable(model)
    books: dict[str, torch.Tensor] = {}
    for key, tensor in tensors.items():
        name, _, field = key.rpartition("/")
        if not name:
            books[field] = tensor
        elif name not in weights:
            raise RunError(f"The checkpoint holds optimiser state of {name!r}, which this run does not train.")
        else:
            optimizer.state[weights[name]][field] = _placed(optimizer, weights[name], field, tensor)
    for field, table in books.items():
        coded = field.replace("qmap", "state")
        here: dict[torch.device, torch.Tensor] = {}
        for weight in weights.values():
            state = optimizer.state.get(weight, {})
            if coded in state and state[coded].dtype == torch.uint8:
                state[field] = here.setdefault(weight.device, table.to(weight.device))


def _placed(optimizer: Any, weight: nn.Parameter, field: str, tensor: torch.Tensor) -> torch.Tensor | int:
    """A value of the state as this optimiser keeps it: a number, paged memory, or a tensor on the right device."""
    if tensor.dtype == torch.int64 and tensor.ndim == 0:
        return int(tensor)
    if field.startswith("state") and getattr(optimizer, "is_paged", False):
        buffer: torch.Tensor = optimizer.get_state_buffer(weight, dtype=tensor.dtype)
        return buffer.copy_(tensor)
    if field == "step" and not optimizer.defaults.get("fused"):
        return tensor  # torch counts on the CPU, unless one kernel does it all
    return tensor.to(weight.device)
