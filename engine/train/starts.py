"""How A and B begin (lora.init), beyond what peft does by itself.

peft's own functions are not used for these: its "orthogonal" needs a base that is not quantised, its "olora" takes Conv1D weights
the wrong way round, its LoftQ needs a GPU and leaves the scale of the adapter out, and its EVA turns each activation into a
Python number.
Invariant: all but LoftQ start at the base model's own logits, within the rounding of the base's type.
Shapes: I inputs and O outputs of a layer, R rank; A has shape [R, I], B has shape [O, R].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.tokens.collate import Batch
from engine.train.directions import low_rank, see_inputs

ADAPTER = "default"
EVA_TOKENS = 8192
"""Tokens of training rows that "eva" looks at."""


def start_adapters(
    model: nn.Module,
    run: RunFile,
    folder: Path,
    batches: Iterable[Batch] = (),
    forward: Callable[[Batch], object] | None = None,
    resumed: bool = False,
) -> None:
    """Set A and B of a fresh peft `model` as lora.init says; for "pissa" and "olora" the base weights with them.

    `folder` is the base model's, from which "loftq" reads the unquantised weights. "eva" sends micro-batches of training rows
    through `forward`, until it has seen EVA_TOKENS. When a run is `resumed`, only what changes the base is done: the checkpoint
    holds the rest. Seeded by train.seed. Raises ModelError where the rank is too large for a layer, or a weight is not found.
    """
    init = run.lora.init
    if run.train.method == "full" or init in ("default", "gaussian") or (resumed and not changes_base(run)):
        return
    torch.manual_seed(run.train.seed)
    layers = dict(lora_layers(model))
    with torch.no_grad():
        if init == "eva":
            assert forward is not None
            _eva(model, layers, run.lora.rank, batches, forward)
        elif init == "loftq":
            _loftq(model, layers, folder)
        else:
            if changes_base(run):
                _require_linear(model, init)
            begin = {"pissa": _pissa, "olora": _olora, "orthogonal": _orthogonal}[init]
            for name, layer in layers.items():
                begin(name, layer)
            if changes_base(run):
                model.adapter_start = factors(model)  # type: ignore[assignment]


def changes_base(run: RunFile) -> bool:
    """Whether this run trains beside base weights that are not those of the model's folder."""
    return run.train.method == "lora" and run.lora.init in ("pissa", "olora")


def start_of(model: nn.Module) -> dict[str, Tensor] | None:
    """A and B as they were taken out of the base weights, on the CPU, by name; None where nothing was."""
    start: dict[str, Tensor] | None = getattr(model, "adapter_start", None)
    return start


def lora_layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """(full name, layer) of every layer of a peft model that multiplies by A and B; embeddings with adapters are left out."""
    from peft.tuners.lora import LoraLayer

    for name, module in model.named_modules():
        if isinstance(module, LoraLayer) and ADAPTER in module.lora_A:
            yield name, module


def factors(model: nn.Module) -> dict[str, Tensor]:
    """A and B of every layer, copied to the CPU, by their names in an adapter's file."""
    out: dict[str, Tensor] = {}
    for name, layer in lora_layers(model):
        out[f"{name}.lora_A.weight"] = layer.lora_A[ADAPTER].weight.detach().cpu().clone()
        out[f"{name}.lora_B.weight"] = layer.lora_B[ADAPTER].weight.detach().cpu().clone()
    return out


def move_start(model: nn.Module, start: dict[str, Tensor]) -> None:
    """Let the base weights of `model` be those that `start` was taken out of, where that is not what it has.

    The same machine computes the same start, so this changes nothing there, not by a bit. Raises KeyError when a layer is
    missing in `start`.
    """
    mine = start_of(model)
    assert mine is not None
    for name, layer in lora_layers(model):
        keys = (f"{name}.lora_A.weight", f"{name}.lora_B.weight")
        if not all(torch.equal(mine[key], start[key]) for key in keys):
            change_OI = mine[keys[1]] @ mine[keys[0]] - start[keys[1]] @ start[keys[0]]
            _add(layer, layer.scaling[ADAPTER] * change_OI)
    model.adapter_start = start  # type: ignore[assignment]


def plain_factors(state: dict[str, Tensor], start: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state` of an adapter beside changed base weights, as an adapter of twice the rank beside the untouched ones.

    W - s B0 A0 + s B A = W + s [B, -B0] [A; A0].
    """
    out = dict(state)
    for name, first in start.items():
        now = state[name]
        if name.endswith("lora_A.weight"):
            out[name] = torch.cat([now, first.to(now)], dim=0)
        else:
            out[name] = torch.cat([now, -first.to(now)], dim=1)
    return out


def _weight(layer: Any) -> Tensor:
    """The base weight of a layer in float32, dequantised; shape [O, I]."""
    from peft.utils.integrations import dequantize_module_weight

    weight: Tensor = dequantize_module_weight(layer.get_base_layer()).detach().float()
    return weight.T if layer.fan_in_fan_out else weight


def _add(layer: Any, change_OI: Tensor) -> None:
    base = layer.get_base_layer()
    total_OI = _weight(layer) + change_OI.to(base.weight.device)
    base.weight.data = (total_OI.T if layer.fan_in_fan_out else total_OI).to(base.weight.dtype).contiguous()


def _set(name: str, layer: Any, a_RI: Tensor, b_OR: Tensor) -> None:
    for matrix, value in ((layer.lora_A[ADAPTER].weight, a_RI), (layer.lora_B[ADAPTER].weight, b_OR)):
        if matrix.shape != value.shape:
            size = " x ".join(map(str, (layer.out_features, layer.in_features)))
            raise ModelError(
                f"lora.rank = {layer.r[ADAPTER]} is more than the weight of {name} has directions ({size}). Lower lora.rank, or "
                'set lora.init = "default".'
            )
        matrix.copy_(value)


def _take_out(name: str, layer: Any, a_RI: Tensor, b_OR: Tensor) -> None:
    """Begin with A and B, and take their product out of the base."""
    _set(name, layer, a_RI, b_OR)
    _add(layer, -layer.scaling[ADAPTER] * (b_OR @ a_RI))


def _pissa(name: str, layer: Any) -> None:
    """The main singular directions of the weight (Meng et al. 2024, arXiv 2404.02948)."""
    _take_out(name, layer, *low_rank(_weight(layer), layer.r[ADAPTER], layer.scaling[ADAPTER]))


def _olora(name: str, layer: Any) -> None:
    """The first columns of the weight's QR decomposition (Büyükakyüz 2024, arXiv 2406.01775)."""
    q_OK, r_KI = torch.linalg.qr(_weight(layer))
    rank = layer.r[ADAPTER]
    _take_out(name, layer, r_KI[:rank].contiguous(), q_OK[:, :rank].contiguous())


def _orthogonal(name: str, layer: Any) -> None:
    """Random A and B whose product is zero, each from half of an orthogonal basis of the R directions between them.

    As https://datta0.github.io/posts/rethink-lora-init/ and peft do it, in float32 on every base.
    """
    rank = layer.r[ADAPTER]
    basis_RR, _ = torch.linalg.qr(torch.randn(rank, rank))
    a_IR = torch.randn(layer.in_features, rank // 2) @ basis_RR[0::2] / 10
    b_OR = torch.randn(layer.out_features, rank // 2) @ basis_RR[1::2] / 10
    device = layer.lora_A[ADAPTER].weight.device
    _set(name, layer, a_IR.T.contiguous().to(device), b_OR.to(device))


def _loftq(model: nn.Module, layers: dict[str, Any], folder: Path) -> None:
    """The main directions of what 4 bits have lost (Li et al. 2023, arXiv 2310.08659), in one step on the base as it is."""
    files = {name: file for file in sorted(folder.glob("*.safetensors")) for name in _names(file)}
    prefix = getattr(model.get_base_model(), "base_model_prefix", "")  # type: ignore[operator]
    for name, layer in layers.items():
        if not _is_4bit(layer):
            continue
        base = re.sub(r"^base_model\.model\.", "", name)
        known = [n for n in (f"{base}.weight", f"{base.removeprefix(prefix + '.')}.weight") if n in files]
        if not known:
            raise ModelError(
                f'lora.init = "loftq" needs the unquantised weight of {base}, which the files in {folder} do not have under this '
                'name. Set lora.init = "default".'
            )
        with safe_open(files[known[0]], framework="pt") as opened:
            weight = opened.get_tensor(known[0])
        quantised_OI = _weight(layer)
        was_OI = weight.to(quantised_OI.device).float()
        if _came_from_conv1d(layer):
            was_OI = was_OI.T
        _set(name, layer, *low_rank(was_OI - quantised_OI, layer.r[ADAPTER], layer.scaling[ADAPTER]))
        _renew_length(layer, quantised_OI)


def _names(file: Path) -> list[str]:
    with safe_open(file, framework="pt") as opened:
        return list(opened.keys())


def _require_linear(model: nn.Module, init: str) -> None:
    """Raises ModelError for an adapter on an embedding: what was taken out of it could not be given back when it is saved."""
    from peft.tuners.lora import LoraLayer

    for name, module in model.named_modules():
        if isinstance(module, LoraLayer) and ADAPTER not in module.lora_A:
            raise ModelError(
                f'lora.init = "{init}" is for linear layers, and {name} is none. Leave it out of lora.target_modules, or set '
                'lora.init = "default".'
            )


def _is_4bit(layer: Any) -> bool:
    return type(layer.get_base_layer().weight).__name__ == "Params4bit"


def _came_from_conv1d(layer: Any) -> bool:
    from transformers.pytorch_utils import Conv1D

    return issubclass(getattr(layer.get_base_layer(), "source_cls", nn.Linear), Conv1D)


def _renew_length(layer: Any, weight_OI: Tensor) -> None:
    """Of a DoRA layer: let the trained length begin at that of the weight with A and B."""
    if ADAPTER in layer.lora_magnitude_vector:
        whole_OI = weight_OI + layer.scaling[ADAPTER] * layer.lora_B[ADAPTER].weight @ layer.lora_A[ADAPTER].weight
        layer.lora_magnitude_vector[ADAPTER].weight.copy_(whole_OI.norm(dim=1))


def _eva(
    model: nn.Module, layers: dict[str, Any], rank: int, batches: Iterable[Batch], forward: Callable[[Batch], object]
) -> None:
    """A begins with the main directions of what a layer sees (Paischer et al. 2024, arXiv 2410.07170), with the same rank in
    every layer; B is zero. A layer that no token reaches (an expert) keeps its random A."""
    found = see_inputs(model, layers, rank, batches, forward, EVA_TOKENS)
    for name, a_RI in found.items():
        if len(a_RI) < rank:
            raise ModelError(
                f'lora.init = "eva" found {len(a_RI)} directions in what {name} sees, fewer than lora.rank = {rank}. Lower '
                'lora.rank, or set lora.init = "default".'
            )
        layers[name].lora_A[ADAPTER].weight.copy_(a_RI)
