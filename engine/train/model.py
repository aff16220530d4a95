"""The base model: loaded from safetensors, quantised if asked, and its modes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.config.lora import QuantizationSection
from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.train.device import GIB


def weights_dtype(quantization: QuantizationSection, device: torch.device) -> torch.dtype:
    """Type of the weights that are not quantised, and of the computation."""
    if quantization.bits == 32:
        return torch.float32
    if quantization.bits == 16:
        return torch.bfloat16
    if quantization.compute_dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[quantization.compute_dtype]


def load_base(folder: Path, run: RunFile, device: torch.device) -> nn.Module:
    """Return the causal language model in a checked folder, on `device`, quantised as the run file says.

    Raises ModelError when transformers cannot load it.
    """
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = weights_dtype(run.quantization, device)
    extra: dict[str, Any] = {}
    if run.quantization.bits == 4:
        extra["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=run.quantization.type,
            bnb_4bit_use_double_quant=run.quantization.double,
            bnb_4bit_compute_dtype=dtype,
        )
    try:
        model: nn.Module = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation=run.model.attention,
            trust_remote_code=run.model.trust_remote_code,
            device_map={"": device},
            use_safetensors=True,
            local_files_only=True,
            **extra,
        )
    except (ValueError, OSError, KeyError, ImportError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        cure = ' Set model.attention = "eager".' if "attention implementation" in str(error) else ""
        raise ModelError(f"transformers cannot load the model in {folder}: {first}{cure}") from error
    return model


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off and no gradients, for the time of the block.

    Frozen 4-bit layers stay in training mode: they hold no dropout, and in evaluation mode bitsandbytes repacks their
    weights for AVX-512 on a CPU, which fails for widths that are no multiple of its block, and undoes nothing.
    """
    was_training = model.training
    model.eval()
    for module in model.modules():
        if type(module).__module__.startswith("bitsandbytes."):
            module.training = True
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def quantization_name(quantization: QuantizationSection) -> str:
    """How the base is kept, for people: "NF4 double", "bfloat16"."""
    if quantization.bits == 4:
        return quantization.type.upper() + (" double" if quantization.double else "")
    return {16: "bfloat16", 32: "float32"}[quantization.bits]


def footprint_gib(model: nn.Module) -> float:
    """Bytes of all parameters and buffers, in GiB."""
    tensors = [*model.parameters(), *model.buffers()]
    return sum(t.numel() * t.element_size() for t in tensors) / GIB


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """(all, trainable) parameters; a 4-bit weight holds two in each byte."""
    total = trainable = 0
    for parameter in model.parameters():
        packed = type(parameter).__name__ == "Params4bit"
        count = parameter.numel() * (2 * parameter.element_size() if packed else 1)
        total += count
        trainable += count if parameter.requires_grad else 0
    return total, trainable
