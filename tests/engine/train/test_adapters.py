"""What is trained beside the base: whole layers, earlier adapters, new tokens with both; in float32, and by a seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from engine.config.load import load
from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.tokens.new_tokens import NewTokens
from engine.train.adapters import (
    ADAPTER_WEIGHTS,
    causal_lm,
    describe_adapter,
    learns_faster,
    load_weights,
    make_trainable,
    save_result,
    save_weights,
)
from engine.train.earlier import read_earlier, require_fit
from engine.train.embeddings import is_tied, make_rows
from engine.train.model import autocast_of, evaluating, load_base, quantization_name
from engine.train.start import check
from engine.train.starts import start_adapters
from tests.tiny import run_toml

CPU = torch.device("cpu")
IDS = torch.tensor([[5, 17, 42, 7, 99, 3, 50, 12]])
NEW = NewTokens(("<a>", "<b>"), (100, 101), ((1, 2), ()), None)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = {}
    for name, tied in (("tied", True), ("untied", False)):
        out[name] = tmp_path_factory.mktemp(name)
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            "llama",
            hidden_size=64,
            intermediate_size=172,
            num_hidden_layers=1,
            num_attention_heads=4,
            vocab_size=100,
            tie_word_embeddings=tied,
        )
        AutoModelForCausalLM.from_config(config).save_pretrained(out[name])
    return out


def run_file(folder: Path, bits: int = 32, compute: str = "auto", **lora: Any) -> RunFile:
    return RunFile.model_validate(
        {
            "model": {"path": str(folder)},
            "data": [{"path": "x"}],
            "quantization": {"bits": bits, "compute_dtype": compute},
            "lora": {"rank": 4, **lora} if "start_from" not in lora else lora,
        }
    )


def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    with evaluating(model):
        return model(input_ids=ids).logits.float()


def train(model: Any, ids: torch.Tensor = IDS, steps: int = 2, rate: float = 1e-2) -> list[float]:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    losses = []
    for _ in range(steps):
        loss = model.train()(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_what_is_trained_is_float32_by_the_seed_and_nothing_is_computed_again(
    models: dict[str, Path], bits: int
) -> None:
    made = []
    for seed in (1, 1, 2):
        run = run_file(models["tied"], bits, "bfloat16" if bits == 4 else "auto")
        run.train.seed, run.train.gradient_checkpointing = seed, True
        model = make_trainable(load_base(models["tied"], run, CPU), run)
        assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
        weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
        assert {p.dtype for p in weights.values()} == {torch.float32}
        made.append(weights)
    first, same, other = made
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert all(torch.equal(first[name], other[name]) == learns_faster(name) for name in first), "B is zero"


def test_lora_plus_speeds_up_b_alone(models: dict[str, Path]) -> None:
    run = run_file(models["untied"], dora=True, save_modules=["lm_head"], target_modules=["q_proj", "embed_tokens"])
    model = make_trainable(load_base(models["untied"], run, CPU), run)
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    assert sorted({name.rpartition(".lora_")[2].partition(".")[0] for name in names if learns_faster(name)}) == [
        "B",
        "embedding_B",
    ]
    slow = [name for name in names if not learns_faster(name)]
    assert all(any(word in name for word in ("lora_A", "embedding_A", "magnitude", "modules_to_save")) for name in slow)
    assert len(slow) == 2 + 2 + 1


def test_mixed_precision_is_told_from_the_rest(models: dict[str, Path]) -> None:
    mixed = run_file(models["tied"], 32, "bfloat16")
    assert autocast_of(mixed, CPU) == torch.bfloat16
    assert {p.dtype for p in load_base(models["tied"], mixed, CPU).parameters()} == {torch.float32}
    assert all(
        autocast_of(run_file(models["tied"], bits, compute), CPU) is None
        for bits, compute in ((4, "bfloat16"), (8, "auto"), (16, "bfloat16"), (32, "float32"), (32, "auto"))
    )
    names = {
        quantization_name(run_file(models["tied"], bits, c).quantization)
        for bits, c in ((4, "auto"), (8, "auto"), (16, "auto"), (32, "auto"), (32, "bfloat16"))
    }
    assert names == {"NF4 double", "LLM.int8", "bfloat16", "float32", "float32, multiplied in bfloat16"}


def test_eight_bits_compute_the_same_in_evaluation_as_in_training(models: dict[str, Path]) -> None:
    run = run_file(models["tied"], 8)
    model = make_trainable(load_base(models["tied"], run, CPU), run).train()
    trained = model(input_ids=IDS).logits
    assert torch.equal(logits(model), trained)
    assert torch.equal(model(input_ids=IDS).logits, trained)


@pytest.mark.parametrize("bits", [4, 16, 32])
@pytest.mark.parametrize("named", [["embed_tokens"], ["lm_head"], ["lm_head", "model.embed_tokens"]], ids=str)
def test_tied_layers_that_are_trained_whole_stay_one_weight(
    models: dict[str, Path], tmp_path: Path, named: list[str], bits: int
) -> None:
    run = run_file(models["tied"], bits, "bfloat16" if bits < 32 else "auto", save_modules=named)
    model = make_trainable(load_base(models["tied"], run, CPU), run)
    train(model)
    lm = causal_lm(model)
    assert is_tied(lm)
    whole = [p for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name]
    assert [(p.dtype, tuple(p.shape)) for p in whole] == [(torch.float32, (100, 64))]
    assert not torch.equal(whole[0].detach(), lm.get_input_embeddings().original_module.weight.float())
    save_result(model, tmp_path)
    state = load_file(tmp_path / ADAPTER_WEIGHTS)
    tied = [state[f"base_model.model.{name}.weight"] for name in ("model.embed_tokens", "lm_head")]
    assert all(torch.equal(tensor, whole[0]) for tensor in tied)
    theirs = PeftModel.from_pretrained(load_base(models["tied"], run, CPU), tmp_path)
    assert torch.equal(logits(model), logits(theirs)), "not a bit is lost by the weights in float32"
    again = make_trainable(load_base(models["tied"], run, CPU), run)
    load_weights(again, tmp_path)
    assert torch.equal(logits(model), logits(again))


@pytest.mark.parametrize(
    ("kind", "named", "rows"), [("tied", "lm_head", []), ("untied", "lm_head", ["model.embed_tokens"])]
)
def test_new_tokens_beside_a_whole_layer(
    models: dict[str, Path], tmp_path: Path, kind: str, named: str, rows: list[str]
) -> None:
    run = run_file(models[kind], save_modules=[named])
    base = load_base(models[kind], run, CPU)
    model = make_trainable(base, run, make_rows(base, NEW))
    ids = torch.tensor([[5, 100, 7, 101, 9]])
    train(model, ids)
    save_result(model, tmp_path)
    state = load_file(tmp_path / ADAPTER_WEIGHTS)
    found = {n for n in state if "token_adapter" in n}
    assert found == {f"base_model.model.{name}.token_adapter.trainable_tokens_delta" for name in rows}
    assert state["base_model.model.lm_head.weight"].shape == (102, 64)
    plain = AutoModelForCausalLM.from_pretrained(models[kind])
    make_rows(plain, NEW)
    assert torch.allclose(logits(model, ids), logits(PeftModel.from_pretrained(plain, tmp_path), ids), atol=1e-6)
    whole = "lm_head" if kind == "untied" else "model.embed_tokens"
    assert describe_adapter(model, 2) == f"rank 4, alpha 32, {whole} whole, 2 new tokens"


def test_a_whole_layer_has_no_adapter_and_is_not_quantised(models: dict[str, Path]) -> None:
    run = run_file(models["untied"], 16, save_modules=["o_proj", "norm"])
    model = make_trainable(load_base(models["untied"], run, CPU), run)
    trained = {
        name for name, p in model.named_parameters() if p.requires_grad and "_proj" not in name.replace("o_proj", "")
    }
    assert trained == {
        "base_model.model.model.layers.0.self_attn.o_proj.modules_to_save.default.weight",
        "base_model.model.model.norm.modules_to_save.default.weight",
    }
    assert all(loss < 10 for loss in train(model))
    for bits in (4, 8):
        run = run_file(models["untied"], bits, save_modules=["o_proj"])
        with pytest.raises(
            ModelError, match=r"o_proj', which is quantised and cannot be trained whole.*set quantization\.bits"
        ):
            make_trainable(load_base(models["untied"], run, CPU), run)


@pytest.mark.parametrize(
    "lora", [{"rslora": True, "alpha": 6.0}, {"dora": True}, {"init": "pissa"}, {"save_modules": ["norm"]}], ids=str
)
def test_an_adapter_goes_on_where_it_was(models: dict[str, Path], tmp_path: Path, lora: dict[str, Any]) -> None:
    run = run_file(models["tied"], **lora)
    model = make_trainable(load_base(models["tied"], run, CPU), run)
    start_adapters(model, run, models["tied"])
    losses = train(model, steps=3)
    save_result(model, tmp_path / "one")
    more = run_file(models["tied"], start_from=str(tmp_path / "one"), dropout=0.25)
    again = make_trainable(load_base(models["tied"], more, CPU), more)
    start_adapters(again, more, models["tied"])
    assert torch.allclose(logits(again), logits(model), atol=2e-5)
    config = again.peft_config["default"]  # type: ignore[index]
    assert (config.r, config.lora_dropout) == (8 if "init" in lora else 4, 0.25)
    assert {p.dtype for p in again.parameters() if p.requires_grad} == {torch.float32}
    assert train(again, steps=3)[-1] < losses[0]
    save_result(again, tmp_path / "two")
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(models["tied"]), tmp_path / "two")
    assert torch.allclose(logits(again), logits(theirs), atol=2e-5)
    earlier = read_earlier(str(tmp_path / "one"))
    assert (earlier.rank, earlier.dora, bool(earlier.save_modules)) == (
        config.r,
        "dora" in lora,
        "save_modules" in lora,
    )
    assert earlier.parameters == sum(p.numel() for p in again.parameters() if p.requires_grad)


@pytest.fixture
def foreign(models: dict[str, Path], tmp_path: Path) -> Path:
    """An adapter that plain peft has made and saved."""
    torch.manual_seed(5)
    config = LoraConfig(
        r=3, lora_alpha=5, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM", init_lora_weights=False
    )
    get_peft_model(AutoModelForCausalLM.from_pretrained(models["tied"]), config).save_pretrained(tmp_path / "foreign")
    return tmp_path / "foreign"


@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_an_adapter_of_others_goes_on_upon_every_base(models: dict[str, Path], foreign: Path, bits: int) -> None:
    run = run_file(models["tied"], bits, start_from=str(foreign))
    model = make_trainable(load_base(models["tied"], run, CPU), run)
    theirs = PeftModel.from_pretrained(load_base(models["tied"], run, CPU), foreign)
    assert torch.allclose(logits(model), logits(theirs), atol=1e-6)
    assert len([p for p in model.parameters() if p.requires_grad]) == 4
    require_fit(read_earlier(str(foreign)), models["tied"], bits)
    save_weights(model, foreign / "again")
    one, other = (load_file(folder / ADAPTER_WEIGHTS) for folder in (foreign, foreign / "again"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def change(folder: Path, **keys: Any) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"peft_type": "IA3"}, "LoRA adapters only"),
        ({"init_lora_weights": "pissa_niter_4"}, "belongs to a base that pissa_niter_4 has changed"),
        ({"bias": "all"}, "trained biases"),
        ({"target_parameters": ["experts.w1"]}, "target_parameters"),
        ({"r": "high"}, "no description of a LoRA adapter"),
    ],
)
def test_what_is_no_plain_lora_is_refused(foreign: Path, keys: dict[str, Any], words: str) -> None:
    change(foreign, **keys)
    with pytest.raises(ModelError, match=words):
        read_earlier(str(foreign))


def test_what_is_incomplete_pickled_or_torn_is_refused(foreign: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no adapter folder"):
        read_earlier(str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match=r"it has no adapter_config\.json.*There is one in its foreign/"):
        read_earlier(str(tmp_path))
    weights = foreign / ADAPTER_WEIGHTS
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-8])
    with pytest.raises(ModelError, match="no whole safetensors file"):
        read_earlier(str(foreign))
    weights.rename(foreign / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"is a pickle .* never opened"):
        read_earlier(str(foreign))
    (foreign / "adapter_model.bin").unlink()
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        read_earlier(str(foreign))
    (foreign / "adapter_config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        read_earlier(str(foreign))


def test_an_adapter_of_another_model_is_refused_before_anything_is_loaded(
    tmp_path: Path, tiny_model: Path, rows_file: Path, foreign: Path
) -> None:
    """One of more layers, and one of another width."""
    text = f'[lora]\nstart_from = "{foreign}"\n'
    check(load(run_toml(tmp_path / "run.toml", tiny_model, rows_file, text)))
    for name, layers, width, words in (
        ("deep", 3, 64, r"which has no model\.layers\.2\.self_attn\.q_proj"),
        ("wide", 2, 96, "is for 96 x 96 weights, and the model has 64 x 64"),
    ):
        config = AutoConfig.from_pretrained(tiny_model)
        config.num_hidden_layers, config.hidden_size, config.head_dim = layers, width, width // 4
        base = AutoModelForCausalLM.from_config(config)
        get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(tmp_path / name)
        run = load(
            run_toml(tmp_path / "run.toml", tiny_model, rows_file, text.replace(str(foreign), str(tmp_path / name)))
        )
        with pytest.raises(ModelError, match=words):
            check(run)
        with pytest.raises(ModelError, match="does not fit this model"):
            make_trainable(load_base(tiny_model, run, CPU), run)


def test_dora_does_not_go_on_in_eight_bits(models: dict[str, Path], foreign: Path) -> None:
    change(foreign, use_dora=True)
    with pytest.raises(ModelError, match=r"DoRA, which does not go with quantization\.bits = 8"):
        require_fit(read_earlier(str(foreign)), models["tied"], 8)


def test_rows_of_new_tokens_go_on_with_the_adapter(models: dict[str, Path], tmp_path: Path) -> None:
    run = run_file(models["untied"])
    base = load_base(models["untied"], run, CPU)
    model = make_trainable(base, run, make_rows(base, NEW))
    ids = torch.tensor([[5, 100, 7, 101, 9]])
    train(model, ids)
    save_result(model, tmp_path / "one")
    more = run_file(models["untied"], start_from=str(tmp_path / "one"))
    base = load_base(models["untied"], more, CPU)
    again = make_trainable(base, more, make_rows(base, NEW))
    assert torch.allclose(logits(again, ids), logits(model, ids), atol=1e-6)
    with pytest.raises(ModelError, match=r"trained rows of new tokens \(.*100, 101.*this run makes others \(none\)"):
        make_trainable(load_base(models["untied"], more, CPU), more)
    run = run_file(models["untied"])
    save_result(make_trainable(load_base(models["untied"], run, CPU), run), tmp_path / "plain")
    more = run_file(models["untied"], start_from=str(tmp_path / "plain"))
    base = load_base(models["untied"], more, CPU)
    added = make_trainable(base, more, make_rows(base, NEW))
    assert sum("token_adapter" in name for name, p in added.named_parameters() if p.requires_grad) == 2


@pytest.mark.parametrize("kind", ["tied", "untied"])
def test_a_model_without_weights_can_be_made_trainable(models: dict[str, Path], kind: str) -> None:
    """As a plan does it: the same weights are trained, by name, shape and type."""
    run = run_file(models[kind], dora=True, save_modules=["embed_tokens"])
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(models[kind]), dtype=torch.float32)
        assert is_tied(empty) == (kind == "tied")
        planned = make_trainable(empty, run)
    made = make_trainable(load_base(models[kind], run, CPU), run)
    one, other = ([(n, p.shape, p.dtype) for n, p in m.named_parameters() if p.requires_grad] for m in (planned, made))
    assert one == other


def test_a_layer_that_is_both_whole_and_adapted_by_an_expression_is_refused(tiny_model: Path) -> None:
    run = run_file(tiny_model, save_modules=["lm_head"], target_modules=".*(lm_head|q_proj)")
    with pytest.raises(ModelError, match=r"trained whole or gets an adapter"):
        make_trainable(load_base(tiny_model, run, CPU), run)


def test_dora_is_refused_on_rows_of_zeros(tiny_model: Path) -> None:
    """The row of the padding token is zeros, and its direction 0 / 0."""
    run = run_file(tiny_model, dora=True, target_modules=["lm_head", "q_proj"])
    with pytest.raises(ModelError, match=r"1 of base_model.model.lm_head are all zeros"):
        make_trainable(load_base(tiny_model, run, CPU), run)
