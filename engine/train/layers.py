"""The repeated layers of a model: which are computed again in the backward pass, which are compiled, which kernels they use.

Invariant: none of it changes what a step computes, beyond the order of floating-point sums.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.train.adapters import causal_lm
from engine.train.fused import fuse_lora
from engine.train.norms import fuse_norms


def layers_of(model: nn.Module) -> list[Any]:
    """The repeated layers of a causal language model, in order; empty where the architecture does not name them."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [module for module in causal_lm(model).modules() if isinstance(module, GradientCheckpointingLayer)]


def checkpoint_layers(model: nn.Module, count: int) -> int:
    """Keep the input of `count` layers only and compute what is within them again in the backward pass; of the others keep all.

    The first ones are chosen: what they keep would lie longest. Returns how many it are; 0 gives all up.
    """
    layers = layers_of(model)
    again = functools.partial(checkpoint, use_reentrant=False)
    for number, layer in enumerate(layers):
        layer.gradient_checkpointing = number < count
        layer._gradient_checkpointing_func = again
    return min(count, len(layers))


def prepare_layers(model: nn.Module, run: RunFile, device: torch.device, checkpointed: int) -> int:
    """Do what the run file says about layers: `checkpointed` of them are computed again, all are compiled or use Liger's kernels.
    Norms are fused, and adapters with what they stand beside.

    Returns how many layers are computed again. Raises ModelError where the model has no layers that can be, or where kernels or
    a compiler are not there.
    """
    layers = layers_of(model)
    if run.train.gradient_checkpointing is True and not layers:
        raise ModelError(
            f"{type(causal_lm(model)).__name__} does not name its layers, so their activations cannot be computed again. "
            "Set train.gradient_checkpointing = false."
        )
    if run.model.liger:
        use_liger(causal_lm(model), device)
    fuse_norms(model)
    fuse_lora(model)
    count = checkpoint_layers(model, checkpointed)
    if run.train.compile:
        compile_layers(layers, type(causal_lm(model)).__name__)
    return count


def compile_layers(layers: list[Any], architecture: str) -> None:
    """Compile each layer for itself, for any batch size and width. Raises ModelError where there is nothing to compile."""
    if not layers:
        raise ModelError(
            f"{architecture} does not name its layers, so they cannot be compiled. Set train.compile = false."
        )
    torch._dynamo.config.cache_size_limit = max(64, torch._dynamo.config.cache_size_limit)
    for layer in layers:
        layer.compile(dynamic=True)


def use_liger(model: Any, device: torch.device) -> None:
    """Replace norms, rotary positions and gated MLPs of `model` by Liger's kernels. Raises ModelError where that cannot be."""
    if device.type != "cuda":
        raise ModelError("model.liger = true needs an NVIDIA GPU, and this run is on the CPU. Set it to false.")
    try:
        from liger_kernel.transformers.monkey_patch import (
            MODEL_TYPE_TO_APPLY_LIGER_FN,
            _apply_liger_kernel_to_instance,
        )
    except ImportError as error:
        raise ModelError(
            "model.liger = true needs liger-kernel: `pip install luthier[liger]`, or set it to false."
        ) from error
    kind = model.config.get_text_config().model_type
    if kind not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise ModelError(f"Liger has no kernels for models of type {kind!r}. Set model.liger = false.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _apply_liger_kernel_to_instance(model=model, cross_entropy=False, fused_linear_cross_entropy=False)
