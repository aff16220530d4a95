"""What is trained: low-rank adapters beside a frozen base, or every weight. And how it is written to disk."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError, RunError

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def make_trainable(base: nn.Module, run: RunFile) -> nn.Module:
    """Return the model to train: `base` with adapters, or with every weight thawed. Seeded by train.seed.

    Raises ModelError when no layer fits lora.target_modules.
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
    )
    try:
        model: nn.Module = get_peft_model(base, config)
    except ValueError as error:
        linear = sorted({n.rpartition(".")[2] for n, m in base.named_modules() if isinstance(m, nn.Linear)})
        raise ModelError(
            f"lora.target_modules = {lora.target_modules!r} cannot be used on this model: {str(error).splitlines()[0]} "
            f"Its linear layers are {', '.join(linear) or '(none)'}."
        ) from error
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
    from peft import get_peft_model_state_dict

    config: Any = copy.deepcopy(model.peft_config["default"])  # type: ignore[index]
    config.inference_mode = True
    if isinstance(config.target_modules, set):
        config.target_modules = sorted(config.target_modules)  # a set would give another file each time
    config.save_pretrained(folder)
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    save_file({k: v.detach().contiguous().cpu() for k, v in state.items()}, folder / ADAPTER_WEIGHTS)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Read back what `save_weights` wrote. Raises RunError when names or shapes do not match."""
    if is_adapter(model):
        from peft import set_peft_model_state_dict

        result = set_peft_model_state_dict(model, load_file(folder / ADAPTER_WEIGHTS))
        missing = [k for k in result.missing_keys if "lora_" in k]
    else:
        state: dict[str, torch.Tensor] = {}
        for file in sorted(folder.glob("*.safetensors")):
            state |= load_file(file)
        result = model.load_state_dict(state, strict=False)
        tied = {n for n, p in model.named_parameters(remove_duplicate=False)} - {n for n, p in model.named_parameters()}
        missing = [k for k in result.missing_keys if k not in tied]
    if missing or result.unexpected_keys:
        raise RunError(
            f"The checkpoint in {folder} does not fit this model: {len(missing)} weights missing, "
            f"{len(result.unexpected_keys)} unknown. Was the run file changed?"
        )


def copy_tokenizer(source: Path, target: Path) -> None:
    """Put the tokenizer's files beside a trained model, as they are."""
    for name in (
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "merges.txt",
        "chat_template.jinja",
    ):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
