"""Cross-entropy through an output layer, in chunks, so that no tensor of vocabulary width exists for a whole batch.

Where the output layer is frozen, the gradient is written out by hand: softmax minus one at the target, times the weight, is
computed with the loss, chunk by chunk; nothing of vocabulary width is kept and nothing computed twice.
Shapes: N supervised tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK_ELEMENTS = {"cpu": 1 << 24, "cuda": 1 << 26}
"""Logits that exist at once: 64 MiB in float32; on a GPU 256 MiB, which keep it busy."""


@dataclass(frozen=True, slots=True)
class Logits:
    """What an architecture does to the output of its last layer: logits = cap * tanh(scale * x / cap), or scale * x."""

    scale: float = 1.0
    cap: float | None = None

    def change_(self, logits_NV: Tensor) -> Tensor:
        """Change logits in place, and return them."""
        if self.scale != 1.0:
            logits_NV.mul_(self.scale)
        if self.cap is not None:
            logits_NV.div_(self.cap).tanh_().mul_(self.cap)
        return logits_NV

    def changed(self, logits_NV: Tensor) -> Tensor:
        """The same, with its graph."""
        scaled = logits_NV * self.scale if self.scale != 1.0 else logits_NV
        return scaled if self.cap is None else self.cap * torch.tanh(scaled / self.cap)

    def slope_(self, gradient_NV: Tensor, logits_NV: Tensor) -> Tensor:
        """Take a gradient with respect to changed logits back to those before, in place."""
        if self.cap is not None:
            gradient_NV.mul_(1 - (logits_NV / self.cap).square_())
        return gradient_NV.mul_(self.scale) if self.scale != 1.0 else gradient_NV


def chunk_rows(vocabulary: int, device: torch.device) -> int:
    """Supervised tokens of one chunk."""
    return max(1, CHUNK_ELEMENTS.get(device.type, CHUNK_ELEMENTS["cuda"]) // vocabulary)


class _FrozenHead(torch.autograd.Function):
    """Summed cross-entropy of the logits hidden_ND @ weight_VD.T + bias_V, with the gradient of hidden_ND computed beside it."""

    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, targets_N: Tensor, logits: Logits
    ) -> Tensor:
        gradient_ND = torch.empty_like(hidden_ND) if hidden_ND.requires_grad else None
        total = torch.zeros((), dtype=torch.float32, device=hidden_ND.device)
        rows = chunk_rows(len(weight_VD), hidden_ND.device)
        for start in range(0, len(hidden_ND), rows):
            part = slice(start, start + rows)
            out = None if gradient_ND is None else gradient_ND[part]
            total += _chunk_loss(hidden_ND[part], weight_VD, bias_V, targets_N[part, None], logits, out)
        ctx.save_for_backward(gradient_ND)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        (gradient_ND,) = ctx.saved_tensors
        return gradient_ND * gradients[0].to(gradient_ND.dtype), None, None, None, None


def _chunk_loss(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    bias_V: Tensor | None,
    target_N1: Tensor,
    logits: Logits,
    gradient_ND: Tensor | None,
) -> Tensor:
    """Summed cross-entropy of one chunk; its gradient is written into `gradient_ND` where there is one."""
    z_NV = logits.change_(F.linear(hidden_ND, weight_VD, bias_V).float())
    norm_N1 = z_NV.logsumexp(dim=1, keepdim=True)
    loss = (norm_N1 - z_NV.gather(1, target_N1)).sum()
    if gradient_ND is not None:  # softmax, less one at the target
        slope_NV = z_NV.sub_(norm_N1).exp_() if logits.cap is None else (z_NV - norm_N1).exp_()
        slope_NV.scatter_add_(1, target_N1, torch.full_like(norm_N1, -1.0))
        torch.mm(logits.slope_(slope_NV, z_NV).to(weight_VD.dtype), weight_VD, out=gradient_ND)
    return loss


def frozen_loss(head: Any, hidden_ND: Tensor, targets_N: Tensor, logits: Logits) -> Tensor:
    """Summed cross-entropy of the targets through an output layer that is not trained; a float32 scalar with its graph.

    `head` has a plain weight of shape [V, D], and may have a bias of shape [V].
    """
    weight_VD, bias_V = head.weight, getattr(head, "bias", None)
    if hidden_ND.dtype != weight_VD.dtype:
        hidden_ND = hidden_ND.to(weight_VD.dtype)
    total: Tensor = _FrozenHead.apply(hidden_ND, weight_VD, bias_V, targets_N, logits)  # type: ignore[no-untyped-call]
    return total


def trained_loss(
    head: Callable[[Tensor], Tensor], hidden_ND: Tensor, targets_N: Tensor, logits: Logits, vocabulary: int
) -> Tensor:
    """The same through an output layer that is trained, or quantised: each chunk is computed again in the backward pass."""

    def chunk(hidden: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits.changed(head(hidden).float()), targets, reduction="sum")

    rows = chunk_rows(vocabulary, hidden_ND.device)
    if len(targets_N) <= rows:
        return chunk(hidden_ND, targets_N)
    total = torch.zeros((), dtype=torch.float32, device=hidden_ND.device)
    for hidden, targets in zip(torch.split(hidden_ND, rows), torch.split(targets_N, rows), strict=True):
        total = total + checkpoint(chunk, hidden, targets, use_reentrant=False)
    return total
