"""What a step holds where it cannot be traced: a rule of thumb from the sizes of the linear layers.

What follows a linear layer keeps its output, and norms and sums keep the layer's width three times; attention over pairs of
positions is not counted.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.plan.shapes import Shapes
from engine.plan.trace import LayerCost, Trace
from engine.plan_facts import Load
from engine.train.adapters import causal_lm
from engine.train.head import CHUNK_ELEMENTS
from engine.train.layers import layers_of

NOTE = "activations are a rule of thumb: this model could not be run on shapes"


def estimate(shapes: Shapes, load: Load, kind: str, dtype: torch.dtype, *, checkpointed: bool = False) -> Trace:
    """A trace as `trace.trace` gives it, from the widths of the linear layers alone."""
    cells = load.rows * load.width
    hidden = int(causal_lm(shapes.model).config.get_text_config().hidden_size)
    costs, inside = [], 0
    for layer in layers_of(shapes.model):
        linear = [m for m in layer.modules() if isinstance(m, nn.Linear)]
        whole = cells * (3 * hidden + sum(m.out_features for m in linear)) * dtype.itemsize
        most = 2 * cells * max((m.out_features for m in linear), default=1) * dtype.itemsize
        kept = cells * hidden * dtype.itemsize if checkpointed else whole
        gradients = sum(p.numel() * p.element_size() for p in layer.parameters() if p.requires_grad)
        inside += gradients
        costs.append(LayerCost(kept, whole + most, most + (whole if checkpointed else 0), gradients))
    trained = sum(p.numel() * p.element_size() for p in shapes.model.parameters() if p.requires_grad)
    logits = 3 * 4 * min(CHUNK_ELEMENTS[kind], load.supervised * shapes.vocabulary)
    return Trace(start=0, begin=0, layers=costs, head=logits, end=0, other_gradients=trained - inside)
