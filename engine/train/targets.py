"""Which layers get an adapter: the words and lists of lora.target_modules, found in a model's own tree of modules.

Invariant: a layer that is trained whole, and the output layer unless it is named, get none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from engine.errors import ModelError
from engine.train.experts import unquantised_experts

EXPERT_NAMES = ("gate", "w1", "w2", "w3", "gate_proj", "up_proj", "down_proj")
"""Last names that peft takes for those of experts in a mixture of experts, wherever they stand."""

_ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
_MLP = re.compile(r"mlp|ffn|feed_?forward|moe|expert", re.IGNORECASE)


def linear_layers(model: Any) -> list[str]:
    """Full names of the layers that multiply by a matrix, quantised or not, in the order of the model; no output layer."""
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    return [n for n, m in model.named_modules() if isinstance(m, nn.Linear | Conv1D) and m is not head]


def resolve_targets(model: Any, targets: str | list[str]) -> str | list[str]:
    """What peft is to be told for lora.target_modules: "all-linear", one expression, or endings of names.

    "attention" and "mlp" become the endings of those layers, such as "self_attn.q_proj"; so does "all-linear" in a mixture of
    experts, for which peft would mean the fused experts, too. Raises ModelError, which names the linear layers, where none fits.
    """
    experts = unquantised_experts(model) is not None
    if targets == "all-linear":
        parts = [(name, name.rpartition(".")[2]) for name in linear_layers(model)]
    elif targets in ("attention", "mlp"):
        parts = _parts(model, str(targets))
    else:
        return targets
    if targets == "all-linear" and not experts:
        return targets
    if experts:
        parts = [(name, ending) for name, ending in parts if name.rpartition(".")[2] not in EXPERT_NAMES]
    if not parts:
        raise ModelError(
            f'lora.target_modules = "{targets}" finds no layer in {type(model).__name__}'
            f"{' that is no fused expert' if experts else ''}. {name_linear_layers(model)}"
        )
    endings = {ending for _, ending in parts}
    wanted = {name for name, _ in parts}
    taken = {n for n in linear_layers(model) if any(n == e or n.endswith("." + e) for e in endings)}
    return sorted(endings) if taken == wanted else sorted(wanted)  # an ending may take in another layer, too


def refuse_experts(model: Any, config: Any) -> None:
    """Raises ModelError when peft has understood its config as one that adapts the fused experts of `model`.

    It would build the weights of all experts of a layer anew in each pass, beside those that there are.
    """
    if getattr(config, "target_parameters", None):
        raise ModelError(
            f"lora.target_modules names parts of the experts of {type(model).__name__}, which are fused into one tensor for each "
            'layer and get no adapters here. Set it to "all-linear" or "attention". ' + name_linear_layers(model)
        )


def refuse_no_length(model: nn.Module) -> None:
    """Raises ModelError when DoRA is to divide by the length of a row that is all zeros: that of a padding token in an output
    layer, for one."""
    for name, module in model.named_modules():
        for length in getattr(module, "lora_magnitude_vector", {}).values():
            zeros = 0 if length.weight.is_meta else int((length.weight == 0).sum())
            if zeros:
                raise ModelError(
                    f"lora.dora divides by the lengths of the rows of each weight, and {zeros:,} of {name} are all zeros. Leave "
                    "this layer out of lora.target_modules, or set lora.dora = false."
                )


def _parts(model: Any, part: str) -> list[tuple[str, str]]:
    """(full name, its end from the block on) of every linear layer in the attention, or in the MLP, of a model.

    A block is known by its name; a layer that stands beside an attention block without an MLP block around it (OPT's fc1 and
    fc2) belongs to the MLP.
    """
    names = linear_layers(model)
    beside = {block.rpartition(".")[0] for name in names if (block := _block(name, _ATTENTION))}
    out: list[tuple[str, str]] = []
    for name in names:
        attention, mlp = _block(name, _ATTENTION), _block(name, _MLP)
        is_attention = bool(attention) and not (mlp and len(mlp) < len(attention))
        parent = name.rpartition(".")[0]
        is_mlp = not is_attention and (bool(mlp) or (parent in beside and bool(parent)))
        if is_attention if part == "attention" else is_mlp:
            block = attention if is_attention else mlp or name
            out.append((name, name[len(block.rpartition(".")[0]) :].removeprefix(".")))
    return out


def _block(name: str, pattern: re.Pattern[str]) -> str:
    """Name of the outermost module above the layer `name` whose own name matches; "" where there is none."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        if pattern.search(parts[length - 1]):
            return ".".join(parts[:length])
    return ""


def name_linear_layers(model: Any) -> str:
    """A sentence with the names that lora.target_modules could take."""
    found = sorted({name.rpartition(".")[2] for name in linear_layers(model)})
    return f"Its linear layers are {', '.join(found) or '(none)'}."


def whole_layers(model: Any, endings: Sequence[str]) -> list[str]:
    """Full names of the layers that lora.save_modules names by their ends.

    Raises ModelError where a name fits no layer, one that is quantised, or a block of layers.
    """
    out: list[str] = []
    for ending in endings:
        found = [(n, m) for n, m in model.named_modules() if n == ending or n.endswith("." + ending)]
        if not found:
            leaves = {
                n.rpartition(".")[2]
                for n, m in model.named_modules()
                if next(m.parameters(recurse=False), None) is not None
            }
            raise ModelError(
                f"lora.save_modules names {ending!r}, and {type(model).__name__} has no such layer. Its layers are "
                f"{', '.join(sorted(leaves))}."
            )
        for name, module in found:
            own = list(module.parameters(recurse=False))
            if not own:
                raise ModelError(
                    f"lora.save_modules names {name!r}, which holds other layers and no weight of its own. Name the layers in it."
                )
            if not all(p.is_floating_point() for p in own):
                raise ModelError(
                    f"lora.save_modules names {name!r}, which is quantised and cannot be trained whole. Give it an adapter "
                    "(lora.target_modules), or set quantization.bits to 16 or 32."
                )
        out += [name for name, _ in found if name not in out]
    return out
