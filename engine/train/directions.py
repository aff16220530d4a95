"""Main directions of matrices: of a weight, and of what a layer sees. In float32, randomised where a matrix is large.

Shapes: I inputs and O outputs of a layer, R rank, N tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from engine.tokens.collate import Batch
from engine.train.model import evaluating

EXACT = 1024
"""Up to this many rows or columns the singular value decomposition is exact."""
OVERSAMPLING = 8
ITERATIONS = 8
SAMPLE = 1024
"""Tokens of a micro-batch that `see_inputs` looks at in each layer."""


def low_rank(matrix_OI: Tensor, rank: int, scale: float) -> tuple[Tensor, Tensor]:
    """A [R, I] and B [O, R], equally large, such that scale * B A is nearest to the matrix among those of this rank.

    R is less than `rank` where the matrix has fewer rows or columns. Large matrices: Halko et al. 2011, arXiv 0909.4061, from the
    generator of random numbers of the matrix's device.
    """
    if min(matrix_OI.shape) <= EXACT:
        u_OK, s_K, v_KI = torch.linalg.svd(matrix_OI, full_matrices=False)
    else:
        u_OK, s_K, v_IK = torch.svd_lowrank(matrix_OI, q=min(rank + OVERSAMPLING, *matrix_OI.shape), niter=ITERATIONS)
        v_KI = v_IK.T
    root_R = (s_K[:rank] / scale).sqrt()
    return (root_R[:, None] * v_KI[:rank]).contiguous(), (u_OK[:, :rank] * root_R).contiguous()


class _Sketch:
    """The main directions of the rows that it was shown, as rows of falling length; shape [K, I]."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.rows_KI: Tensor | None = None

    def show(self, x_NI: Tensor) -> None:
        """Take in so many rows more."""
        rows = x_NI if self.rows_KI is None else torch.cat([self.rows_KI, x_NI])
        _, s_K, v_IK = torch.svd_lowrank(rows, q=min(self.rank + OVERSAMPLING, *rows.shape), niter=ITERATIONS)
        self.rows_KI = s_K[:, None] * v_IK.T

    def directions(self) -> Tensor:
        """Orthonormal, the strongest first; at most `rank`, shape [R, I]."""
        assert self.rows_KI is not None
        _, _, v_KI = torch.linalg.svd(self.rows_KI, full_matrices=False)
        directions_RI: Tensor = v_KI[: self.rank]
        return directions_RI


def see_inputs(
    model: nn.Module,
    layers: dict[str, Any],
    rank: int,
    batches: Iterable[Batch],
    forward: Callable[[Batch], object],
    tokens: int,
) -> dict[str, Tensor]:
    """Name -> main directions, shape [R, I], of what each layer sees while `forward` computes micro-batches of `tokens` in all.

    Padding is left out. Layers that see the same tensor one after the other (queries, keys and values) share the work; those that
    see nothing are left out.
    """
    sketches: dict[str, _Sketch] = {}
    last: list[Any] = [None, None]
    keep: list[Tensor] = []

    def hook(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        def see(module: Any, inputs: tuple[Tensor, ...]) -> None:
            if not inputs:
                return  # called by keyword: nothing that peft's layers do
            x = inputs[0]
            if last[0] is x and name not in sketches:
                sketches[name] = last[1]
            sketch = sketches.setdefault(name, _Sketch(rank))
            if last[0] is not x or last[1] is not sketch:
                sketch.show(_some(x, keep[0]))
                last[:] = [x, sketch]

        return see

    handles = [layer.register_forward_pre_hook(hook(name)) for name, layer in layers.items()]
    seen = 0
    try:
        with evaluating(model):
            for batch in batches:
                keep[:] = [torch.from_numpy(batch.documents > 0)]
                forward(batch)
                last[:] = [None, None]
                seen += batch.tokens
                if seen >= tokens:
                    break
    finally:
        for handle in handles:
            handle.remove()
    return {name: sketch.directions() for name, sketch in sketches.items()}


def _some(x: Tensor, keep_BT: Tensor) -> Tensor:
    """Rows of `x`, [B, T, I] or [N, I], that are no padding, evenly drawn, in float32; shape [N, I]."""
    flat_NI = x.reshape(-1, x.shape[-1])
    keep_N = keep_BT.reshape(-1).to(x.device)
    if len(keep_N) == len(flat_NI):
        flat_NI = flat_NI[keep_N]
    return flat_NI[:: max(1, -(-len(flat_NI) // SAMPLE))].float()
