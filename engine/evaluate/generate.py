"""Greedy generation: the same prompt gives the same text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from engine.train.adapters import causal_lm
from engine.train.model import evaluating


def greedy(
    model: nn.Module, prompts: Sequence[Sequence[int]], max_new_tokens: int, ends: frozenset[int], padding: int
) -> list[list[int]]:
    """Return the new token ids for each prompt (a list of ids), up to and without the token that ends it.

    Prompts are padded on the left and masked, and decoded together. Nothing of the model's own generation settings (a
    repetition penalty, say) is used.
    """
    from transformers import GenerationConfig

    lm = causal_lm(model)
    device = next(model.parameters()).device
    width = max(len(p) for p in prompts)
    ids = torch.full((len(prompts), width), padding, dtype=torch.long, device=device)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(list(prompt), device=device)
        mask[row, width - len(prompt) :] = 1
    with evaluating(model):
        out = lm.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=GenerationConfig(
                max_new_tokens=max_new_tokens,
                do_sample=False,
                use_cache=True,
                eos_token_id=sorted(ends) or None,
                pad_token_id=padding,
            ),
        )
    return [_until_end([int(t) for t in row[width:]], ends) for row in out]


def _until_end(ids: list[int], ends: frozenset[int]) -> list[int]:
    stop = next((i for i, token in enumerate(ids) if token in ends), len(ids))
    return ids[:stop]
