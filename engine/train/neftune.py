"""Noise on the embeddings while training (NEFTune, Jain et al. 2023, arXiv 2310.05914).

Uniform in [-1, 1], scaled by alpha / sqrt(L D) for a row of L tokens and width D. It is a function of (seed, step, row): the
same however a global batch is cut or packed, nothing to save for a resume, and no draw from the random state of dropout. It
is there only inside `on`: never in evaluation or samples.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.tokens.collate import Batch
from engine.train.adapters import causal_lm


class Neftune:
    """Adds the noise to what the embedding of one model gives."""

    def __init__(self, model: nn.Module, alpha: float, seed: int, device: torch.device) -> None:
        self.alpha, self.seed = alpha, seed
        self._generator = torch.Generator(device)
        self._now: tuple[Batch, int] | None = None
        if alpha:
            causal_lm(model).get_input_embeddings().register_forward_hook(self._add)

    @contextmanager
    def on(self, batch: Batch, step: int) -> Iterator[None]:
        """Noise for forward passes on `batch` in `step`, for the time of the block."""
        self._now = (batch, step)
        try:
            yield
        finally:
            self._now = None

    def _add(self, module: nn.Module, inputs: Any, embedded_BTD: Tensor) -> Tensor | None:
        return None if self._now is None else embedded_BTD + self.noise(*self._now, embedded_BTD)

    def noise(self, batch: Batch, step: int, like_BTD: Tensor) -> Tensor:
        """The noise for `batch`, zero in the padding; shape, type and device of `like_BTD`."""
        noise_BTD = torch.zeros_like(like_BTD, requires_grad=False)
        width = like_BTD.shape[-1]
        for line, rows in enumerate(batch.rows):
            numbers_T = batch.documents[line]
            at = int((numbers_T > 0).argmax())
            for row, length in zip(rows, np.bincount(numbers_T, minlength=len(rows) + 1)[1:].tolist(), strict=True):
                self._generator.manual_seed(_key(self.seed, step, row))
                part = noise_BTD[line, at : at + length]
                part.uniform_(-1, 1, generator=self._generator).mul_(self.alpha / math.sqrt(length * width))
                at += length
        return noise_BTD


def _key(seed: int, step: int, row: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{step}/{row}".encode(), digest_size=7).digest(), "little")
