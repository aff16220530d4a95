"""How fast a run will be, from training a few of its layers for a moment on this machine.

The layers, embedding and output layer have the real shapes and random weights, unquantised: dequantising costs a few per cent.
Nothing is read of the model but its config.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.config.runfile import RunFile
from engine.plan.shapes import build
from engine.plan.trace import batch_like
from engine.plan_facts import Load
from engine.train.adapters import causal_lm
from engine.train.layers import layers_of, prepare_layers
from engine.train.loss import SupervisedLoss

MOST_PARAMETERS = {"cpu": 150_000_000, "cuda": 4_000_000_000}
"""Parameters that are made for it; models whose few layers have more are not timed."""
MOST_FLOPS = {"cpu": 2e11, "cuda": 2e14}
"""Work of one pass; micro-batches that ask for more are timed on fewer rows and tokens."""
PASSES = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a token (padding among them) takes in the whole model."""

    forward: float
    """Through all layers and the output layer, without a backward pass."""
    both: float
    """Forward and backward, what is computed again included."""

    def training(self, cells: int) -> float:
        """Seconds of steps over so many cells."""
        return self.both * cells

    def evaluating(self, cells: int) -> float:
        """Seconds of evaluations over so many cells."""
        return self.forward * cells


@dataclass(frozen=True, slots=True)
class Beat:
    """Seconds a token takes in a layer and in what lies outside the layers, in each direction."""

    layer_forward: float
    head_forward: float
    layer_backward: float
    head_backward: float
    layers: int
    """Layers of the whole model."""

    def pace(self, checkpointed: int) -> Pace:
        """Of the whole model, where so many layers are computed again."""
        forward = self.layer_forward * self.layers + self.head_forward
        backward = self.layer_backward * self.layers + self.head_backward
        return Pace(forward, forward + backward + self.layer_forward * min(checkpointed, self.layers))


def measure_pace(run: RunFile, folder: Path, load: Load, kind: str, checkpointed: int) -> Pace | None:
    """Time a few layers of the real shape on this machine; None where even they are too large for a moment."""
    beat = measure_beat(run, folder, load, kind)
    return None if beat is None else beat.pace(checkpointed)


def measure_beat(run: RunFile, folder: Path, load: Load, kind: str) -> Beat | None:
    """`measure_pace`, for any number of layers that are computed again."""
    dense = run.model_copy(
        update={"quantization": _dense(run, kind), "train": run.train.model_copy(update={"compile": False})}
    )
    shapes = build(dense, folder, kind)
    model, layers = shapes.model, layers_of(shapes.model)
    made = sum(p.numel() for p in model.parameters())
    if made > MOST_PARAMETERS[kind] or not layers:
        return None
    device = torch.device(kind, 0) if kind == "cuda" else torch.device(kind)
    _fill(model, device)
    prepare_layers(model, dense, device, 0)
    small = _smaller(load, int(MOST_FLOPS[kind] / (6 * made)))
    batch, loss = batch_like(small, run), SupervisedLoss(model, device)
    stamps: dict[str, float] = {}
    hooks = _listen(layers, stamps, device)
    model.train()
    best: dict[str, float] = {}
    try:
        for _ in range(1 + PASSES):  # the first one warms up
            best = _one_pass(lambda: loss.sum(batch), stamps, device, len(layers), best)
    finally:
        for hook in hooks:
            hook.remove()
    cells = small.rows * small.width
    each = {name.replace(" ", "_"): seconds / cells for name, seconds in best.items()}
    return Beat(**each, layers=len(shapes.order))


def _dense(run: RunFile, kind: str) -> Any:
    bits = 32 if run.quantization.bits == 32 or (kind == "cpu" and run.quantization.bits != 16) else 16
    if run.quantization.compute_dtype == "bfloat16":
        bits = 16
    return run.quantization.model_copy(update={"bits": bits, "compute_dtype": "auto"})


def _fill(model: nn.Module, device: torch.device) -> None:
    """Give a model on the meta device memory and small random weights."""
    lm = causal_lm(model)
    model.to_empty(device=device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.02, 0.02)
        for buffer in model.buffers():
            buffer.fill_(0.5)
    lm.tie_weights()


def _smaller(load: Load, most: int) -> Load:
    """A load of at most about `most` tokens: first of fewer rows, then of shorter ones."""
    rows = max(1, min(load.rows, most // load.width))
    width = max(16, min(load.width, most // rows))
    supervised = max(1, load.supervised * rows * width // (load.rows * load.width))
    return Load(rows=rows, width=width, supervised=supervised)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _listen(layers: list[Any], stamps: dict[str, float], device: torch.device) -> list[Any]:
    """Note when the first layer begins and the last one ends, in both directions."""

    def begins(module: nn.Module, args: Any) -> None:
        stamps["begin"] = _now(device)

    def ends(module: nn.Module, args: Any, out: Any) -> None:
        stamps["end"] = _now(device)
        hidden = out[0] if isinstance(out, tuple) else out
        if hidden.requires_grad:
            hidden.register_hook(lambda gradient: stamps.__setitem__("back", _now(device)))

    return [layers[0].register_forward_pre_hook(begins), layers[-1].register_forward_hook(ends)]


def _one_pass(
    loss: Callable[[], torch.Tensor],
    stamps: dict[str, float],
    device: torch.device,
    layers: int,
    best: dict[str, float],
) -> dict[str, float]:
    """The shortest times so far of a layer and of what lies outside, for both directions."""
    start = _now(device)
    total = loss()
    middle = _now(device)
    total.backward()  # type: ignore[no-untyped-call]
    stop = _now(device)
    inside = stamps["end"] - stamps["begin"]
    back = stop - stamps["back"]
    times = {
        "layer forward": inside / layers,
        "head forward": middle - start - inside,
        "layer backward": back / layers,
        "head backward": max(0.0, stop - middle - back),
    }
    return {name: min(value, best.get(name, value)) for name, value in times.items()}
