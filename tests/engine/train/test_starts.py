"""How A and B begin: at the base model, with the directions that were asked for, and away again without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from peft.utils.integrations import dequantize_module_weight
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from engine.config.load import dump, load
from engine.config.runfile import RunFile
from engine.errors import ModelError, RunError
from engine.runs.paths import RunDir
from engine.tokens.collate import Batch, Padding
from engine.train.adapters import START_WEIGHTS, load_weights, make_trainable, save_result, save_weights
from engine.train.checkpoint import newest
from engine.train.directions import low_rank
from engine.train.model import evaluating, load_base
from engine.train.starts import EVA_TOKENS, factors, lora_layers, start_adapters
from tests.engine.train.test_loop import work
from tests.tiny import run_toml

CPU = torch.device("cpu")
IDS = torch.tensor([[5, 17, 42, 7, 99, 3, 50, 12]])
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 172,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 100,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama, and a GPT-2, whose weights stand the other way round."""
    out = {}
    for kind in ("llama", "gpt2"):
        shape = (
            SHAPE
            if kind == "llama"
            else {"n_embd": 64, "n_layer": 2, "n_head": 4, **{k: SHAPE[k] for k in SHAPE if "_id" in k}}
        )
        out[kind] = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(shape | {"vocab_size": 100})))
        for weight in model.parameters():
            weight.data.add_(torch.randn_like(weight) * 0.05)  # biases and norms, too, as trained ones
        model.save_pretrained(out[kind])
    return out


def run_file(folder: Path, bits: int, **lora: Any) -> RunFile:
    return RunFile.model_validate(
        {
            "model": {"path": str(folder)},
            "data": [{"path": "x"}],
            "quantization": {"bits": bits},
            "lora": {"rank": 4, **lora},
        }
    )


def started(folder: Path, run: RunFile, **more: Any) -> Any:
    model = make_trainable(load_base(folder, run, CPU), run)
    start_adapters(model, run, folder, **more)
    return model


def logits(model: Any) -> torch.Tensor:
    with evaluating(model):
        return model(input_ids=IDS).logits.float()


def shake(model: Any) -> None:
    """Change what is trained, as training would."""
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data.add_(torch.randn_like(weight) * 0.05)


@pytest.mark.parametrize("lora", [{}, {"rslora": True, "alpha": 5.0}, {"dora": True}], ids=str)
@pytest.mark.parametrize("init", ["pissa", "olora", "orthogonal"])
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_it_starts_at_the_base_and_what_is_saved_belongs_to_the_base(
    models: dict[str, Path], tmp_path: Path, kind: str, init: str, lora: dict[str, Any]
) -> None:
    run = run_file(models[kind], 32, init=init, **lora)
    model = started(models[kind], run)
    assert all(bool(layer.lora_B["default"].weight.any()) for _, layer in lora_layers(model))
    untouched = AutoModelForCausalLM.from_pretrained(models[kind])
    assert torch.allclose(logits(model), logits(untouched), atol=2e-5)
    changed = [layer.get_base_layer().weight for _, layer in lora_layers(model)]
    shake(model)
    save_result(model, tmp_path)
    theirs = PeftModel.from_pretrained(untouched, tmp_path)
    assert torch.allclose(logits(model), logits(theirs), atol=5e-5)
    twice = init != "orthogonal"
    assert theirs.peft_config["default"].r == (8 if twice else 4)
    assert not (tmp_path / START_WEIGHTS).exists()
    same = [
        torch.equal(a, layer.get_base_layer().weight)
        for a, (_, layer) in zip(changed, lora_layers(theirs), strict=True)
    ]
    assert not any(same) if twice else all(same)


@pytest.mark.parametrize("init", ["pissa", "olora", "orthogonal"])
def test_in_bfloat16_it_starts_at_the_base_within_its_rounding(models: dict[str, Path], init: str) -> None:
    run = run_file(models["llama"], 16, init=init)
    untouched = logits(load_base(models["llama"], run, CPU))
    error = (logits(started(models["llama"], run)) - untouched).norm() / untouched.norm()
    assert float(error) < 0.02


def test_pissa_takes_the_main_directions_out_of_the_weight(models: dict[str, Path]) -> None:
    model = started(models["llama"], run_file(models["llama"], 32, init="pissa"))
    untouched = dict(AutoModelForCausalLM.from_pretrained(models["llama"]).named_modules())
    for name, layer in lora_layers(model):
        before = torch.linalg.svdvals(untouched[name.removeprefix("base_model.model.")].weight.data)
        after = torch.linalg.svdvals(layer.get_base_layer().weight.data)
        assert torch.allclose(after[:-4], before[4:], atol=1e-4)


@pytest.mark.parametrize("lora", [{}, {"alpha": 4.0}, {"dora": True, "rslora": True}], ids=str)
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_loftq_makes_up_for_a_part_of_the_error(models: dict[str, Path], kind: str, lora: dict[str, Any]) -> None:
    run = run_file(models[kind], 4, init="loftq", rank=16, **lora)
    model = started(models[kind], run)
    weights = load_file(models[kind] / "model.safetensors")
    for name, layer in lora_layers(model):
        was = weights[name.removeprefix("base_model.model.") + ".weight"]
        was = was.T if kind == "gpt2" else was
        now = dequantize_module_weight(layer.get_base_layer()).float()
        delta = (layer.scaling["default"] * layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach()
        lost, left = was - now, was - now - delta
        share = torch.linalg.svdvals(lost)[16:].norm() / lost.norm()
        assert float(left.norm() / lost.norm()) == pytest.approx(float(share), rel=1e-4), (
            "the best that this rank can do"
        )
        if lora.get("dora"):
            length = layer.lora_magnitude_vector["default"].weight
            assert torch.allclose(length, (now + delta).norm(dim=1), atol=1e-5)
    plain = logits(load_base(models[kind], run, CPU))
    exact = logits(AutoModelForCausalLM.from_pretrained(models[kind]))
    assert float((logits(model) - exact).norm()) < 0.9 * float((plain - exact).norm())


@pytest.mark.parametrize("init", ["pissa", "olora", "loftq", "eva"])
def test_a_rank_above_that_of_a_layer_is_refused(models: dict[str, Path], init: str) -> None:
    run = run_file(models["llama"], 4 if init == "loftq" else 32, init=init, rank=65)
    batches = [batch(4)] * 3
    model = make_trainable(load_base(models["llama"], run, CPU), run)
    with pytest.raises(ModelError, match=r"rank = 65.*set lora\.init|rank = 65.*Lower lora\.rank"):
        start_adapters(model, run, models["llama"], batches, forward(model))


def test_an_embedding_with_an_adapter_is_refused_where_it_could_not_be_given_back(models: dict[str, Path]) -> None:
    run = run_file(models["llama"], 32, init="pissa", target_modules=["q_proj", "embed_tokens"])
    with pytest.raises(ModelError, match=r"pissa.*embed_tokens is none"):
        started(models["llama"], run)


def test_loftq_says_which_weight_it_does_not_find(models: dict[str, Path], tmp_path: Path) -> None:
    run = run_file(models["llama"], 4, init="loftq")
    model = make_trainable(load_base(models["llama"], run, CPU), run)
    save_file({"other.weight": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"unquantised weight of model\.layers\.0\.self_attn\.q_proj"):
        start_adapters(model, run, tmp_path)


def batch(rows: int, width: int = 8, pads: int = 3, pad_id: int = 0) -> Batch:
    """Random rows with padding at their ends."""
    ids = np.random.default_rng(rows).integers(3, 100, (rows, width)).astype(np.int64)
    documents = np.ones_like(ids)
    documents[:, width - pads :] = 0
    ids[:, width - pads :] = pad_id
    return Batch(ids, ids.copy(), np.zeros_like(ids), documents, ((),) * rows, ((),) * rows, Padding(pad_id))


def forward(model: Any) -> Any:
    return lambda b: model(input_ids=torch.from_numpy(b.ids))


@pytest.mark.parametrize("bits", [4, 32])
def test_eva_begins_with_what_the_layers_see(models: dict[str, Path], bits: int) -> None:
    run = run_file(models["llama"], bits, init="eva")
    batches = [batch(6), batch(5)]
    model = started_with(models, run, batches)
    untouched = logits(load_base(models["llama"], run, CPU))
    assert torch.allclose(logits(model), untouched, atol=1e-6)
    seen: dict[str, list[torch.Tensor]] = {}
    for name, layer in lora_layers(model):
        layer.register_forward_pre_hook(
            lambda m, x, name=name: seen.setdefault(name, []).append(x[0][:, :-3].flatten(0, 1))
        )
    with evaluating(model):
        for b in batches:
            forward(model)(b)
    for name, layer in lora_layers(model):
        a = layer.lora_A["default"].weight.detach()
        assert torch.allclose(a @ a.T, torch.eye(4), atol=1e-5)
        x = torch.cat(seen[name])
        best = torch.linalg.svdvals(x)[:4].norm()
        assert float((x @ a.T).norm()) == pytest.approx(float(best), rel=1e-3), name
    parts = dict(lora_layers(model))
    q, k = (parts[f"base_model.model.model.layers.1.self_attn.{p}_proj"].lora_A["default"].weight for p in "qk")
    assert torch.equal(q, k), "they see the same"


def started_with(models: dict[str, Path], run: RunFile, batches: Any) -> Any:
    model = make_trainable(load_base(models["llama"], run, CPU), run)
    start_adapters(model, run, models["llama"], batches, forward(model))
    return model


def test_eva_does_not_look_at_padding_and_stops_when_it_has_seen_enough(models: dict[str, Path]) -> None:
    run = run_file(models["llama"], 32, init="eva")
    one, other = (factors(started_with(models, run, [batch(6, pad_id=pad)])) for pad in (0, 77))
    assert all(torch.equal(one[name], other[name]) for name in one)
    taken = 0

    def many() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield batch(256)

    started_with(models, run, many())
    assert taken == -(-EVA_TOKENS // (256 * 5))


def test_a_seed_decides_and_a_resumed_run_only_changes_the_base_again(models: dict[str, Path]) -> None:
    for init in ("orthogonal", "gaussian", "pissa"):
        run = run_file(models["llama"], 32, init=init)
        one, two = factors(started(models["llama"], run)), factors(started(models["llama"], run))
        assert all(torch.equal(one[name], two[name]) for name in one)
        run.train.seed = 9
        other = factors(started(models["llama"], run))
        assert any(torch.equal(one[n], other[n]) for n in one if "lora_A" in n) == (init == "pissa")
    run = run_file(models["llama"], 32, init="eva")
    plain = factors(make_trainable(load_base(models["llama"], run, CPU), run))
    again = factors(started(models["llama"], run, resumed=True))
    assert all(torch.equal(plain[name], again[name]) for name in plain)


def test_large_matrices_are_taken_apart_nearly_as_well() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(1100, 60) @ torch.diag(0.9 ** torch.arange(60.0)) @ torch.randn(60, 1050)
    a, b = low_rank(matrix, 8, 2.0)
    best = torch.linalg.svdvals(matrix)[8:].norm()
    assert (a.shape, b.shape) == ((8, 1050), (1100, 8))
    assert float((matrix - 2.0 * b @ a).norm()) == pytest.approx(float(best), rel=1e-3)


@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_a_checkpoint_keeps_what_was_taken_out(models: dict[str, Path], tmp_path: Path, init: str) -> None:
    """On another machine the decomposition may come out otherwise; the checkpoint's counts."""
    run = run_file(models["llama"], 32, init=init)
    model = started(models["llama"], run)
    shake(model)
    save_weights(model, tmp_path / "weights")
    expected = logits(model)
    again = started(models["llama"], run)
    load_weights(again, tmp_path / "weights")
    assert torch.equal(logits(again), expected)
    elsewhere = make_trainable(load_base(models["llama"], run, CPU), run)
    start_adapters(
        elsewhere, run_file(models["llama"], 32, init="pissa" if init == "olora" else "olora"), models["llama"]
    )
    load_weights(elsewhere, tmp_path / "weights")
    assert torch.allclose(logits(elsewhere), expected, atol=5e-5)
    save_result(elsewhere, tmp_path / "result")
    save_result(model, tmp_path / "expected")
    one, other = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("result", "expected"))
    assert all(torch.equal(one[name], other[name]) for name in other)
    (tmp_path / "weights" / START_WEIGHTS).unlink()
    with pytest.raises(RunError, match="does not fit"):
        load_weights(again, tmp_path / "weights")


@pytest.mark.parametrize("init", ["pissa", "eva"])
def test_a_resumed_run_goes_on_bit_for_bit(tmp_path: Path, tiny_model: Path, rows_file: Path, init: str) -> None:
    settings = (
        "[train]\nsteps = 4\nbatch_size = 4\neval_every = 2\nsave_every = 2\nlearning_rate = 1e-2\n[split]\ntest_size = 4\n"
        f'[quantization]\nbits = 32\n[lora]\nrank = 4\ninit = "{init}"\n'
    )
    folders = []
    for name, stop in (("whole", None), ("broken", 2)):
        run_dir = RunDir(tmp_path / name)
        run_dir.path.mkdir()
        run_dir.config.write_text(dump(load(run_toml(run_dir.path / "source.toml", tiny_model, rows_file, settings))))
        assert work(run_dir, stop_at=stop) == (stop is None)
        folders.append(run_dir)
    assert work(folders[1], resume=True)
    one, other = ((run_dir.adapter / "adapter_model.safetensors").read_bytes() for run_dir in folders)
    assert one == other
    saved = newest(folders[0].checkpoints)
    assert saved is not None
    assert (saved.path / "weights" / START_WEIGHTS).is_file() == (init == "pissa")
