"""Rows for new tokens: made in the embedding and in the output layer, and told to peft as all that is trained of them.

Invariant: weights that were tied stay tied, and no row but those that were made changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engine.errors import ModelError
from engine.tokens.new_tokens import NewTokens

INSTEAD = (
    "Set model.new_tokens = [], which spells the markers out, or choose a template without them; or train every weight "
    '(train.method = "full").'
)


def make_rows(model: Any, new: NewTokens) -> tuple[int, ...]:
    """Give `model`, a causal language model of transformers, a row for every new token; return the ids of all rows made.

    A row starts at the mean of the rows of its pieces, in the embedding and in the output layer. The embedding grows only when
    it has too few rows; those that lie between its old end and the new tokens are made too and start at the mean of all.
    Raises ModelError when the output layer is quantised, or cannot be kept tied.
    """
    if not new.ids:
        return ()
    before = int(model.get_input_embeddings().weight.shape[0])
    tied = is_tied(model)
    head = model.get_output_embeddings()
    if head is not None and not head.weight.is_floating_point():
        raise ModelError(f"The output layer of this model is quantised, so it cannot grow by new tokens. {INSTEAD}")
    if new.rows > before:
        model.resize_token_embeddings(new.rows, mean_resizing=False)
    if is_tied(model) != tied:
        raise ModelError(f"This model cannot grow by new tokens without untying its output layer. {INSTEAD}")
    pieces = dict.fromkeys(range(before, new.rows), ()) | dict(zip(new.ids, new.pieces, strict=True))
    weights = [model.get_input_embeddings().weight]
    head = model.get_output_embeddings()
    if head is not None and not tied:
        weights += [head.weight] if head.bias is None else [head.weight, head.bias]
    for weight in weights:
        _start_at_means(weight.data, pieces, before)
    return tuple(sorted(pieces))


def _start_at_means(weight: torch.Tensor, pieces: dict[int, tuple[int, ...]], before: int) -> None:
    """Set rows of `weight`, shape [V, D] or [V], to the mean of others, computed in float32; of all `before` without pieces."""
    for row, ids in pieces.items():
        known = [i for i in ids if i < before]
        source = weight[known] if known else weight[:before]
        weight[row] = source.mean(dim=0, dtype=torch.float32).to(weight.dtype)


def is_tied(model: Any) -> bool:
    """Whether embedding and output layer are one tensor."""
    head = model.get_output_embeddings()
    if head is None:
        return False
    weight, other = head.weight, model.get_input_embeddings().weight
    return weight is other or (not weight.is_meta and bool(weight.data_ptr() == other.data_ptr()))


def end_with(model: Any, eos: int) -> None:
    """Let the model's own settings for generation end at token `eos`, too, and at what they ended at before."""
    configs = (model.config, model.config.get_text_config(), getattr(model, "generation_config", None))
    for config in {id(c): c for c in configs if c is not None}.values():
        old = getattr(config, "eos_token_id", None)
        ends = [] if old is None else list(old) if isinstance(old, list | tuple) else [old]
        if eos not in ends:
            config.eos_token_id = [eos, *ends] if ends else eos


def token_modules(
    model: Any, rows: Sequence[int], targets: str | list[str], whole: Sequence[str] = ()
) -> dict[str, list[int]]:
    """What peft calls `trainable_token_indices`: name of a layer -> the rows of it that are trained.

    A tied output layer follows the embedding and is not named, and neither is a layer that is trained `whole` (full names, with
    which the one it is tied to is trained, too). Raises ModelError when `targets` (lora.target_modules) puts an
    adapter on one of them, and when the output layer has a bias, which peft leaves out of a layer with trained rows.
    """
    names = {id(module): name for name, module in model.named_modules(remove_duplicate=False)}
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    layers = [names[id(layer)] for layer in (embedding, head) if layer is not None]
    if is_tied(model) and any(name in whole for name in layers):
        return {}
    for name in layers:
        if _is_target(name, targets):
            raise ModelError(
                f"lora.target_modules = {targets!r} puts an adapter on {name}, whose rows of new tokens are trained as they "
                "are; it cannot have both. Leave that layer out of lora.target_modules, or set model.new_tokens = []."
            )
    if getattr(head, "bias", None) is not None and layers[-1] not in whole:
        raise ModelError(
            f"The output layer of this model has a bias, which is lost where peft trains rows of new tokens. {INSTEAD}"
        )
    return {name: list(rows) for name in (layers[:1] if is_tied(model) else layers) if name not in whole}


def _is_target(name: str, targets: str | list[str]) -> bool:
    """Whether peft would put an adapter on the layer called `name`; "all-linear" leaves the output layer out."""
    from peft import LoraConfig
    from peft.tuners.tuners_utils import check_target_module_exists

    all_linear = isinstance(targets, str) and targets.lower() == "all-linear"
    return not all_linear and bool(check_target_module_exists(LoraConfig(target_modules=targets), name))


def check_token_modules(model: Any, tied: bool, whole: Sequence[str] = ()) -> None:
    """Make sure that peft trains the rows in both layers of `model`, the language model inside, and in no other.

    Layers that are trained `whole` (full names) have none. Raises ModelError.
    """
    from peft.utils.other import TrainableTokensWrapper

    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    trained = [model.get_submodule(name) for name in whole]
    expected = [layer for layer in (embedding, head) if layer is not None and not any(layer is t for t in trained)]
    found = [module for module in model.modules() if isinstance(module, TrainableTokensWrapper)]
    complete = {id(m) for m in found} == {id(m) for m in expected}
    if complete and tied:
        complete = head.token_adapter.tied_adapter is embedding.token_adapter
        complete = complete and head.original_module.weight.data_ptr() == embedding.original_module.weight.data_ptr()
    if not complete:
        raise ModelError(f"peft cannot train the rows of new tokens in {type(model).__name__}. {INSTEAD}")
