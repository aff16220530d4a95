"""Training an earlier adapter further (lora.start_from): its config, and its weights in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safetensors.torch import load_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.train.adapter_files import adapter_state, misfits, set_adapter_state
from engine.train.earlier import WEIGHTS, Earlier, read_earlier
from engine.train.embeddings import token_modules
from engine.train.targets import whole_layers


def earlier_config(base: nn.Module, run: RunFile, rows: Sequence[int]) -> tuple[Any, list[str]]:
    """(peft.LoraConfig, full names of the layers that are trained whole) of the adapter that lora.start_from names.

    Dropout and new tokens are this run's. Raises ModelError when its rows of new tokens are others.
    """
    from peft import LoraConfig

    assert run.lora.start_from is not None
    earlier = read_earlier(run.lora.start_from)
    config = LoraConfig.from_pretrained(str(earlier.folder))
    config.inference_mode = False
    config.init_lora_weights = True
    config.lora_dropout = run.lora.dropout
    whole = whole_layers(base, earlier.save_modules)
    wanted = token_modules(base, rows, earlier.targets, whole) if rows else {}
    if earlier.rows and earlier.rows != wanted:
        raise ModelError(
            f"The adapter in {earlier.folder} has trained rows of new tokens ({_told(earlier.rows)}), and this run makes others "
            f"({_told(wanted)}). Choose the template and the model.new_tokens that it was trained with."
        )
    config.trainable_token_indices = wanted or None
    return config, whole


def _told(rows: dict[str, list[int]]) -> str:
    return "; ".join(f"{layer}: {', '.join(map(str, ids[:8]))}" for layer, ids in rows.items()) or "none"


def load_earlier(model: nn.Module, folder: str) -> Earlier:
    """Load the weights of an earlier adapter into a peft model that was made with its config.

    Rows of new tokens that it does not have begin as they are in the base. Raises ModelError when names or shapes do not match.
    """
    earlier = read_earlier(folder)
    wanted = adapter_state(model)
    begin = {} if earlier.rows else {name: tensor for name, tensor in wanted.items() if "token_adapter" in name}
    state = begin | {name: tensor.float() for name, tensor in load_file(earlier.folder / WEIGHTS).items()}
    missing, unknown = misfits(wanted, state)
    if missing or unknown:
        raise ModelError(
            f"The adapter in {earlier.folder} does not fit this model: {len(missing)} of its weights are missing or of another "
            f"shape, {len(unknown)} are unknown, the first is {(missing or unknown)[0]}. Name the base that it was trained on in "
            "model.path."
        )
    set_adapter_state(model, state)
    return earlier
