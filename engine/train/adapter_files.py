"""An adapter as tensors with names, and as a folder that peft loads: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from engine.train.earlier import WEIGHTS
from engine.train.starts import ADAPTER


def adapter_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What is trained, under the names of an adapter's file: low-rank matrices, rows of new tokens, whole layers.

    Never an embedding that is not trained, which peft would add by itself where it has grown.
    """
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach() for name, tensor in state.items()}


def set_adapter_state(model: nn.Module, state: dict[str, torch.Tensor]) -> list[str]:
    """Put back what `adapter_state` gave; return the names that the model does not know."""
    from peft import set_peft_model_state_dict

    return list(set_peft_model_state_dict(model, state).unexpected_keys)


def misfits(wanted: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> tuple[list[str], list[str]]:
    """(names that are missing or of another shape, names that are unknown) in `state`, where `wanted` should be."""
    missing = [name for name, tensor in wanted.items() if name not in state or state[name].shape != tensor.shape]
    return missing, [name for name in state if name not in wanted]


def plain_config(model: nn.Module) -> Any:
    """The config of an adapter that is loaded, not begun: no way of beginning, names in order."""
    config: Any = copy.deepcopy(model.peft_config[ADAPTER])  # type: ignore[index]
    config.inference_mode = True
    config.init_lora_weights = True
    for name in ("target_modules", "modules_to_save", "exclude_modules"):
        if isinstance(getattr(config, name), set):
            setattr(config, name, sorted(getattr(config, name)))  # a set would give another file each time
    return config


def write_adapter(config: Any, state: dict[str, torch.Tensor], folder: Path) -> None:
    """Write an adapter folder; a weight with two names is written under both."""
    config.save_pretrained(folder)
    tensors: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in state.items():
        value = tensor.contiguous().cpu()
        tensors[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    save_file(tensors, folder / WEIGHTS)
