"""Layers that are trained whole beside the adapters (peft's modules_to_save).

Invariant: they are trained in float32, and compute what they will compute when the saved adapter is loaded on a base of the same
type: weights tied in the base stay one weight, and each product uses the weight rounded to the base's type.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def keep_in_float32(model: nn.Module, dtype: torch.dtype) -> None:
    """Give the whole layers of a peft model whose base computes in `dtype` weights in float32.

    An update of a weight in bfloat16 is lost where it is smaller than 1/256 of the weight, which most are.
    """
    if dtype == torch.float32:
        return
    masters: dict[int, nn.Parameter] = {}
    for wrapper in _wrappers(model):
        for layer in wrapper.modules_to_save.values():
            for name, weight in list(layer.named_parameters(recurse=False)):
                master = masters.setdefault(id(weight), nn.Parameter(weight.detach().float()))
                setattr(layer, name, master)
            _compute_in(layer, dtype)


def _wrappers(model: nn.Module) -> list[Any]:
    from peft.utils.other import ModulesToSaveWrapper

    return [module for module in model.modules() if isinstance(module, ModulesToSaveWrapper)]


def _compute_in(layer: nn.Module, dtype: torch.dtype) -> None:
    """Let `layer` multiply in `dtype` and give `dtype`, whatever its weights are kept in."""
    forward = layer.forward

    def rounded(*args: Any, **keys: Any) -> Any:
        with torch.autocast(next(layer.parameters()).device.type, dtype=dtype):
            out = forward(*args, **keys)
        return out.to(dtype)

    layer.forward = rounded
