"""A linear layer with its low-rank adapter as one step of autograd.

peft computes x W, then (x A) B, scales, copies and adds, each with a tensor as large as the output. Here the adapter's part is
added in place, the input is kept once, and a 4-bit weight is dequantised once more in the backward pass. Behind a gated MLP
not even the input is kept: silu(gate) * up is computed again from its two factors. The weights are still peft's: it saves,
loads and merges them, and layers that do anything else (DoRA, dropout, 8 bits) stay its own.
Shapes: M tokens, I inputs, O outputs, R rank.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from engine.train.model import evaluating


class _LoraLinear(torch.autograd.Function):
    """out_MO = x_MI W_OI.T + bias_O + scale * (x_MI A_RI.T) B_OR.T; gradients of x, A and B.

    With `up_MI` the input is silu(x_MI) * up_MI.
    """

    @staticmethod
    def forward(
        ctx: Any, x_MI: Tensor, up_MI: Tensor | None, a_RI: Tensor, b_OR: Tensor, base: nn.Module, scale: float
    ) -> Tensor:
        input_MI = x_MI if up_MI is None else F.silu(x_MI).mul_(up_MI)
        a, b = a_RI.to(x_MI.dtype), b_OR.to(x_MI.dtype)
        bias = getattr(base, "bias", None)
        weight_OI = _weight(base, x_MI.dtype)
        out_MO = input_MI @ weight_OI.t() if bias is None else torch.addmm(bias.to(x_MI.dtype), input_MI, weight_OI.t())
        low_MR = input_MI @ a.t()
        out_MO.addmm_(low_MR, b.t(), alpha=scale)
        ctx.save_for_backward(x_MI, up_MI, low_MR, a_RI, b_OR)
        ctx.base, ctx.scale = base, scale
        return out_MO

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x_MI, up_MI, low_MR, a_RI, b_OR = ctx.saved_tensors
        g_MO = gradients[0]
        a, b = a_RI.to(g_MO.dtype), b_OR.to(g_MO.dtype)
        g_MR = (g_MO @ b).mul_(ctx.scale)
        grad_b = (g_MO.t() @ low_MR).mul_(ctx.scale).to(b_OR.dtype)
        silu_MI = None if up_MI is None else F.silu(x_MI)
        grad_a = (g_MR.t() @ (x_MI if silu_MI is None else silu_MI * up_MI)).to(a_RI.dtype)
        if not any(ctx.needs_input_grad[:2]):
            return None, None, grad_a, grad_b, None, None
        grad_input = g_MO @ _weight(ctx.base, g_MO.dtype)
        grad_input.addmm_(g_MR, a)
        if silu_MI is None:
            return grad_input, None, grad_a, grad_b, None, None
        grad_up = silu_MI.mul_(grad_input)
        grad_gate = torch.ops.aten.silu_backward(grad_input.mul_(up_MI), x_MI)
        return grad_gate, grad_up, grad_a, grad_b, None, None


def _weight(base: Any, dtype: torch.dtype) -> Tensor:
    """The weight of a linear layer, [O, I], dequantised."""
    state = getattr(base.weight, "quant_state", None)
    if state is None:
        return base.weight.to(dtype)  # type: ignore[no-any-return]
    import bitsandbytes.functional as bnb

    weight: Tensor = bnb.dequantize_4bit(base.weight.data, state)
    return weight.to(dtype)


def _forward(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """What a fused layer computes; peft's own where its adapter is off, merged, or mixed precision is on."""
    if args or kwargs or not _in_force(layer, x):
        return type(layer).forward(layer, x, *args, **kwargs)  # type: ignore[no-any-return]
    return _apply(layer, x, None)


def _gated_forward(mlp: Any, x: Tensor) -> Tensor:
    """What a fused MLP computes: down(silu(gate(x)) * up(x))."""
    if not _in_force(mlp.down_proj, x):
        return type(mlp).forward(mlp, x)  # type: ignore[no-any-return]
    return _apply(mlp.down_proj, mlp.gate_proj(x), mlp.up_proj(x))


def _in_force(layer: Any, x: Tensor) -> bool:
    """Whether the adapter of `layer` has its part in the output for `x`; not where it was merged and taken away."""
    if not hasattr(layer, "lora_A"):
        return False
    return not (layer.disable_adapters or layer.merged or torch.is_autocast_enabled(x.device.type))


def _apply(layer: Any, x: Tensor, up: Tensor | None) -> Tensor:
    name = layer.active_adapters[0]
    flat: Tensor = _LoraLinear.apply(  # type: ignore[no-untyped-call]
        x.reshape(-1, x.shape[-1]),
        None if up is None else up.reshape(-1, up.shape[-1]),
        layer.lora_A[name].weight,
        layer.lora_B[name].weight,
        layer.base_layer,
        layer.scaling[name],
    )
    return flat.view(*x.shape[:-1], flat.shape[-1])


def fuse_lora(model: nn.Module) -> int:
    """Let every layer of `model` that can be compute itself and its adapter in one step; return how many do."""
    from peft.tuners.lora.layer import LoraLayer

    fused = set()
    for module in model.modules():
        if isinstance(module, LoraLayer) and isinstance(module, nn.Module) and _fits(module):
            module.forward = MethodType(_forward, module)
            fused.add(module)
    with evaluating(model):
        for module in model.modules():
            if getattr(module, "down_proj", None) in fused and _is_gated(module):
                module.forward = MethodType(_gated_forward, module)
    return len(fused)


def _is_gated(mlp: Any) -> bool:
    """Whether a module is down(silu(gate(x)) * up(x)) and nothing else: by its parts, and by what it computes."""
    parts = dict(mlp.named_children())
    if set(parts) != {"gate_proj", "up_proj", "down_proj", "act_fn"} or "forward" in vars(mlp):
        return False
    base = mlp.gate_proj
    weight = next(base.parameters())
    x = torch.linspace(-1, 1, 2 * base.in_features, device=weight.device).view(2, -1)
    x = x.to(mlp.down_proj.base_layer.weight.dtype if weight.is_floating_point() else torch.float32)
    theirs, ours = type(mlp).forward(mlp, x), _gated_forward(mlp, x)
    return bool((theirs - ours).norm() <= 1e-2 * theirs.norm())


def _fits(layer: Any) -> bool:
    """Whether a layer is linear, in 4, 16 or 32 bits, with one plain adapter without dropout, bias or variant."""
    import bitsandbytes as bnb

    base = layer.base_layer
    if not (type(base) is nn.Linear or isinstance(base, bnb.nn.Linear4bit)) or layer.fan_in_fan_out:
        return False
    if len(layer.active_adapters) != 1:
        return False
    name = layer.active_adapters[0]
    return (
        name in layer.lora_A
        and name not in layer.lora_variant
        and isinstance(layer.lora_dropout[name], nn.Identity)
        and layer.lora_B[name].bias is None
        and not any(p.requires_grad for p in base.parameters())
    )
