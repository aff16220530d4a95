"""The numbers: equal to plain transformers, equal however a batch is laid out or cut, no gradient from a prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from engine.config.lora import LoraSection, QuantizationSection
from engine.config.runfile import RunFile
from engine.config.tokens import TokensSection
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import Batch, Padding, collate
from engine.tokens.folder import check_folder
from engine.tokens.prepare import Prepared, prepare
from engine.tokens.sequences import whole
from engine.train import head
from engine.train.adapters import causal_lm, make_trainable
from engine.train.apart import check_packing, settle_attention
from engine.train.loss import SupervisedLoss
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


def laid(prepared: Prepared, lines: list[list[int]], **padding: Any) -> Batch:
    """Training sequences in a rectangle, each line holding those with the numbers in it."""
    pieces = [[whole(prepared.train, i) for i in line] for line in lines]
    return collate(prepared.train, pieces, Padding(prepared.path.padding, **padding))


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
    plan = BatchPlan(prepared.train, run.train, TokensSection(), 128, prepared.path.padding)
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
    batch = laid(prepared, [[i] for i in range(8)])
    assert len({int(n) for n in (batch.labels != -100).sum(axis=1)}) > 1, "answers of one length would prove nothing"
    whole = gradients(model, [batch])
    for size in (4, 2, 1, 3):
        assert_same(whole, gradients(model, batch.micro_batches(size)), 1e-6)


@pytest.mark.parametrize("bits", [4, 32])
def test_packed_and_unpacked_give_the_same(tiny_model: Path, rows_file: Path, prepared: Prepared, bits: int) -> None:
    model = shaken(run_file(tiny_model, rows_file, bits))
    apart = gradients(model, [laid(prepared, [[i] for i in range(6)])])
    packed = laid(prepared, [[0, 1, 2], [3, 4], [5]])
    assert packed.packed
    assert_same(apart, gradients(model, [packed]), 1e-5)


def test_no_gradient_comes_from_a_prompt_token(tiny_model: Path, rows_file: Path, prepared: Prepared) -> None:
    """Whatever the targets of prompt tokens are, the gradient is the same."""
    model = shaken(run_file(tiny_model, rows_file))
    loss = SupervisedLoss(model, CPU)
    batch = laid(prepared, [[0], [1]])
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
    silent = replace(batch, labels=np.full_like(batch.labels, -100))
    assert float(loss.sum(silent).detach()) == 0.0


def test_chunks_change_nothing(
    tiny_model: Path, rows_file: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shaken(run_file(tiny_model, rows_file))
    batch = laid(prepared, [[i] for i in range(8)])
    whole = gradients(model, [batch])
    monkeypatch.setattr(head, "CHUNK_ELEMENTS", {"cpu": 320 * 5, "cuda": 320 * 5})
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
    batch = laid(prepared, [[0], [1]])
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
    with pytest.raises(ModelError, match=r'packing = "none".*padding_side = "right"'):
        check_packing(model, CPU)


def gpt2(folder: Path, vocabulary: int) -> Path:
    """A GPT-2, whose positions are learned: a wrong one changes every number."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    shape = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "resid_pdrop": 0, "attn_pdrop": 0}
    GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, embd_pdrop=0, **shape)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("attention", ["varlen", "sdpa", "eager"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_side_and_the_width_of_padding_change_nothing(
    tmp_path: Path, tiny_model: Path, rows_file: Path, prepared: Prepared, architecture: str, attention: str
) -> None:
    folder = tiny_model if architecture == "llama" else gpt2(tmp_path, prepared.path.vocabulary or 0)
    run = run_file(folder, rows_file)
    run.model.attention = attention  # type: ignore[assignment]
    run.tokens.padding_side = "left"
    model = shaken(run)
    assert settle_attention(model, run, CPU) == attention
    lines = [[i] for i in range(8)]
    right = laid(prepared, lines)
    assert len({int(n) for n in (right.documents > 0).sum(axis=1)}) > 1, "rows of one length would prove nothing"
    expected = gradients(model, [right])
    for padding in (
        {"side": "left"},
        {"side": "left", "multiple": 64},
        {"multiple": 64},
        {"side": "left", "least": 120},
    ):
        batch = laid(prepared, lines, **padding)
        assert batch.needs_positions == ("side" in padding)
        assert_same(expected, gradients(model, [batch]), 1e-6)
        assert_same(expected, gradients(model, batch.micro_batches(3)), 1e-6)
    packed = laid(prepared, [[0, 1, 2], [3, 4], [5], [6, 7]], side="left")
    assert_same(expected, gradients(model, [packed]), 1e-6)


def test_padding_on_the_left_that_a_row_sees_is_refused(tiny_model: Path, rows_file: Path) -> None:
    """A model may keep packed rows apart and yet take padding, whose positions are all 0, for the row's beginning."""
    from engine.errors import ModelError

    model = shaken(run_file(tiny_model, rows_file))
    decoder = causal_lm(model).get_decoder()
    plain = decoder.forward

    def forgetful(*args: Any, position_ids: Any = None, **keys: Any) -> Any:
        if position_ids is not None and position_ids.shape[0] == 2:
            position_ids = torch.stack([position_ids[0], torch.arange(position_ids.shape[1])])
        return plain(*args, position_ids=position_ids, **keys)

    decoder.forward = forgetful
    with pytest.raises(ModelError, match="what stands before it"):
        check_packing(model, CPU)


def test_a_model_whose_decoder_is_its_output_layer_computes_its_own_logits() -> None:
    """ModernBERT as a decoder names its output layer so."""
    from transformers import ModernBertDecoderConfig, ModernBertDecoderForCausalLM

    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = ModernBertDecoderConfig(vocab_size=96, pad_token_id=0, max_position_embeddings=64, **shape)
    assert not SupervisedLoss(ModernBertDecoderForCausalLM(config), CPU).own_head
