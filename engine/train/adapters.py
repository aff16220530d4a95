"""What is trained: low-rank adapters beside a frozen base, or every weight. And how it is written to disk.

Invariant: what is trained is float32, whatever the base is kept in. `save_weights` and `load_weights` keep every bit for a run
that goes on; `save_result` leaves what plain peft loads on the untouched base.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError, RunError
from engine.train.adapter_files import adapter_state, misfits, plain_config, set_adapter_state, write_adapter
from engine.train.earlier import WEIGHTS
from engine.train.embeddings import check_token_modules, is_tied, token_modules
from engine.train.going_on import earlier_config, load_earlier
from engine.train.starts import ADAPTER, move_start, plain_factors, start_of
from engine.train.targets import (
    linear_layers,
    name_linear_layers,
    refuse_experts,
    refuse_no_length,
    resolve_targets,
    whole_layers,
)
from engine.train.whole import keep_in_float32

ADAPTER_WEIGHTS = WEIGHTS
START_WEIGHTS = "start.safetensors"


def make_trainable(base: nn.Module, run: RunFile, rows: Sequence[int] = ()) -> nn.Module:
    """Return the model to train: `base` with adapters, or with every weight thawed. Seeded by train.seed.

    `rows` are the rows of new tokens, which are trained beside the adapters: these rows, never the whole embedding, unless
    lora.save_modules names it. A and B begin as peft has them; `starts.start_adapters` does what else lora.init asks for.
    Raises ModelError when no layer fits lora.target_modules or lora.save_modules, when the architecture cannot train rows alone,
    or when the adapter of lora.start_from does not fit.
    """
    torch.manual_seed(run.train.seed)
    if run.train.method == "full":
        base.requires_grad_(True)
        return base
    from peft import get_peft_model

    dtype = next(p.dtype for p in base.parameters() if p.is_floating_point())
    base.requires_grad_(False)
    tied = is_tied(base)
    config, whole = adapter_config(base, run, rows)
    try:
        with warnings.catch_warnings():  # peft says that it turns Conv1D weights round, and that tying is asked for
            warnings.filterwarnings("ignore", message=".*fan_in_fan_out.*")
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
            model: nn.Module = get_peft_model(base, config)
    except TypeError as error:
        if "modules_to_save" not in str(error):
            raise
        raise ModelError(
            f"lora.save_modules = {run.lora.save_modules!r} and lora.target_modules = {run.lora.target_modules!r} mean the same "
            "weight; it is trained whole or gets an adapter. Leave it out of one of them."
        ) from error
    except ValueError as error:
        raise ModelError(
            f"lora.target_modules = {run.lora.target_modules!r} cannot be used on this model: {str(error).splitlines()[0]} "
            f"{name_linear_layers(base)}"
        ) from error
    refuse_experts(base, config)
    refuse_no_length(model)
    keep_in_float32(model, dtype)
    if config.trainable_token_indices:
        check_token_modules(causal_lm(model), tied, whole)
    if run.lora.start_from is not None:
        load_earlier(model, run.lora.start_from)
    return model


def adapter_config(base: nn.Module, run: RunFile, rows: Sequence[int]) -> tuple[Any, list[str]]:
    """(peft.LoraConfig, full names of the layers that are trained whole) for a run on `base`."""
    lora = run.lora
    if lora.start_from is not None:
        config, whole = earlier_config(base, run, rows)
        config.ensure_weight_tying = _ties(base, whole)
        return config, whole
    from peft import LoraConfig

    whole = whole_layers(base, lora.save_modules)
    targets = resolve_targets(base, lora.target_modules)
    alpha = int(lora.alpha) if float(lora.alpha).is_integer() else lora.alpha
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        exclude_modules=[name for name in whole if name in linear_layers(base)] or None,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        init_lora_weights="gaussian" if lora.init == "gaussian" else True,
        bias="none",
        task_type="CAUSAL_LM",
        modules_to_save=_shortest(base, lora.save_modules, whole) or None,
        ensure_weight_tying=_ties(base, whole),
        trainable_token_indices=(token_modules(base, rows, targets, whole) or None) if rows else None,
    )
    return config, whole


def _ties(base: nn.Module, whole: Sequence[str]) -> bool:
    """Whether a layer that is trained whole is one weight with another, which peft must keep so."""
    if not whole or not is_tied(base):
        return False
    pair = (base.get_input_embeddings(), base.get_output_embeddings())  # type: ignore[operator]
    return any(base.get_submodule(name) in pair for name in whole)


def _shortest(base: nn.Module, endings: Sequence[str], whole: Sequence[str]) -> list[str]:
    """What peft, which compares ends of names letter by letter, is to be told for these layers."""
    taken = {name for name, _ in base.named_modules() if any(name.endswith(ending) for ending in endings)}
    return list(endings) if taken == set(whole) else list(whole)


def learns_faster(name: str) -> bool:
    """Whether lora.plus_ratio multiplies the learning rate of the weight called `name`: the B of LoRA+ (arXiv 2402.12354)."""
    return ".lora_B." in name or ".lora_embedding_B." in name


def causal_lm(model: nn.Module) -> Any:
    """The transformers model inside, without peft's wrapper. Its adapters stay in place."""
    from peft import PeftModel

    return model.get_base_model() if isinstance(model, PeftModel) else model


def is_adapter(model: nn.Module) -> bool:
    """Whether only adapters are trained."""
    from peft import PeftModel

    return isinstance(model, PeftModel)


def describe_adapter(model: nn.Module, new_tokens: int = 0) -> str:
    """What is trained beside the base, for people: "rank 16, alpha 32, DoRA, embed_tokens whole, 2 new tokens"; or "full"."""
    if not is_adapter(model):
        return "full"
    config: Any = model.peft_config[ADAPTER]  # type: ignore[index]
    parts = [f"rank {config.r}", f"alpha {config.lora_alpha:g}"]
    parts += ["rsLoRA"] * config.use_rslora + ["DoRA"] * config.use_dora
    parts += [f"{name} whole" for name in sorted(config.modules_to_save or ())]
    parts += [f"{new_tokens:,} new token{'s' if new_tokens > 1 else ''}"] * bool(new_tokens)
    return ", ".join(parts)


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write what was trained so that `load_weights` brings back every bit; for every weight, a folder of plain transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    if not is_adapter(model):
        model.save_pretrained(folder)  # type: ignore[operator]
        return
    start = start_of(model)
    write_adapter(plain_config(model), adapter_state(model), folder)
    if start is not None:
        save_file(start, folder / START_WEIGHTS)


def save_result(model: nn.Module, folder: Path) -> None:
    """Write what a run leaves: an adapter that plain peft loads on the untouched base, or a model for plain transformers.

    An adapter that was trained beside changed base weights is converted; it has twice the rank then.
    """
    start = start_of(model)
    if start is None:
        save_weights(model, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    config = plain_config(model)
    scale = config.lora_alpha / (config.r**0.5 if config.use_rslora else config.r)
    config.r *= 2
    config.use_rslora = False
    config.lora_alpha = int(scale * config.r) if (scale * config.r).is_integer() else scale * config.r
    write_adapter(config, plain_factors(adapter_state(model), start), folder)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Read back what `save_weights` wrote. Raises RunError when names or shapes do not match."""
    if is_adapter(model):
        missing, unknown = _load_adapter(model, folder)
    else:
        state: dict[str, torch.Tensor] = {}
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


def _load_adapter(model: nn.Module, folder: Path) -> tuple[list[str], list[str]]:
    """Load an adapter's weights, and what was taken out of the base for it; return the (missing, unknown) names."""
    state = load_file(folder / ADAPTER_WEIGHTS)
    missing, unknown = misfits(adapter_state(model), state)
    mine = start_of(model)
    start = load_file(folder / START_WEIGHTS) if mine is not None and (folder / START_WEIGHTS).is_file() else {}
    missing += misfits(mine or {}, start)[0]
    if missing or unknown:
        return missing, unknown
    if mine is not None:
        move_start(model, start)
    return [], set_adapter_state(model, state)
