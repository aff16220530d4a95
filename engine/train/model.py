"""The base model: loaded from safetensors, quantised if asked, and its modes."""

from __future__ import annotations

import logging
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
from engine.train.oom import is_out_of_memory

LOADED_WITH = {"auto": None, "varlen": "sdpa", "sdpa": "sdpa", "eager": "eager"}
"""model.attention -> the name by which transformers is asked; None takes SDPA where the architecture has it."""


def weights_dtype(quantization: QuantizationSection, device: torch.device) -> torch.dtype:
    """Type of the weights that are not quantised, and of the computation."""
    if quantization.bits == 32:
        return torch.float32
    if quantization.bits == 16:
        return torch.bfloat16
    if quantization.compute_dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[quantization.compute_dtype]


def autocast_of(run: RunFile, device: torch.device) -> torch.dtype | None:
    """The type that products are computed in where it is not that of the weights (mixed precision); None where it is.

    Only float32 weights have another one. On a CPU torch.autocast has the same rules as on a GPU.
    """
    if run.quantization.bits == 32 and run.quantization.compute_dtype == "bfloat16":
        return torch.bfloat16
    return None


def load_base(folder: Path, run: RunFile, device: torch.device) -> nn.Module:
    """Return the causal language model in a checked folder, on `device`, quantised as the run file says.

    Raises ModelError when transformers cannot load it.
    """
    from transformers import AutoModelForCausalLM

    dtype = weights_dtype(run.quantization, device)
    extra: dict[str, Any] = {}
    if run.quantization.bits in (4, 8):
        extra["quantization_config"] = bitsandbytes_config(run.quantization, dtype)
    try:
        model: nn.Module = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation=LOADED_WITH[run.model.attention],
            trust_remote_code=run.model.trust_remote_code,
            device_map={"": device},
            use_safetensors=True,
            local_files_only=True,
            **extra,
        )
    except (ValueError, OSError, KeyError, ImportError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise unusable(f"transformers cannot load the model in {folder}", run, error) from error
    if run.quantization.bits < 16 and device.type == "cpu":
        _leave_file(model)
    return model


def unusable(what: str, run: RunFile, error: Exception) -> ModelError:
    """The error for `what` transformers could not do with a model: its first line, or what to set."""
    if "attention implementation" in str(error):
        return ModelError(
            f"{what}: model.attention = {run.model.attention!r} is not there for this architecture. "
            'Set model.attention to "auto" or "eager".'
        )
    return ModelError(f"{what}: {(str(error).strip().splitlines() or [type(error).__name__])[0]}")


def _leave_file(model: nn.Module) -> None:
    """Copy what is not quantised out of the file of the weights, which would stay mapped as a whole for it."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.clone()


def bitsandbytes_config(quantization: QuantizationSection, dtype: torch.dtype) -> Any:
    """How transformers is to quantise a base to 4 or 8 bits that computes in `dtype`; a transformers.BitsAndBytesConfig.

    The embedding and the output layer stay in `dtype`.
    """
    from transformers import BitsAndBytesConfig

    if quantization.bits == 8:
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(
            logging.ERROR
        )  # one line per layer and pass, else
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=quantization.type,
        bnb_4bit_use_double_quant=quantization.double,
        bnb_4bit_compute_dtype=dtype,
    )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off and no gradients, for the time of the block.

    Frozen quantised layers stay in training mode, in which they hold no dropout. In evaluation mode bitsandbytes repacks 4-bit
    weights for AVX-512 on a CPU, which fails for widths that are no multiple of its block, and undoes nothing; and 8-bit layers
    would round their inputs on a CPU as they do not in training, so that the two losses would not compare.
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
    """How the base is kept, for people: "NF4 double", "LLM.int8", "bfloat16", "float32, multiplied in bfloat16"."""
    if quantization.bits == 4:
        return quantization.type.upper() + (" double" if quantization.double else "")
    mixed = ", multiplied in bfloat16" if quantization.compute_dtype == "bfloat16" else ""
    return {8: "LLM.int8", 16: "bfloat16", 32: f"float32{mixed}"}[quantization.bits]


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
