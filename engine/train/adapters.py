"""What is trained: low-rank adapters beside a frozen base, or every weight. And how it is written to disk."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError, RunError
from engine.train.embeddings import check_token_modules, is_tied, token_modules

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def make_trainable(base: nn.Module, run: RunFile, rows: Sequence[int] = ()) -> nn.Module:
    """Return the model to train: `base` with adapters, or with every weight thawed. Seeded by train.seed.

    `rows` are the rows of new tokens, which are trained beside the adapters: these rows, never the whole embedding.
    Raises ModelError when no layer fits lora.target_modules, or when the architecture cannot train rows alone.
    """
    torch.manual_seed(run.train.seed)
    if run.train.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})  # type: ignore[operator]
    if run.train.method == "full":
        base.requires_grad_(True)
        return base
    from peft import LoraConfig, get_peft_model

    base.requires_grad_(False)
    lora = run.lora
    alpha = int(lora.alpha) if float(lora.alpha).is_integer() else lora.alpha
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        bias="none",
        task_type="CAUSAL_LM",
        trainable_token_indices=token_modules(base, rows, lora.target_modules) if rows else None,
    )
    tied = bool(rows) and is_tied(base)
    try:
        model: nn.Module = get_peft_model(base, config)
    except ValueError as error:
        linear = sorted({n.rpartition(".")[2] for n, m in base.named_modules() if isinstance(m, nn.Linear)})
        raise ModelError(
            f"lora.target_modules = {lora.target_modules!r} cannot be used on this model: {str(error).splitlines()[0]} "
            f"Its linear layers are {', '.join(linear) or '(none)'}."
        ) from error
    if rows:
        check_token_modules(causal_lm(model), tied)
    return model


def causal_lm(model: nn.Module) -> Any:
    """The transformers model inside, without peft's wrapper. Its adapters stay in place."""
    from peft import PeftModel

    return model.get_base_model() if isinstance(model, PeftModel) else model


def is_adapter(model: nn.Module) -> bool:
    """Whether only adapters are trained."""
    from peft import PeftModel

    return isinstance(model, PeftModel)


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write what was trained: an adapter folder that plain peft loads, or a model folder for plain transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    if not is_adapter(model):
        model.save_pretrained(folder)  # type: ignore[operator]
        return
    config: Any = copy.deepcopy(model.peft_config["default"])  # type: ignore[index]
    config.inference_mode = True
    if isinstance(config.target_modules, set):
        config.target_modules = sorted(config.target_modules)  # a set would give another file each time
    config.save_pretrained(folder)
    save_file({k: v.contiguous().cpu() for k, v in _adapter_state(model).items()}, folder / ADAPTER_WEIGHTS)


def _adapter_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What is trained, under the names of an adapter's file: low-rank matrices, and rows of new tokens.

    Never the embedding as a whole, which peft would add by itself where it has grown.
    """
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach() for name, tensor in state.items()}


def load_weights(model: nn.Module, folder: Path) -> None:
    """Read back what `save_weights` wrote. Raises RunError when names or shapes do not match."""
    if is_adapter(model):
        state = load_file(folder / ADAPTER_WEIGHTS)
        wanted = _adapter_state(model)
        missing = [k for k, v in wanted.items() if k not in state or state[k].shape != v.shape]
        unknown = [k for k in state if k not in wanted]
        if not missing and not unknown:
            from peft import set_peft_model_state_dict

            unknown = list(set_peft_model_state_dict(model, state).unexpected_keys)
    else:
        state = {}
        for file in sorted(folder.glob("*.safetensors")):
            state |= load_file(file)
        result = model.load_state_dict(state, strict=False)
        tied = {n for n, p in model.named_parameters(remove_duplicate=False)} - {n for n, p in model.named_parameters()}
        missing = [k for k in result.missing_keys if k not in tied]
        unknown = list(result.unexpected_keys)
    if missing or unknown:
        raise RunError(
            f"The checkpoint in {folder} does not fit this model: {len(missing)} weights missing, "
            f"{len(unknown)} unknown. Was the run file changed?"
        )
