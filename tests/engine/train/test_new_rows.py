"""Rows of new tokens: where they start, that they alone are trained and saved, and what cannot have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.config.load import dump, load
from engine.config.runfile import RunFile
from engine.errors import ModelError, RunError
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.tokens.new_tokens import NewTokens
from engine.train.adapters import ADAPTER_WEIGHTS, causal_lm, load_weights, make_trainable, save_weights
from engine.train.checkpoint import newest
from engine.train.embeddings import end_with, is_tied, make_rows
from engine.train.model import count_parameters, load_base
from engine.train.optimizer import make_optimizer
from tests.engine.train.test_loop import work
from tests.tiny import run_toml

CPU = torch.device("cpu")
NEW = NewTokens(("<a>", "<b>"), (102, 103), ((1, 2, 3), ()), None)
"""For a model of 100 rows: 100 and 101 lie between."""
MADE = (100, 101, 102, 103)
IDS = torch.tensor([[5, 102, 7, 103, 9, 102]])


def make(folder: Path, architecture: str) -> Path:
    """A tiny model of 100 rows ("spare": of 128), with nothing but its weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    shape: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 172,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": 128 if architecture == "spare" else 100,
        "tie_word_embeddings": architecture in ("tied", "spare"),
        "eos_token_id": 3,
        "bos_token_id": 4,
        "pad_token_id": None,
    }
    kind = {"tied": "llama", "untied": "llama", "spare": "qwen2", "gpt2": "gpt2", "phi": "phi"}[architecture]
    if kind == "gpt2":
        shape = {"vocab_size": 100, "n_embd": 64, "n_layer": 2, "n_head": 4, "eos_token_id": 3, "bos_token_id": 4}
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **shape)).save_pretrained(folder)
    return folder


def run_file(folder: Path, bits: int = 32, **sections: Any) -> RunFile:
    return RunFile.model_validate(
        {
            "model": {"path": str(folder)},
            "data": [{"path": "x"}],
            "quantization": {"bits": bits},
            **sections,
        }
    )


def base_of(folder: Path, run: RunFile) -> Any:
    return load_base(folder, run, CPU)


@pytest.mark.parametrize("bits", [4, 16, 32])
@pytest.mark.parametrize("architecture", ["tied", "untied", "gpt2"])
def test_a_row_starts_at_the_mean_of_its_pieces(tmp_path: Path, architecture: str, bits: int) -> None:
    model = base_of(make(tmp_path, architecture), run_file(tmp_path, bits))
    tied = is_tied(model)
    assert tied == (architecture != "untied")
    old = [model.get_input_embeddings().weight.clone(), model.get_output_embeddings().weight.clone()]
    assert make_rows(model, NEW) == MADE
    assert is_tied(model) == tied
    assert model.config.vocab_size == 104
    grown = [model.get_input_embeddings().weight, model.get_output_embeddings().weight]
    for before, after in zip(old, grown, strict=True):
        assert after.shape == (104, 64)
        assert after.dtype == before.dtype
        assert torch.equal(after[:100], before)
        assert torch.equal(after[102], before[[1, 2, 3]].float().mean(0).to(before.dtype))
        everything = before.float().mean(0).to(before.dtype)
        assert all(torch.allclose(after[row], everything, atol=1e-7) for row in (100, 101, 103))
    assert model(input_ids=IDS).logits.shape == (1, 6, 104)


def test_spare_rows_are_taken_before_the_embedding_grows(tmp_path: Path) -> None:
    model = base_of(make(tmp_path, "spare"), run_file(tmp_path))
    weight = model.get_input_embeddings().weight
    before = weight.clone()
    assert make_rows(model, NEW) == (102, 103)
    assert model.get_input_embeddings().weight is weight
    changed = (weight != before).any(dim=1).nonzero().flatten().tolist()
    assert changed == [102, 103]
    assert make_rows(model, NewTokens((), (), (), "<b>")) == ()


VARIANTS: list[dict[str, Any]] = [{}, {"dora": True}, {"rslora": True}, {"target_modules": ["q_proj", "attn.c_proj"]}]


@pytest.mark.parametrize("lora", VARIANTS, ids=str)
@pytest.mark.parametrize("bits", [4, 16])
@pytest.mark.parametrize("architecture", ["tied", "untied", "gpt2"])
def test_of_the_embedding_only_the_new_rows_are_trained_and_saved(
    tmp_path: Path, architecture: str, bits: int, lora: dict[str, Any]
) -> None:
    folder = make(tmp_path / "model", architecture)
    run = run_file(folder, bits, lora={"rank": 4, **lora}, train={"gradient_checkpointing": True})
    base = base_of(folder, run)
    model = make_trainable(base, run, make_rows(base, NEW)).train()
    lm = causal_lm(model)
    layers = [lm.get_input_embeddings(), lm.get_output_embeddings()]
    before = [layer.weight.detach().clone() for layer in layers]
    optimizer = make_optimizer(model, run, torch.device("cpu"))
    lm(input_ids=IDS, labels=IDS).loss.backward()
    optimizer.step()
    read = (
        list(NEW.ids) if architecture == "untied" else list(MADE)
    )  # what no text holds is never read, but is predicted
    for layer, old, rows in zip(layers, before, (read, list(MADE)), strict=True):
        assert torch.equal(layer.original_module.weight, old), "the base stays as it is"
        assert (layer.weight != old).any(dim=1).nonzero().flatten().tolist() == rows
    if architecture != "untied":
        assert torch.equal(layers[0].weight, layers[1].weight)
    trained = [p for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name]
    assert [(p.dtype, tuple(p.shape)) for p in trained] == [(torch.float32, (4, 64))] * (1 + (architecture == "untied"))
    save_weights(model, tmp_path / "adapter")
    state = load_file(tmp_path / "adapter" / ADAPTER_WEIGHTS)
    others = {name: tuple(tensor.shape) for name, tensor in state.items() if "lora_" not in name}
    suffix = "token_adapter.trainable_tokens_delta"
    names = {"gpt2": ["transformer.wte"], "tied": ["model.embed_tokens"], "untied": ["model.embed_tokens", "lm_head"]}
    assert others == {f"base_model.model.{name}.{suffix}": (4, 64) for name in names[architecture]}
    assert sum(t.numel() for t in state.values()) == count_parameters(model)[1]


def test_a_layer_cannot_have_an_adapter_and_trained_rows(tmp_path: Path) -> None:
    folder = make(tmp_path, "untied")
    for targets in (["q_proj", "lm_head"], ".*(q_proj|lm_head)", ["embed_tokens"]):
        run = run_file(folder, lora={"target_modules": targets})
        base = base_of(folder, run)
        rows = make_rows(base, NEW)
        with pytest.raises(ModelError, match="cannot have both"):
            make_trainable(base, run, rows)


def test_an_output_layer_with_a_bias_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path, "phi")
    base = base_of(folder, run_file(folder))
    bias = torch.arange(100.0)
    base.get_output_embeddings().bias.data.copy_(bias)
    rows = make_rows(base, NEW)
    assert base.get_output_embeddings().bias[102] == 2.0, "the mean of 1, 2 and 3"
    with pytest.raises(ModelError, match=r"has a bias.*new_tokens = \[\]"):
        make_trainable(base, run_file(folder), rows)
    full = make_trainable(base, run_file(folder, train={"method": "full"}), rows)
    assert all(p.requires_grad for p in full.parameters())


@pytest.mark.parametrize("damage", ["missing", "fewer", "unknown"])
def test_an_adapter_with_other_rows_is_refused(tmp_path: Path, damage: str) -> None:
    folder = make(tmp_path / "model", "tied")
    run = run_file(folder)
    base = base_of(folder, run)
    model = make_trainable(base, run, make_rows(base, NEW))
    save_weights(model, tmp_path / "adapter")
    load_weights(model, tmp_path / "adapter")
    file = tmp_path / "adapter" / ADAPTER_WEIGHTS
    state = load_file(file)
    (name,) = [key for key in state if "token_adapter" in key]
    if damage == "missing":
        del state[name]
    elif damage == "fewer":
        state[name] = state[name][:2].contiguous()
    else:
        state["base_model.model.lm_head.token_adapter.trainable_tokens_delta"] = torch.zeros(4, 64)
    save_file(state, file)
    with pytest.raises(RunError, match="does not fit"):
        load_weights(model, tmp_path / "adapter")


def test_generation_ends_at_the_new_token_and_at_the_old(tmp_path: Path) -> None:
    model = base_of(make(tmp_path, "tied"), run_file(tmp_path))
    end_with(model, 3)
    assert model.config.eos_token_id == model.generation_config.eos_token_id == 3
    end_with(model, 103)
    end_with(model, 103)
    assert model.config.eos_token_id == model.generation_config.eos_token_id == [103, 3]


SETTINGS = """template = "llama3"
[train]
steps = 6
batch_size = 4
eval_every = 3
save_every = 3
learning_rate = 1e-2
gradient_checkpointing = true
[split]
test_size = 4
"""


def make_run(folder: Path, model: Path, data: Path, extra: str = "") -> RunDir:
    folder.mkdir(parents=True)
    run_dir = RunDir(folder)
    run_dir.config.write_text(dump(load(run_toml(folder / "source.toml", model, data, SETTINGS + extra))))
    return run_dir


def told(run_dir: RunDir) -> list[tuple[str, int, float]]:
    """(type, step, loss) of every step and evaluation, the last word on each."""
    events = [json.loads(line) for line in run_dir.journal.read_text().splitlines()]
    found = {(e["type"], e["step"]): e["loss"] for e in events if e["type"] in ("step", "eval")}
    return sorted((kind, step, loss) for (kind, step), loss in found.items())


@pytest.mark.parametrize("extra", ["", "[quantization]\nbits = 32\n[lora]\ndora = true\n"], ids=["nf4", "dora"])
def test_a_resumed_run_goes_on_bit_for_bit(tmp_path: Path, tiny_model: Path, rows_file: Path, extra: str) -> None:
    """The tiny tokenizer lacks the markers of Llama 3, so four rows are trained beside the adapters."""
    whole = make_run(tmp_path / "whole", tiny_model, rows_file, extra)
    assert work(whole)
    broken = make_run(tmp_path / "broken", tiny_model, rows_file, extra)
    assert not work(broken, stop_at=4)
    assert work(broken, resume=True)
    assert told(broken) == told(whole)
    assert len(told(whole)) == 6 + 3
    view = Run(whole).load().view
    assert view.model is not None
    assert view.model.adapter == f"rank 16, alpha 32, {'DoRA, ' if 'dora' in extra else ''}4 new tokens"
    files = [(run_dir.adapter / ADAPTER_WEIGHTS).read_bytes() for run_dir in (whole, broken)]
    assert files[0] == files[1]
    saved = newest(whole.checkpoints)
    assert saved is not None
    assert (saved.path / "weights" / ADAPTER_WEIGHTS).read_bytes() == files[0]


def test_a_full_fine_tune_leaves_a_model_that_plain_transformers_loads(
    tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = SETTINGS.replace("[train]\n", '[train]\nmethod = "full"\n') + "[quantization]\nbits = 32\n"
    run_dir = RunDir(tmp_path / "full")
    run_dir.path.mkdir()
    run_dir.config.write_text(dump(load(run_toml(run_dir.path / "source.toml", tiny_model, rows_file, settings))))
    assert work(run_dir)
    tokenizer, model = AutoTokenizer.from_pretrained(run_dir.model), AutoModelForCausalLM.from_pretrained(run_dir.model)
    end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    assert tokenizer.eos_token_id == end
    assert model.config.vocab_size == len(tokenizer) == end + 1
    assert model.generation_config.eos_token_id == [end, 1]
    assert is_tied(model)
    assert "<|start_header_id|>" in tokenizer.chat_template
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|start_header_id|>assistant<|end_header_id|>\n\n")
