"""Norms in few passes compute what transformers' do, and others are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from engine.train.norms import fuse_norms


def gradients(norm: Any, trained: bool) -> list[torch.Tensor]:
    """Output, and gradients of the input and, where it is trained, of the weight."""
    torch.manual_seed(1)
    x = torch.randn(2, 5, 24, requires_grad=True)
    norm.requires_grad_(trained)
    norm.zero_grad()
    out = norm(x)
    out.backward(torch.randn(2, 5, 24))
    assert x.grad is not None
    return [out.detach(), x.grad, *(p.grad.clone() for p in norm.parameters() if p.grad is not None)]


@pytest.mark.parametrize("trained", [False, True])
def test_output_and_gradients_are_the_same(trained: bool) -> None:
    norm: Any = LlamaRMSNorm(24, eps=1e-3)
    torch.nn.init.uniform_(norm.weight)
    before = gradients(norm, trained)
    assert fuse_norms(norm) == 1
    after = gradients(norm, trained)
    assert len(before) == len(after) == (3 if trained else 2)
    for ours, theirs in zip(after, before, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_a_norm_that_means_something_else_is_left_alone() -> None:
    norm: Any = Gemma2RMSNorm(24)  # it multiplies by one plus its weight
    torch.nn.init.uniform_(norm.weight)
    assert fuse_norms(norm) == 0


def test_every_norm_of_a_model_is_fused_once(tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    ids = torch.arange(3, 13)[None]
    before = model(input_ids=ids).logits
    assert fuse_norms(model) == 5
    assert fuse_norms(model) == 0
    assert torch.allclose(model(input_ids=ids).logits, before, atol=1e-5)
