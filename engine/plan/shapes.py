"""The model of a run as shapes: built from its config.json alone, quantised and wrapped as the worker does it, without a weight.

Layers that are alike are built once: a model of eighty layers costs as little as one of two. Invariant: names, shapes, types
and what is trained are those of the model that the worker would have in memory.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.config.lora import QuantizationSection
from engine.config.runfile import RunFile
from engine.plan.live import META
from engine.train.adapters import causal_lm, make_trainable
from engine.train.earlier import read_earlier
from engine.train.experts import unquantised_experts
from engine.train.layers import layers_of
from engine.train.model import LOADED_WITH, bitsandbytes_config, unusable, weights_dtype

WHOLE = 3
"""Models of so many layers are built whole: there is nothing to save."""
PER_LAYER = ("layer_types", "mlp_layer_types")
"""Lists in configs with an entry for each layer."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of the model as it is kept; counted before anything runs, which may move it."""

    layer: int | None
    """The built layer it lies in."""
    times: int
    """Layers that have one like it."""
    bytes: int
    shape: tuple[int, ...]
    trained: bool
    constant: bool
    """Whether it is needed to read a quantised weight."""


@dataclass(frozen=True)
class Shapes:
    """A model on the meta device in which some layers stand for several."""

    model: nn.Module
    """What is trained: a peft model, or the model itself."""
    stands_for: list[int]
    """Of each layer that was built, how many layers of the model are like it, itself included. Empty where the architecture
    does not name its layers."""
    order: list[int]
    """Of each layer of the model, from the bottom, the one that was built for it."""
    parameters: int
    trainable: int
    vocabulary: int
    source_bytes: int
    """Bytes of the weights before they are quantised, in the type that they are computed in."""
    largest: int
    """Parameters of the largest weight that is quantised; 0 where none is."""
    notes: list[str] = field(default_factory=list)
    ledger: list[Stored] = field(default_factory=list)
    """All that is kept of it."""


def build(run: RunFile, folder: Path, kind: str, new_rows: int = 0, whole: bool = False) -> Shapes:
    """Return the model of `run`, whose config.json is in `folder`, as it would be on a device of `kind`.

    With `whole` no layer stands for another. Raises ModelError where transformers or peft cannot build it.
    """
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        model = _base(run, folder, kind)
        parameters = sum(p.numel() for p in model.parameters())
        source = sum(p.numel() * p.element_size() for p in model.parameters())
        layers = layers_of(model)
        notes = _notes(model, run)
        order = list(range(len(layers)))
        if not whole and len(layers) > WHOLE and not _by_number(run):
            order = _thin(model, layers)
        stands_for = [order.count(n) for n in range(max(order, default=-1) + 1)]
        largest = quantise(model, run.quantization, kind)
        with META:
            trained = make_trainable(model, _plain(run), tuple(range(new_rows)))
    ledger = _ledger(trained, stands_for)
    count = sum(math.prod(stored.shape) * stored.times for stored in ledger if stored.trained)
    vocabulary = int(causal_lm(trained).config.get_text_config().vocab_size)
    return Shapes(trained, stands_for, order, parameters, count, vocabulary, source, largest, notes, ledger)


def _ledger(model: nn.Module, stands_for: list[int]) -> list[Stored]:
    constants = {id(c) for _, weight in owned(model, stands_for) for c in constants_of(weight)}
    return [
        Stored(
            layer=layer,
            times=1 if layer is None else stands_for[layer],
            bytes=tensor.numel() * tensor.element_size(),
            shape=tuple(tensor.shape),
            trained=isinstance(tensor, nn.Parameter) and tensor.requires_grad,
            constant=id(tensor) in constants,
        )
        for layer, tensor in owned(model, stands_for)
    ]


def _base(run: RunFile, folder: Path, kind: str) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    trusted = run.model.trust_remote_code
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
        with META:
            return AutoModelForCausalLM.from_config(
                config,
                dtype=dtype_of(run.quantization, kind),
                attn_implementation=LOADED_WITH[run.model.attention],
                trust_remote_code=trusted,
            )
    except (ValueError, OSError, KeyError, ImportError, RuntimeError, AttributeError) as error:
        raise unusable(f"transformers cannot build the model in {folder} from its config.json", run, error) from error


def dtype_of(quantization: QuantizationSection, kind: str) -> torch.dtype:
    """The type of weights that are not quantised, also for a GPU that this machine does not have."""
    if kind == "cuda" and not torch.cuda.is_available() and quantization.compute_dtype == "auto":
        return torch.float32 if quantization.bits == 32 else torch.bfloat16
    return weights_dtype(quantization, torch.device(kind))


def _by_number(run: RunFile) -> bool:
    """Whether lora.target_modules may choose layers by their number."""
    targets = run.lora.target_modules
    return any(c.isdigit() for c in (targets if isinstance(targets, str) else "".join(targets)))


def _thin(model: Any, layers: list[Any]) -> list[int]:
    """Keep the first two layers of each kind, and tell for every layer which one stands for it.

    The first layer is kept apart: below it nothing needs a gradient.
    """
    kinds = [_kind_of(layer) for layer in layers]
    kept: list[int] = []
    order = []
    for number, kind in enumerate(kinds):
        alike = [n for n in kept if kinds[n] == kind and n]
        if number and alike:
            order.append(kept.index(alike[-1]))
            continue
        kept.append(number)
        order.append(len(kept) - 1)
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == len(layers) and m[0] is layers[0]]
    if len(lists) != 1 or any(a is not b for a, b in zip(lists[0], layers, strict=True)):
        return list(range(len(layers)))
    config = model.config.get_text_config()
    for name in PER_LAYER:
        types = getattr(config, name, None)
        if isinstance(types, list) and len(types) == len(layers):
            setattr(config, name, [types[n] for n in kept])
    del lists[0][:]
    lists[0].extend(layers[n] for n in kept)
    return order


def _kind_of(layer: nn.Module) -> str:
    """What makes two layers alike: classes, shapes, and every plain setting but their number."""
    told = []
    for name, module in layer.named_modules():
        settings = {
            k: v for k, v in vars(module).items() if isinstance(v, int | float | str | bool) and k != "layer_idx"
        }
        shapes = [(k, tuple(p.shape)) for k, p in module.named_parameters(recurse=False)]
        told.append((name, type(module).__qualname__, sorted(settings.items(), key=str), shapes))
    return repr(told)


def quantise(model: Any, quantization: QuantizationSection, kind: str) -> int:
    """Replace the linear layers of `model`, on the meta device, by bitsandbytes' as transformers does when it loads.

    Returns the parameters of the largest. bitsandbytes itself decides what is stored, so that no byte is guessed.
    """
    if quantization.bits not in (4, 8):
        return 0
    import bitsandbytes as bnb
    from transformers.integrations.bitsandbytes import replace_with_bnb_linear
    from transformers.quantizers.base import HfQuantizer

    dtype = dtype_of(quantization, kind)
    config = bitsandbytes_config(quantization, dtype)
    skipped = HfQuantizer.get_modules_to_not_convert(model, config.llm_int8_skip_modules, model._keep_in_fp32_modules)
    replace_with_bnb_linear(model, modules_to_not_convert=skipped, quantization_config=config)
    largest = 0
    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit | bnb.nn.Linear8bitLt):
            largest = max(largest, module.in_features * module.out_features)
            weight = torch.empty(module.out_features, module.in_features, dtype=dtype, device=META)
            if isinstance(module, bnb.nn.Linear4bit):
                _pack(module, weight)
            else:
                scales = torch.empty(module.out_features, dtype=torch.float32, device=META)
                data = torch.empty_like(weight, dtype=torch.int8)
                module.weight = bnb.nn.Int8Params(data, requires_grad=False, CB=data, SCB=scales)
            if module.bias is not None:
                module.bias = nn.Parameter(
                    torch.empty(module.out_features, dtype=dtype, device=META), requires_grad=False
                )
    return largest


def _pack(module: Any, weight: torch.Tensor) -> None:
    """Let bitsandbytes quantise a weight that has a shape only."""
    import bitsandbytes as bnb

    old = module.weight
    data, state = bnb.functional.quantize_4bit(
        weight,
        blocksize=old.blocksize,
        compress_statistics=old.compress_statistics,
        quant_type=old.quant_type,
        quant_storage=old.quant_storage,
    )
    module.weight = bnb.nn.Params4bit(
        data,
        requires_grad=False,
        quant_state=state,
        blocksize=old.blocksize,
        compress_statistics=old.compress_statistics,
        quant_type=old.quant_type,
        quant_storage=old.quant_storage,
        module=module,
        bnb_quantized=True,
    )
    module.quant_state = state


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave no trace in the libraries: bitsandbytes keeps a table for all quantisations, which must not be one of shapes."""
    import bitsandbytes as bnb
    from transformers.utils import logging

    before, level = dict(bnb.functional.name2qmap), logging.get_verbosity()
    random = torch.get_rng_state()
    bnb.functional.name2qmap["dynamic"] = torch.empty(256, dtype=torch.float32, device=META)
    logging.set_verbosity_error()
    try:
        yield
    finally:
        bnb.functional.name2qmap.clear()
        bnb.functional.name2qmap.update(before)
        logging.set_verbosity(level)
        torch.set_rng_state(random)


def _plain(run: RunFile) -> RunFile:
    """The run file with adapters that begin in the simplest way: how they begin changes no shape, but an earlier adapter's do."""
    if run.train.method == "full":
        return run
    begun: dict[str, Any] = {"init": "default", "start_from": None}
    if run.lora.start_from is not None:
        earlier = read_earlier(run.lora.start_from)
        begun |= {"rank": earlier.rank, "target_modules": earlier.targets, "dora": earlier.dora}
        begun |= {"save_modules": earlier.save_modules}
    train = run.train.model_copy(update={"gradient_checkpointing": False})
    return run.model_copy(update={"lora": run.lora.model_copy(update=begun), "train": train})


def _notes(model: nn.Module, run: RunFile) -> list[str]:
    """What of the model, as a whole and not yet quantised, a person would not expect."""
    found = unquantised_experts(model) if run.quantization.bits in (4, 8) else None
    return [found.sentence()] if found else []


def owned(model: nn.Module, stands_for: list[int]) -> Iterator[tuple[int | None, torch.Tensor]]:
    """(number of the built layer it lies in, or None; tensor) of every parameter, buffer and quantisation constant, each once."""
    layers = layers_of(model) if stands_for else []
    number = {id(module): n for n, layer in enumerate(layers) for module in layer.modules()}
    seen: set[int] = set()
    for module in model.modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        for tensor in [*own, *(constant for each in own for constant in constants_of(each))]:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield number.get(id(module)), tensor


def constants_of(weight: torch.Tensor) -> list[torch.Tensor]:
    """What must be kept beside a quantised weight to read it."""
    state = getattr(weight, "quant_state", None)
    if state is not None:
        second = state.state2
        nested = [second.absmax, second.code, state.offset] if second is not None else []
        return [state.absmax, state.code, *nested]
    scales = getattr(weight, "SCB", None)
    return [scales] if scales is not None else []
