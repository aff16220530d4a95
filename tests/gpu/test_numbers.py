"""Numbers in bfloat16 on a GPU: attention row by row, packing, and what is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.config.runfile import RunFile
from engine.tokens.collate import Batch, Padding
from engine.train import attention
from engine.train.adapters import make_trainable
from engine.train.attention import use_attention, use_row_attention
from engine.train.loss import SupervisedLoss
from engine.train.model import load_base

pytestmark = pytest.mark.gpu

LENGTHS = [[60, 25, 40, 3], [17, 90, 20]]
"""Rows of two packed sequences."""


def shaken(folder: Path, device: torch.device) -> nn.Module:
    """The model in NF4 and bfloat16, with adapters that do something."""
    run = RunFile.model_validate(
        {
            "model": {"path": str(folder)},
            "data": [{"path": "rows.jsonl"}],
            "quantization": {"compute_dtype": "bfloat16"},
            "lora": {"rank": 8},
            "train": {"gradient_checkpointing": False},
        }
    )
    model = make_trainable(load_base(folder, run, device), run)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return model.train()


def packed(lengths: list[list[int]]) -> Batch:
    """A batch of random tokens, all learned but the first of each row."""
    width = max(sum(line) for line in lengths)
    generator = np.random.default_rng(0)
    ids = generator.integers(3, 300, (len(lengths), width))
    labels, positions, documents = np.full_like(ids, -100), np.zeros_like(ids), np.zeros_like(ids)
    for b, line in enumerate(lengths):
        at = 0
        for number, length in enumerate(line, 1):
            part = slice(at, at + length)
            positions[b, part], documents[b, part] = np.arange(length), number
            labels[b, at + 1 : at + length] = ids[b, at + 1 : at + length]
            at += length
    origins = tuple(tuple(f"row {n}" for n in range(len(line))) for line in lengths)
    rows = tuple(tuple(range(len(line))) for line in lengths)
    return Batch(ids, labels, positions, documents, origins, rows, Padding(0))


def alone(batch: Batch) -> list[Batch]:
    """Each row of a packed batch in a batch of its own."""
    found = []
    for b in range(len(batch.ids)):
        for number in range(1, int(batch.documents[b].max()) + 1):
            here = batch.documents[b] == number
            fields = [getattr(batch, name)[b : b + 1, here] for name in ("ids", "labels", "positions")]
            found.append(Batch(*fields, np.ones_like(fields[0]), (("row",),), ((0,),), batch.padding))
    return found


def loss_and_gradient(model: nn.Module, batches: list[Batch], device: torch.device) -> tuple[float, Tensor]:
    """(summed loss, all gradients in one vector)."""
    model.zero_grad(set_to_none=True)
    loss = SupervisedLoss(model, device)
    total = sum((loss.sum(batch) for batch in batches), torch.zeros((), device=device))
    total.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.float().flatten() for p in model.parameters() if p.grad is not None]
    return float(total.detach()), torch.cat(gradients)


def assert_close(one: tuple[float, Tensor], other: tuple[float, Tensor]) -> None:
    """Equal within what bfloat16 holds: 8 bits of a number."""
    assert one[0] == pytest.approx(other[0], rel=5e-3)
    assert float((one[1] - other[1]).norm() / other[1].norm()) < 5e-2


def test_attention_row_by_row_is_attention_with_a_mask(wide: Path, device: torch.device) -> None:
    model, batch = shaken(wide, device), packed(LENGTHS)
    use_attention(model, "sdpa")
    with_mask = loss_and_gradient(model, [batch], device)
    use_row_attention(model)
    row_by_row = loss_and_gradient(model, [batch], device)
    assert_close(row_by_row, with_mask)


def test_the_kernel_for_rows_of_any_length_is_used(
    wide: Path, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    if attention._kernel() is None:
        pytest.skip("this torch has no attention over rows of any length")
    model, batch = shaken(wide, device), packed(LENGTHS)
    use_row_attention(model)

    def refused(*arguments: object) -> Tensor:
        raise AssertionError("the rows were gone through one by one")

    monkeypatch.setattr(attention, "_row_by_row", refused)
    assert loss_and_gradient(model, [batch], device)[0] > 0


def test_packed_rows_are_worth_what_they_are_worth_alone(wide: Path, device: torch.device) -> None:
    model, batch = shaken(wide, device), packed(LENGTHS)
    use_row_attention(model)
    together = loss_and_gradient(model, [batch], device)
    assert_close(together, loss_and_gradient(model, alone(batch), device))


def test_no_gradient_comes_from_rows_without_labels(wide: Path, device: torch.device) -> None:
    model, batch = shaken(wide, device), packed(LENGTHS)
    use_row_attention(model)
    batch.labels[0, batch.documents[0] != 2] = -100
    batch.labels[1] = -100
    only = loss_and_gradient(model, [batch], device)
    assert_close(only, loss_and_gradient(model, [alone(packed(LENGTHS))[1]], device))
