"""Experts that stay large: what bitsandbytes leaves as it is in a mixture-of-experts model.

Since version 5, transformers keeps the experts of a layer in one tensor of shape [E, out, in] instead of E linear layers.
bitsandbytes quantises linear layers only, so these tensors, most of such a model, stay in the type of the computation, and no
adapter of linear layers reaches them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from engine.train.device import GIB


@dataclass(frozen=True, slots=True)
class Experts:
    """The weights of experts that are not quantised."""

    names: tuple[str, ...]
    """Full names of the tensors."""
    parameters: int
    bytes: int
    """What they take on the device."""
    share: float
    """Of all parameters of the model, from 0 to 1."""

    def sentence(self) -> str:
        """What to tell the user about a base of 4 or 8 bits."""
        return (
            f"this is a mixture of experts, whose {len(self.names)} fused expert tensors ({self.parameters:,} parameters, "
            f"{100 * self.share:.0f} % of the model) bitsandbytes does not quantise: they take {self.bytes / GIB:.2f} GiB"
        )

    hint: ClassVar[str] = (
        "They stay frozen in the type of the computation, and adapters are on the other layers only. A device without that much "
        "memory needs a dense model."
    )


def unquantised_experts(model: nn.Module, dtype: torch.dtype | None = None) -> Experts | None:
    """The fused experts of `model` that are no quantised tensors; None where there are none.

    Works on a model on the `meta` device too; `dtype` is then the type that its weights will have. Parameters of linear layers,
    embeddings, norms and convolutions are no fused experts, and neither is a router.
    """
    names: list[str] = []
    parameters = size = total = 0
    for path, module in model.named_modules():
        for name, weight in module.named_parameters(recurse=False):
            total += _count(weight)
            full = f"{path}.{name}" if path else name
            if not _is_fused_expert(full, module, weight):
                continue
            names.append(full)
            parameters += weight.numel()
            size += weight.numel() * (dtype or weight.dtype).itemsize
    return Experts(tuple(names), parameters, size, parameters / total) if names else None


def _is_fused_expert(name: str, module: nn.Module, weight: nn.Parameter) -> bool:
    from transformers.pytorch_utils import Conv1D

    if (
        isinstance(module, nn.Linear | nn.Embedding | Conv1D | nn.modules.conv._ConvNd)
        or not weight.is_floating_point()
    ):
        return False
    return weight.ndim == 3 or (weight.ndim == 2 and "expert" in name.lower())


def _count(weight: nn.Parameter) -> int:
    return weight.numel() * (2 * weight.element_size() if type(weight).__name__ == "Params4bit" else 1)
