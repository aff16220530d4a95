"""The loss through an output layer: its hand-written gradient is autograd's, in chunks of any size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from engine.train import head as module
from engine.train.head import Logits, frozen_loss, trained_loss

VOCABULARY, WIDTH, TOKENS = 50, 16, 23


def parts(bias: bool, dtype: torch.dtype = torch.float32) -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    head = nn.Linear(WIDTH, VOCABULARY, bias=bias).to(dtype).requires_grad_(False)
    hidden = (4 * torch.randn(TOKENS, WIDTH)).to(dtype).requires_grad_()
    return head, hidden, torch.randint(0, VOCABULARY, (TOKENS,))


def autograd(
    head: nn.Linear, hidden: torch.Tensor, targets: torch.Tensor, logits: Logits
) -> tuple[float, torch.Tensor]:
    """Loss and gradient as anybody would write them."""
    z = head(hidden).float() * logits.scale
    if logits.cap is not None:
        z = logits.cap * torch.tanh(z / logits.cap)
    loss = 0.25 * F.cross_entropy(z, targets, reduction="sum")
    return float(loss.detach()), torch.autograd.grad(loss, hidden)[0]


@pytest.mark.parametrize("elements", [1, VOCABULARY * 5, 1 << 20])
@pytest.mark.parametrize("logits", [Logits(), Logits(0.3), Logits(cap=2.0), Logits(3.0, 5.0)], ids=str)
@pytest.mark.parametrize("bias", [False, True])
def test_loss_and_gradient_are_those_of_autograd(
    monkeypatch: pytest.MonkeyPatch, bias: bool, logits: Logits, elements: int
) -> None:
    monkeypatch.setattr(module, "CHUNK_ELEMENTS", {"cpu": elements, "cuda": elements})
    head, hidden, targets = parts(bias)
    expected, gradient = autograd(head, hidden, targets, logits)
    for loss in (
        0.25 * frozen_loss(head, hidden, targets, logits),
        0.25 * trained_loss(head, hidden, targets, logits, VOCABULARY),
    ):
        assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)
        assert torch.allclose(torch.autograd.grad(loss, hidden)[0], gradient, atol=1e-6)


def test_a_trained_head_gets_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_ELEMENTS", {"cpu": VOCABULARY * 4, "cuda": 1})
    head, hidden, targets = parts(bias=True)
    head.requires_grad_(True)
    F.cross_entropy(head(hidden), targets, reduction="sum").backward()
    expected = [p.grad.clone() for p in head.parameters() if p.grad is not None]
    assert len(expected) == 2
    head.zero_grad()
    trained_loss(head, hidden, targets, Logits(), VOCABULARY).backward()
    for parameter, gradient in zip(head.parameters(), expected, strict=True):
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, gradient, atol=1e-5)


def test_bfloat16_is_summed_in_float32() -> None:
    head, hidden, targets = parts(bias=False, dtype=torch.bfloat16)
    expected, gradient = autograd(head, hidden, targets, Logits())
    loss = 0.25 * frozen_loss(head, hidden, targets, Logits())
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)
    ours = torch.autograd.grad(loss, hidden)[0]
    assert ours.dtype == torch.bfloat16
    assert (ours - gradient).norm() < 2e-2 * gradient.norm()


def test_without_gradients_none_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    head, hidden, targets = parts(bias=False)

    def refuse(*args: object, **keys: object) -> None:
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr(torch, "mm", refuse)
    with torch.no_grad():
        loss = frozen_loss(head, hidden.detach(), targets, Logits())
    assert not loss.requires_grad


def test_nothing_as_wide_as_the_vocabulary_is_kept() -> None:
    head, hidden, targets = parts(bias=False)
    kept: list[tuple[int, ...]] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        frozen_loss(head, hidden, targets, Logits())
    assert kept == [(TOKENS, WIDTH)]
