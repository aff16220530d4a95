"""What is done to layers changes nothing of what they compute: fused adapters, row attention, checkpoints, compilation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.tokens.collate import Batch, Padding
from engine.train.adapters import make_trainable
from engine.train.apart import settle_attention
from engine.train.attention import row_mask, uses_row_attention
from engine.train.fused import fuse_lora
from engine.train.layers import checkpoint_layers, layers_of, prepare_layers
from engine.train.loss import SupervisedLoss
from engine.train.model import evaluating, load_base

CPU = torch.device("cpu")


def run_file(folder: Path, **keys: Any) -> RunFile:
    tables: dict[str, Any] = {
        "model": {"path": str(folder)},
        "data": [{"path": "rows.jsonl"}],
        "quantization": {"bits": 32},
        "lora": {"rank": 4},
        "tokens": {"packing": "bfd"},
        "train": {"gradient_checkpointing": False},
    }
    for name, table in keys.items():
        tables[name] = {**tables.get(name, {}), **table}
    return RunFile.model_validate(tables)


def shaken(run: RunFile) -> nn.Module:
    """The model with adapters that do something, in training mode."""
    model = make_trainable(load_base(Path(run.model.path), run, CPU), run)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.05).to(parameter.dtype)
    return model.train()


def batch_of(sizes: list[list[int]], width: int = 48) -> Batch:
    """Sequences of packed rows with these lengths, padded on the right."""
    shape = (len(sizes), width)
    ids = np.random.default_rng(0).integers(3, 300, shape)
    positions, documents = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for b, lengths in enumerate(sizes):
        at = 0
        for number, length in enumerate(lengths, 1):
            positions[b, at : at + length] = np.arange(length)
            documents[b, at : at + length] = number
            at += length
    labels = np.where((documents > 0) & (positions > 1), ids, -100)
    return Batch(ids, labels, positions, documents, ((),) * len(sizes), ((),) * len(sizes), Padding(0))


PACKED = batch_of([[20, 1, 17, 9], [40]])


def outcome(model: nn.Module, batch: Batch = PACKED) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients."""
    model.zero_grad()
    loss = SupervisedLoss(model, CPU).sum(batch)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def assert_same(one: tuple[float, dict[str, torch.Tensor]], other: tuple[float, dict[str, torch.Tensor]]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-6)
    assert one[1].keys() == other[1].keys()
    assert one[1]
    for name, gradient in one[1].items():
        assert torch.allclose(gradient, other[1][name], atol=2e-5, rtol=1e-4), name


@pytest.mark.parametrize("bits", [4, 32])
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"], ["gate_proj"]], ids=str)
def test_fused_adapters_compute_what_pefts_do(tiny_model: Path, bits: int, targets: Any) -> None:
    model = shaken(run_file(tiny_model, quantization={"bits": bits}, lora={"target_modules": targets, "rslora": True}))
    before = outcome(model)
    fused = fuse_lora(model)
    assert fused == {"all-linear": 14, "q_proj": 4, "gate_proj": 2}[targets if isinstance(targets, str) else targets[0]]
    gated = sum("forward" in vars(m) for m in model.modules() if type(m).__name__ == "LlamaMLP")
    assert gated == (2 if targets != ["gate_proj"] else 0)
    assert_same(outcome(model), before)


def test_bfloat16_adapters_stay_close(tiny_model: Path) -> None:
    model = shaken(run_file(tiny_model, quantization={"bits": 16}))
    before, _ = outcome(model)
    assert fuse_lora(model) == 14
    after, gradients = outcome(model)
    assert after == pytest.approx(before, rel=5e-3)
    assert {g.dtype for g in gradients.values()} == {torch.float32}, "adapters are trained in float32"


@pytest.mark.parametrize("lora", [{"dora": True}, {"dropout": 0.1}], ids=str)
def test_other_adapters_stay_pefts_own(tiny_model: Path, lora: dict[str, Any]) -> None:
    assert fuse_lora(shaken(run_file(tiny_model, lora=lora))) == 0


def test_adapters_that_are_off_are_off(tiny_model: Path) -> None:
    model: Any = shaken(run_file(tiny_model))
    ids = torch.arange(3, 13)[None]
    with evaluating(model):
        tuned = model(input_ids=ids).logits
        with model.disable_adapter():
            base = model(input_ids=ids).logits
        fuse_lora(model)
        with model.disable_adapter():
            assert torch.equal(model(input_ids=ids).logits, base)
        assert torch.allclose(model(input_ids=ids).logits, tuned, atol=1e-5)
    assert not torch.allclose(tuned, base, atol=1e-3)


def test_row_attention_is_masked_attention(tiny_model: Path) -> None:
    plain, rows = run_file(tiny_model, model={"attention": "sdpa"}), run_file(tiny_model)
    masked = shaken(plain)
    assert settle_attention(masked, plain, CPU) == "sdpa"
    model = shaken(rows)
    assert settle_attention(model, rows, CPU) == "varlen"
    assert_same(outcome(model), outcome(masked))


def test_row_attention_keeps_a_sliding_window(tmp_path: Path) -> None:
    """A row longer than the window sees the window only, a shorter one all of itself."""
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    MistralForCausalLM(
        MistralConfig(vocab_size=320, num_key_value_heads=2, sliding_window=8, max_position_embeddings=64, **shape)
    ).save_pretrained(tmp_path)
    run, plain = run_file(tmp_path), run_file(tmp_path, model={"attention": "sdpa"})
    model, masked = shaken(run), shaken(plain)
    assert (settle_attention(model, run, CPU), settle_attention(masked, plain, CPU)) == ("varlen", "sdpa")
    assert_same(outcome(model), outcome(masked))


def test_what_row_attention_cannot_do_is_left_to_others(tmp_path: Path) -> None:
    """Gemma 2 bounds its attention scores: told where it was asked for, and left alone where it was not."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    Gemma2ForCausalLM(
        Gemma2Config(vocab_size=320, num_key_value_heads=2, head_dim=8, max_position_embeddings=64, **shape)
    ).save_pretrained(tmp_path)
    run, asked = run_file(tmp_path), run_file(tmp_path, model={"attention": "varlen"})
    model = shaken(run)
    assert settle_attention(model, run, CPU) == "eager"
    with pytest.raises(ModelError, match=r'model.attention = "auto"'):
        settle_attention(model, asked, CPU)
    loss = SupervisedLoss(model, CPU)
    assert loss.own_head
    assert loss.logits.cap == 30.0


def test_rows_begin_where_documents_change_and_where_lines_do() -> None:
    mask: Any = row_mask(PACKED, CPU)
    assert mask.shape == (1, 1, 1, 8)
    assert mask.sizes == [20, 1, 17, 9, 1, 40, 8]
    assert mask.flatten().tolist() == [0, 20, 21, 38, 47, 48, 88, 96]


def test_generation_after_row_attention_is_that_of_sdpa(tiny_model: Path) -> None:
    from engine.evaluate.generate import greedy

    run = run_file(tiny_model)
    model = shaken(run)
    prompts = [[5, 6, 7, 8], [9, 10]]
    before = greedy(model, prompts, 8, frozenset({1}), 2)
    settle_attention(model, run, CPU)
    prepare_layers(model, run, CPU, 0)
    assert uses_row_attention(model)
    assert greedy(model, prompts, 8, frozenset({1}), 2) == before


@pytest.mark.parametrize("count", [0, 1, 2])
def test_layers_computed_again_give_the_same(tiny_model: Path, count: int) -> None:
    run = run_file(tiny_model, quantization={"bits": 4})
    model = shaken(run)
    settle_attention(model, run, CPU)
    before = outcome(model)
    assert prepare_layers(model, run, CPU, count) == count
    assert [layer.gradient_checkpointing for layer in layers_of(model)] == [n < count for n in range(2)]
    assert_same(outcome(model), before)
    kept: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    def bytes_kept(checkpointed: int) -> int:
        kept.clear()
        checkpoint_layers(model, checkpointed)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            SupervisedLoss(model, CPU).sum(PACKED)
        return sum(kept)

    assert bytes_kept(2) < bytes_kept(1) < bytes_kept(0)


def test_checkpointing_is_refused_where_layers_have_no_name(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_file(tiny_model, train={"gradient_checkpointing": True})
    model = shaken(run)
    monkeypatch.setattr("engine.train.layers.layers_of", lambda model: [])
    with pytest.raises(ModelError, match="gradient_checkpointing = false"):
        prepare_layers(model, run, CPU, 2)


def test_liger_is_refused_on_a_cpu(tiny_model: Path) -> None:
    run = run_file(tiny_model, model={"liger": True})
    with pytest.raises(ModelError, match="needs an NVIDIA GPU"):
        prepare_layers(shaken(run), run, CPU, 0)


def test_each_layer_is_compiled_for_any_width(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_file(tiny_model, train={"compile": True})
    model = shaken(run)
    compiled: list[tuple[str, Any]] = []
    monkeypatch.setattr(nn.Module, "compile", lambda layer, **keys: compiled.append((type(layer).__name__, keys)))
    prepare_layers(model, run, CPU, 0)
    assert compiled == [("LlamaDecoderLayer", {"dynamic": True})] * 2


@pytest.mark.parametrize("bits", [4, 32])
def test_a_layer_without_adapter_beside_a_fused_one_keeps_its_weight(tiny_model: Path, bits: int) -> None:
    """A model comes from its folder in evaluation mode, in which bitsandbytes repacks weights on some CPUs."""
    run = run_file(tiny_model, quantization={"bits": bits}, lora={"target_modules": ["down_proj"]})
    model = make_trainable(load_base(tiny_model, run, CPU), run)
    weights = [module.weight.data_ptr() for module in model.modules() if isinstance(module, nn.Linear)]
    assert fuse_lora(model) == 2
    assert [module.weight.data_ptr() for module in model.modules() if isinstance(module, nn.Linear)] == weights
    assert sum("forward" in vars(m) for m in model.modules() if type(m).__name__ == "LlamaMLP") == 2


def test_a_fused_model_can_be_merged(tiny_model: Path) -> None:
    model: Any = shaken(run_file(tiny_model))
    fuse_lora(model)
    ids = torch.arange(3, 13)[None]
    with evaluating(model):
        tuned = model(input_ids=ids).logits
        assert torch.allclose(model.merge_and_unload()(input_ids=ids).logits, tuned, atol=1e-5)


def test_row_attention_keeps_the_chunks_of_a_row(tmp_path: Path) -> None:
    """Some layers of Llama 4 see the chunk of a row only; packed, a chunk begins where its row does."""
    from transformers import Llama4ForCausalLM, Llama4TextConfig

    torch.manual_seed(0)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "head_dim": 8,
    }
    kinds = ["chunked_attention", "full_attention"]
    config = Llama4TextConfig(
        vocab_size=320, num_key_value_heads=2, intermediate_size_mlp=48, num_local_experts=2, attention_chunk_size=8,
        layer_types=kinds, no_rope_layers=[1, 0], **shape,
    )  # fmt: skip
    Llama4ForCausalLM(config).save_pretrained(tmp_path)
    run = run_file(tmp_path, quantization={"bits": 32}, lora={"target_modules": "attention"})
    plain = shaken(run_file(tmp_path, model={"attention": "sdpa"}, lora={"target_modules": "attention"}))
    model = shaken(run)
    assert settle_attention(model, run, CPU) == "varlen"
    packed, alone = batch_of([[20, 12]], 32), batch_of([[20]], 20)
    together = SupervisedLoss(model, CPU).sum(packed)
    first = SupervisedLoss(plain, CPU).sum(alone)
    other = replace(batch_of([[12]], 12), ids=packed.ids[:, 20:], labels=packed.labels[:, 20:])
    rest = SupervisedLoss(plain, CPU).sum(other)
    assert packed.supervised_tokens == alone.supervised_tokens + other.supervised_tokens
    assert float(together.detach()) == pytest.approx(float((first + rest).detach()), rel=1e-5)
