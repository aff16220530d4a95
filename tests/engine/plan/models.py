"""Model folders with config.json, and weights where they are asked for, and run files for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile


def llama(folder: Path, weights: bool = False, **changes: Any) -> Path:
    """A small Llama whose inner width is no multiple of 64, so that the last block of a weight is not full."""
    from transformers import LlamaConfig

    settings = {
        "vocab_size": 320,
        "hidden_size": 64,
        "intermediate_size": 172,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
    }
    return write(folder, LlamaConfig(**{**settings, **changes}), weights)


def write(folder: Path, config: Any, weights: bool = False) -> Path:
    """Write a folder for `config` and return it."""
    if not weights:
        from transformers import AutoModelForCausalLM

        config.architectures = [AutoModelForCausalLM._model_mapping[type(config)].__name__]
        config.save_pretrained(folder)
        return folder
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def run_of(folder: Path, **sections: Any) -> RunFile:
    """A run file for a model folder."""
    return RunFile.model_validate(
        {"name": "r", "model": {"path": str(folder)}, "data": [{"path": "d.jsonl"}], **sections}
    )
