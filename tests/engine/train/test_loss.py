"""The numbers: equal to plain transformers, equal however a batch is laid out or cut, no gradient from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from engine.config.lora import LoraSection, QuantizationSection
from engine.config.runfile import RunFile
from engine.tokens.batches import Batch, BatchPlan, collate
from engine.tokens.folder import check_folder
from engine.tokens.prepare import Prepared, prepare
from engine.train import loss as loss_module
from engine.train.adapters import causal_lm, make_trainable
from engine.train.loss import SupervisedLoss, check_packing
from engine.train.model import evaluating, load_base

CPU = torch.device("cpu")


def run_file(model: Path, data: Path, bits: Any = 32) -> RunFile:
    return RunFile.model_validate(
        {
            "model": {"path": str(model)},
            "data": [{"path": str(data)}],
            "quantization": QuantizationSection(bits=bits).model_dump(),
            "lora": LoraSection(rank=4).model_dump(),
            "tokens": {"max_length": 128},
        }
    )


def shaken(run: RunFile) -> torch.nn.Module:
    """The model with adapters that do something: B is not zero."""
    model = make_trainable(load_base(Path(run.model.path), run, CPU), run)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.05
    return model


@pytest.fixture(scope="module")
def prepared(tiny_model: Path, tiny_tokenizer: Any, rows_file: Path) -> Prepared:
    return prepare(run_file(tiny_model, rows_file), tiny_tokenizer, check_folder(tiny_model))


def plain_loss(model: torch.nn.Module, batch: Batch) -> float:
    """Mean cross-entropy from ids and labels alone, as anybody would write it with transformers."""
    with evaluating(model):
        logits = causal_lm(model)(input_ids=torch.from_numpy(batch.ids)).logits
    targets = torch.from_numpy(batch.labels)[:, 1:]
    return float(F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), targets.flatten(), ignore_index=-100))


@pytest.mark.parametrize("bits", [4, 32])
def test_the_loss_is_that_of_a_plain_forward(tiny_model: Path, rows_file: Path, prepared: Prepared, bits: int) -> None:
    run = run_file(tiny_model, rows_file, bits)
    model = shaken(run)
    loss = SupervisedLoss(model, CPU)
    assert loss.own_head
    plan = BatchPlan(prepared.train, run.train, "none", 128, prepared.path.padding)
    for step in (1, 2, 3):
        batch = plan.batch(step)
        ours = float(loss.sum(batch).detach()) / batch.supervised_tokens
        assert ours == pytest.approx(plain_loss(model, batch), abs=1e-5)


def gradients(model: torch.nn.Module, batches: list[Batch]) -> tuple[float, dict[str, torch.Tensor]]:
    loss = SupervisedLoss(model, CPU)
    supervised = sum(batch.supervised_tokens for batch in batches)
    model.zero_grad()
    total = 0.0
    for batch in batches:
        part = loss.sum(batch) / supervised
        part.backward()
        total += float(part.detach())
    return total, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def assert_same(
    one: tuple[float, dict[str, torch.Tensor]], other: tuple[float, dict[str, torch.Tensor]], tol: float
) -> None:
    assert one[0] == pytest.approx(other[0], abs=tol)
    assert one[1].keys() == other[1].keys()
    assert one[1]
    for name, gradient in one[1].items():
        assert torch.allclose(gradient, other[1][name], atol=tol, rtol=1e-4), name


def test_any_cut_into_micro_batches_gives_the_same(tiny_model: Path, rows_file: Path, prepared: Prepared) -> None:
    model = shaken(run_file(tiny_model, rows_file))
    batch = collate(prepared.train, [[i] for i in range(8)], prepared.path.padding)
    assert len({int(n) for n in (batch.labels != -100).sum(axis=1)}) > 1, "answers of one length would prove nothing"
    whole = gradients(model, [batch])
    for size in (4, 2, 1, 3):
        assert_same(whole, gradients(model, batch.micro_batches(size)), 1e-6)


@pytest.mark.parametrize("bits", [4, 32])
def test_packed_and_unpacked_give_the_same(tiny_model: Path, rows_file: Path, prepared: Prepared, bits: int) -> None:
    model = shaken(run_file(tiny_model, rows_file, bits))
    padding = prepared.path.padding
    apart = gradients(model, [collate(prepared.train, [[i] for i in range(6)], padding)])
    packed = collate(prepared.train, [[0, 1, 2], [3, 4], [5]], padding)
    assert packed.packed
    assert_same(apart, gradients(model, [packed]), 1e-5)


def test_no_gradient_comes_from_a_prompt_token(tiny_model: Path, rows_file: Path, prepared: Prepared) -> None:
    """Whatever the targets of prompt tokens are, the gradient is the same."""
    model = shaken(run_file(tiny_model, rows_file))
    loss = SupervisedLoss(model, CPU)
    batch = collate(prepared.train, [[0], [1]], prepared.path.padding)
    embedded = causal_lm(model).get_input_embeddings()
    kept: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        output = output.detach().requires_grad_()
        kept.append(output)
        return output

    hook = embedded.register_forward_hook(keep)
    loss.sum(batch).backward()
    hook.remove()
    reach = np.flatnonzero(kept[0].grad.abs().sum(dim=(0, 2)).numpy())  # type: ignore[union-attr]
    last_used = max(np.flatnonzero(row != -100)[-1] for row in batch.labels) - 1
    assert reach.max() <= last_used
    unsupervised = batch.labels.copy()
    unsupervised[:] = -100
    silent = Batch(batch.ids, unsupervised, batch.positions, batch.documents, batch.rows)
    assert float(loss.sum(silent).detach()) == 0.0


def test_chunks_change_nothing(
    tiny_model: Path, rows_file: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shaken(run_file(tiny_model, rows_file))
    batch = collate(prepared.train, [[i] for i in range(8)], prepared.path.padding)
    whole = gradients(model, [batch])
    monkeypatch.setattr(loss_module, "CHUNK_ELEMENTS", 320 * 5)
    assert_same(whole, gradients(model, [batch]), 1e-6)


def test_a_head_that_scales_is_noticed(tiny_model: Path, rows_file: Path, prepared: Prepared) -> None:
    """A model that changes its logits after the output layer is run as a whole, and gives its own loss."""
    model = shaken(run_file(tiny_model, rows_file))
    lm = causal_lm(model)
    plain = lm.forward

    def scaled(*args: Any, **keys: Any) -> Any:
        out = plain(*args, **keys)
        out.logits = out.logits * 0.5
        return out

    lm.forward = scaled
    loss = SupervisedLoss(model, CPU)
    assert not loss.own_head
    batch = collate(prepared.train, [[0], [1]], prepared.path.padding)
    assert float(loss.sum(batch).detach()) / batch.supervised_tokens == pytest.approx(
        plain_loss(model, batch), abs=1e-5
    )


def test_a_model_that_mixes_packed_rows_is_refused(tiny_model: Path, rows_file: Path) -> None:
    from engine.errors import ModelError

    model = shaken(run_file(tiny_model, rows_file))
    check_packing(model, CPU)
    decoder = causal_lm(model).get_decoder()
    plain = decoder.forward

    def deaf(*args: Any, position_ids: Any = None, **keys: Any) -> Any:
        return plain(*args, **keys)

    decoder.forward = deaf
    with pytest.raises(ModelError, match='packing = "none"'):
        check_packing(model, CPU)
