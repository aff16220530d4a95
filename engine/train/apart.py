"""Rows of a packed sequence must not see each other: which attention a model gets, and the proof on the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.tokens.collate import Batch, Padding
from engine.train.adapters import causal_lm
from engine.train.attention import inputs_of, use_attention, use_row_attention
from engine.train.model import evaluating


def settle_attention(model: nn.Module, run: RunFile, device: torch.device) -> str:
    """Give `model` the attention that the run file asks for and make sure that it keeps rows apart, where they are packed.

    Returns its name: "varlen", "sdpa" or "eager". Raises ModelError where the architecture mixes rows, or cannot do what
    model.attention asks for.
    """
    asked = run.model.attention
    packed = run.tokens.packing != "none" or run.tokens.padding_side == "left"
    loaded = str(causal_lm(model).config._attn_implementation)
    if asked == "varlen" or (asked == "auto" and packed):
        try:
            use_row_attention(model)
            check_packing(model, device)
            return "varlen"
        except (
            ModelError,
            RuntimeError,
        ) as error:  # a kernel says no with a RuntimeError: to a width of heads, for one
            if isinstance(error, torch.OutOfMemoryError):
                raise
            if asked == "varlen":
                raise ModelError(f'{error} Set model.attention = "auto".') from error
            use_attention(model, loaded)
    if packed:
        check_packing(model, device)
    return loaded


def check_packing(model: nn.Module, device: torch.device) -> None:
    """Make sure that this model keeps packed rows apart, and padding on the left away from a row.

    Raises ModelError when a row sees what stands before it. A row of three tokens is run alone, behind another row and behind
    padding, whose positions are all 0; its logits must agree within what the model's type can hold.
    """
    lm = causal_lm(model)
    with evaluating(model):
        behind = lm(**inputs_of(model, _behind(lm), device)).logits[:, 4:].float()
        alone = lm(input_ids=torch.arange(5, 8, device=device)[None] % _vocabulary(lm), use_cache=False).logits.float()
    difference = float((behind - alone).norm(dim=(1, 2)).max() / alone.norm())
    exact = next(model.parameters()).dtype == torch.float32
    if not difference < (1e-3 if exact else 5e-2):
        raise ModelError(
            "This architecture does not keep a row apart from what stands before it (its logits differ by "
            f'{100 * difference:.2g} % behind other tokens and alone). Set tokens.packing = "none" and '
            'tokens.padding_side = "right".'
        )


def _behind(lm: Any) -> Batch:
    """Two sequences that end in the same row of three tokens: behind a row of four, and behind padding."""
    ids = np.arange(1, 8, dtype=np.int64)[None].repeat(2, axis=0) % _vocabulary(lm)
    return Batch(
        ids=ids,
        labels=ids,
        positions=np.array([[0, 1, 2, 3, 0, 1, 2], [0, 0, 0, 0, 0, 1, 2]]),
        documents=np.array([[1, 1, 1, 1, 2, 2, 2], [0, 0, 0, 0, 1, 1, 1]]),
        origins=((), ()),
        rows=((), ()),
        padding=Padding(0, "left"),
    )


def _vocabulary(lm: Any) -> int:
    return int(lm.config.get_text_config().vocab_size)
