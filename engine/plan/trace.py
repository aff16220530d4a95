"""What a forward and a backward pass hold, layer by layer: the real model and the real loss, run on shapes.

Each layer that was built is looked at while it runs; `Trace.at` puts together what a model of all layers would hold at each
moment, with any number of its lower layers computed again in the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.plan.live import LiveBytes, called, fused_attention, packed_or_not
from engine.plan.shapes import Shapes
from engine.plan_facts import Load
from engine.tokens.collate import Batch, Padding
from engine.tokens.encoded import IGNORE
from engine.train import attention
from engine.train.layers import checkpoint_layers, layers_of, prepare_layers
from engine.train.loss import SupervisedLoss
from engine.train.model import evaluating


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What a layer asks for, in bytes, beside what is there when it begins."""

    saved: int
    """Kept from its forward to its backward pass, its output included."""
    forward: int
    """Most at a moment of its forward pass."""
    backward: int
    """Most at a moment of its backward pass, beside what was kept by it and by those below."""
    gradients: int
    """Gradients of its trained weights."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The step at its most: what is kept for the backward pass, logits, what is needed for an instant, gradients."""

    activations: int
    logits: int
    workspace: int
    gradients: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.moving + self.gradients

    @property
    def moving(self) -> int:
        """What comes and goes within the step."""
        return self.activations + self.logits + self.workspace


@dataclass(frozen=True, slots=True)
class Trace:
    """What one pass over a micro-batch holds."""

    start: int
    """Kept before the first layer: embeddings, positions, masks."""
    begin: int
    """Most at a moment before the first layer."""
    layers: list[LayerCost]
    """Of each layer that was built."""
    head: int
    """Most at a moment from the last layer to the gradient of its output: norm, logits, loss."""
    end: int
    """Most at a moment below the first layer, in the backward pass."""
    other_gradients: int
    """Gradients of trained weights outside the layers."""


def trace(
    run: RunFile, shapes: Shapes, load: Load, kind: str, *, checkpointed: bool = False, training: bool = True
) -> Trace:
    """Run the model on a micro-batch like `load`, as on a device of `kind`. Without `training` as for an evaluation.

    Raises whatever the model raises where shapes are not enough for it.
    """
    model, device = shapes.model, torch.device(kind, 0) if kind == "cuda" else torch.device(kind)
    layers = layers_of(model)
    batch = batch_like(load, run)
    live = LiveBytes(int((batch.labels[:, 1:] != IGNORE).sum()))
    with ExitStack() as stack:
        stack.enter_context(_as_on(device))
        stack.enter_context(called(device, live))
        stack.enter_context(packed_or_not(batch.needs_positions))
        if batch.needs_positions and run.model.attention in ("auto", "varlen"):
            _attend_by_rows(model)
        for mode in (fused_attention(), live):
            stack.enter_context(mode)
        _prepare(model, run, device)
        checkpoint_layers(model, len(layers) if checkpointed else 0)
        model.train()
        loss = SupervisedLoss(model, device)
        live.mark("built")
        hooks = _listen(live, model, layers, backward=training)
        try:
            if training:
                loss.sum(batch).backward()  # type: ignore[no-untyped-call]
            else:
                with evaluating(model):
                    loss.sum(batch)
            live.mark("end")
        finally:
            for hook in hooks:
                hook.remove()
            for parameter in model.parameters():
                parameter.grad = None
    return _read(live, model, layers)


def _prepare(model: nn.Module, run: RunFile, device: torch.device) -> None:
    """Let the layers compute as the worker lets them, once. What a compiler or Liger makes cannot be run on shapes."""
    if not getattr(model, "is_prepared", False):
        train = run.train.model_copy(update={"compile": False, "gradient_checkpointing": False})
        plain = run.model_copy(update={"model": run.model.model_copy(update={"liger": False}), "train": train})
        prepare_layers(model, plain, device, 0)
        model.is_prepared = True  # type: ignore[assignment]


def _listen(live: LiveBytes, model: nn.Module, layers: list[Any], backward: bool) -> list[Any]:
    """Mark where layers begin and end, in both directions."""
    done = [False] * len(layers)

    def began(module: nn.Module, args: Any) -> None:
        if not done[0]:
            live.mark("embedded")

    def ended(number: int) -> Any:
        def hook(module: nn.Module, args: Any, out: Any) -> None:
            if done[number]:
                return  # computed again: that belongs to the backward pass
            done[number] = True
            live.mark(f"forward {number}")
            hidden = out[0] if isinstance(out, tuple) else out
            if backward and hidden.requires_grad:
                hidden.register_hook(lambda gradient: live.mark(f"above {number}"))

        return hook

    def arrived(parameter: Tensor) -> None:
        if parameter.grad is not None:
            live.disown(parameter.grad)

    hooks = [layers[0].register_forward_pre_hook(began)] if layers else []
    hooks += [layer.register_forward_hook(ended(n)) for n, layer in enumerate(layers)]
    if backward:
        for parameter in model.parameters():
            if parameter.requires_grad:
                hooks.append(parameter.register_post_accumulate_grad_hook(arrived))  # type: ignore[no-untyped-call]
    return hooks


def _read(live: LiveBytes, model: nn.Module, layers: list[Any]) -> Trace:
    """The figures between the marks."""
    base = live.segments[0].stop
    found = {segment.name: segment for segment in live.segments}
    trained = {id(p): p.numel() * p.element_size() for p in model.parameters() if p.requires_grad}
    costs, inside = [], 0
    names = list(found)
    for number, layer in enumerate(layers):
        forward = found[f"forward {number}"]
        above = f"above {number}"
        following = names[names.index(above) + 1] if above in found else None
        gradients = sum(trained.get(id(p), 0) for p in layer.parameters())
        inside += gradients
        backward = found[following].peak - forward.stop if following else 0
        costs.append(LayerCost(forward.stop - forward.start, forward.peak - forward.start, max(0, backward), gradients))
    embedded = found.get("embedded")
    first, last = f"above {len(layers) - 1}", f"forward {len(layers) - 1}"
    if embedded is None or last not in found:  # no layers are known: all of it is one moment
        peak = max(segment.peak for segment in live.segments[1:]) - base
        return Trace(0, peak, [], peak, 0, sum(trained.values()))
    top = found[first] if first in found else live.segments[-1]
    return Trace(
        start=embedded.stop - base,
        begin=embedded.peak - base,
        layers=costs,
        head=top.peak - found[last].stop,
        end=max(0, live.segments[-1].peak - found["forward 0"].stop),
        other_gradients=sum(trained.values()) - inside,
    )


def highest(plain: Trace, again: Trace, order: list[int], checkpointed: int, accumulated: bool) -> Moment:
    """The moment of a step with the most bytes, where the first `checkpointed` layers are computed again.

    `plain` and `again` are traces without and with recomputation; `order` says for each layer which built one it is like.
    With `accumulated` all gradients are there from an earlier micro-batch.
    """
    costs = [(again if n < checkpointed else plain).layers[built] for n, built in enumerate(order)]
    all_gradients = sum(cost.gradients for cost in costs) + plain.other_gradients
    there = all_gradients if accumulated else 0
    moments = [Moment(0, 0, plain.begin, there)]
    kept = plain.start
    for cost in costs:
        moments.append(Moment(kept, 0, cost.forward, there))
        kept += cost.saved
    moments.append(Moment(kept, plain.head, 0, there))
    made = plain.other_gradients
    for cost in reversed(costs):
        made += cost.gradients  # the last of them come before the workspace is free
        moments.append(Moment(kept, 0, cost.backward, there or made))
        kept -= cost.saved
    moments.append(Moment(0, 0, 0, all_gradients))
    return max(moments, key=lambda moment: moment.bytes)


def batch_like(load: Load, run: RunFile) -> Batch:
    """A batch of the size of `load`, with rows as long and labels as many; its tokens mean nothing."""
    shape = (load.rows, load.width)
    documents = np.ones(shape, dtype=np.int64)
    positions = np.tile(np.arange(load.width), (load.rows, 1))
    if load.documents > 1:
        longest = min(load.longest or load.width, load.width - load.documents + 1)
        cuts = np.linspace(longest, load.width, load.documents, dtype=np.int64)[:-1]
        for number, cut in enumerate(cuts):
            documents[:, cut:] = number + 2
            positions[:, cut:] = np.arange(load.width - cut)
    elif run.tokens.padding_side == "left" and load.rows > 1 and load.width > 1:
        documents[1:, 0] = 0
    labels = np.full(shape, IGNORE, dtype=np.int64)
    room = labels[:, 1:]
    flat = room.reshape(-1).copy()
    flat[: max(1, min(load.supervised, flat.size))] = 0
    labels[:, 1:] = flat.reshape(room.shape)
    return Batch(
        np.zeros(shape, dtype=np.int64), labels, positions, documents, (), (), Padding(0, run.tokens.padding_side)
    )


def _attend_by_rows(model: nn.Module) -> None:
    try:
        attention.use_row_attention(model)
    except ModelError:
        attention.use_attention(model, "sdpa")


@contextmanager
def _as_on(device: torch.device) -> Iterator[None]:
    """What is chosen by the kind of device: kernels of a GPU that shapes cannot be given, and whose random state is kept."""
    if device.type != "cuda":
        yield
        return
    from torch.utils import checkpoint

    kernel, rows, norm, infer = attention._kernel, attention._row_by_row, F.rms_norm, checkpoint._infer_device_type
    changed: Any = attention
    changed._kernel, changed._row_by_row = (lambda: None), _one_kernel
    F.rms_norm = _fused_norm
    checkpoint._infer_device_type = lambda *args: "cpu"
    try:
        yield
    finally:
        changed._kernel, changed._row_by_row, F.rms_norm = kernel, rows, norm
        checkpoint._infer_device_type = infer


def _fused_norm(
    input: Tensor,  # noqa: A002 - torch's name
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """torch's norm in one kernel, which it takes on a GPU and writes out in several on shapes."""
    normed: Tensor = torch.ops.aten._fused_rms_norm(input, normalized_shape, weight, eps)[0]
    return normed


def _one_kernel(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    sizes: list[int],
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """What torch's attention over rows of any length holds: one fused kernel for all rows."""
    q, k, v = (x.transpose(0, 1)[None] for x in (query, key, value))
    grouped = q.shape[1] != k.shape[1]
    out = F.scaled_dot_product_attention(q, k, v, None, 0.0, is_causal=True, scale=scaling, enable_gqa=grouped)
    return out[0].transpose(0, 1)
