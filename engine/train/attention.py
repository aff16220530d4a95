"""Attention over packed rows, one by one: nothing between two rows is ever computed.

A packed batch is told to the model by a mask that holds no pairs of positions, only where rows begin (`row_mask`); the
attention that is registered here under NAME reads it. All other batches, and generation, go through transformers' own SDPA.
Shapes: B sequences, T tokens, H heads, K key and value heads, D width of a head, R rows.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from engine.errors import ModelError
from engine.tokens.collate import Batch
from engine.train.adapters import causal_lm

NAME = "luthier"
UNKNOWN = ("softcap", "s_aux", "position_bias", "cache")
"""What some architectures ask of attention that is not computed here."""


def use_row_attention(model: nn.Module) -> None:
    """Let every layer of `model` attend through `row_attention`.

    Raises ModelError where the architecture cannot be given another attention. Whether it computes the same is not known by this:
    `apart.check_packing` tells.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    lm = causal_lm(model)
    if not (lm._supports_sdpa and lm._supports_attention_backend and lm._can_set_attn_implementation()):
        raise ModelError(f"{type(lm).__name__} cannot be given another attention.")
    ALL_ATTENTION_FUNCTIONS.register(NAME, functools.partial(row_attention, sdpa_attention_forward))
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, sdpa_mask)
    lm.set_attn_implementation(NAME)


def use_attention(model: nn.Module, name: str) -> None:
    """Let every layer of `model` attend through an attention of transformers, "sdpa" for one."""
    causal_lm(model).set_attn_implementation(name)


def uses_row_attention(model: nn.Module) -> bool:
    """Whether `use_row_attention` is in force."""
    return bool(causal_lm(model).config._attn_implementation == NAME)


def row_mask(batch: Batch, device: torch.device) -> Tensor:
    """Where the rows of a batch begin and where the last one ends, as a mask of shape [1, 1, 1, R + 1], int32.

    Tokens are counted through all B sequences. Padding counts as rows of its own. The lengths of the rows, in tokens, are its
    attribute `sizes`.
    """
    starts = np.ones(batch.documents.shape, dtype=bool)
    starts[:, 1:] = batch.documents[:, 1:] != batch.documents[:, :-1]
    bounds = np.append(np.flatnonzero(starts), batch.documents.size)
    mask_1_1_1_R = torch.from_numpy(bounds.astype(np.int32)).view(1, 1, 1, -1).to(device)
    mask_1_1_1_R.sizes = [int(stop - start) for start, stop in pairwise(bounds)]  # type: ignore[attr-defined]
    return mask_1_1_1_R


def inputs_of(model: nn.Module, batch: Batch, device: torch.device) -> dict[str, Any]:
    """What a model is called with for a batch: ids, and what keeps rows, and padding on the left, apart.

    Padding on the right needs nothing: no token before it sees it.
    """
    inputs: dict[str, Any] = {"input_ids": torch.from_numpy(batch.ids).to(device), "use_cache": False}
    if batch.needs_positions:
        inputs["position_ids"] = torch.from_numpy(batch.positions).to(device)
        if uses_row_attention(model):
            inputs["attention_mask"] = row_mask(batch, device)
    return inputs


def row_attention(
    otherwise: Callable[..., tuple[Tensor, None]],
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention of each row to itself; `query` is [B, H, T, D], `key` and `value` are [B, K, T, D].

    Returns [B, T, H, D]. Without a `row_mask` it is `otherwise`. Raises ModelError for what some architectures ask beyond.
    """
    if attention_mask is None or attention_mask.dtype != torch.int32:
        return otherwise(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs)
    asked = [name for name in UNKNOWN if kwargs.get(name) is not None]
    if asked:
        raise ModelError(f"attention with {' and '.join(asked)} is not computed row by row")
    batch, _, width, _ = query.shape
    flat = [x.transpose(1, 2).flatten(0, 1) for x in (query, key, value)]  # [B T, H or K, D]
    window = kwargs.get("sliding_window")
    with_kernel = _kernel() if query.device.type == "cuda" and query.dtype != torch.float32 and not dropout else None
    sizes: list[int] = getattr(attention_mask, "sizes", None) or attention_mask.flatten().diff().tolist()
    bounds, chunk = attention_mask.flatten(), _chunk(module)
    if chunk is not None and max(sizes) > chunk:  # a chunk sees no more of its row than a row of a sequence
        sizes = [min(chunk, size - start) for size in sizes for start in range(0, size, chunk)]
        bounds = torch.tensor([0, *accumulate(sizes)], dtype=torch.int32, device=query.device)
    if with_kernel is not None:
        out = with_kernel(*flat, bounds, max(sizes), scaling, window)
    else:
        out = _row_by_row(*flat, sizes, dropout, scaling, window)
    return out.view(batch, width, *out.shape[1:]), None


def _chunk(module: nn.Module) -> int | None:
    """Tokens of a row from which on a layer begins to see anew (Llama 4); None where it sees all before it."""
    config: Any = getattr(module, "config", None)
    kinds = getattr(config, "layer_types", None)
    number: Any = getattr(module, "layer_idx", None)
    if not kinds or number is None or kinds[number] != "chunked_attention":
        return None
    return int(config.attention_chunk_size)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # its loop is as long as there are rows
def _row_by_row(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    sizes: list[int],
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """SDPA for each row: [B T, H, D] and twice [B T, K, D] -> [B T, H, D]."""
    rows = []
    parts = (torch.split(x.transpose(0, 1)[None], sizes, dim=2) for x in (query, key, value))
    for q, k, v in zip(*parts, strict=True):
        near = _near(q.shape[2], window, q.device) if window is not None and q.shape[2] > window else None
        rows.append(
            F.scaled_dot_product_attention(
                q, k, v, near, dropout, is_causal=near is None, scale=scaling, enable_gqa=q.shape[1] != k.shape[1]
            )
        )
    return torch.cat([row[0].transpose(0, 1) for row in rows])


def _near(length: int, window: int, device: torch.device) -> Tensor:
    """The pairs [T, T] in which a token sees itself and the `window` - 1 tokens before it."""
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)
    return (distance >= 0) & (distance < window)


@functools.cache
def _kernel() -> Callable[..., Tensor] | None:
    """torch's attention over rows of any length, where this torch has it."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    if not {"scale", "window_size"} <= set(known):
        return None

    def attend(
        q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, longest: int, scale: float | None, window: int | None
    ) -> Tensor:
        groups = q.shape[1] // k.shape[1]
        extra: dict[str, Any] = {}
        if groups > 1 and "enable_gqa" in known:
            extra["enable_gqa"] = True
        elif groups > 1:
            k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
        sight = (window - 1 if window is not None else -1, 0)
        out = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scale, window_size=sight, **extra)
        assert isinstance(out, Tensor)
        return out

    return attend
