"""Mixtures of experts: what stays unquantised is found on `meta` and on the loaded model, with its true size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.config.runfile import RunFile
from engine.errors import ModelError
from engine.train.adapters import make_trainable
from engine.train.experts import unquantised_experts
from engine.train.model import footprint_gib, load_base

SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "pad_token_id": None,
}
KINDS: dict[str, dict[str, Any]] = {
    "mixtral": {"num_local_experts": 4},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 96, "head_dim": 16},
    "granitemoe": {"num_local_experts": 4, "num_experts_per_tok": 2},
}
EXPERTS = 2 * 4 * 3 * 64 * 96
"""Layers, experts, matrices of each."""


def config(kind: str) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(kind, **(SHAPE | KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_found_before_anything_is_loaded(kind: str) -> None:
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config(kind))
    found = unquantised_experts(model, torch.bfloat16)
    assert found is not None
    assert len(found.names) == 4, found.names
    assert (found.parameters, found.bytes) == (EXPERTS, 2 * EXPERTS)
    assert found.share == pytest.approx(EXPERTS / sum(p.numel() for p in model.parameters()))
    assert f"{EXPERTS:,} parameters" in found.sentence()


def test_they_are_what_bitsandbytes_leaves(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config("mixtral")).save_pretrained(tmp_path)
    run = RunFile.model_validate({"model": {"path": str(tmp_path)}, "data": [{"path": "x"}], "lora": {"rank": 2}})
    model = load_base(tmp_path, run, torch.device("cpu"))
    found = unquantised_experts(model)
    assert found is not None
    assert (found.parameters, found.bytes) == (EXPERTS, 4 * EXPERTS)
    assert footprint_gib(model) * 2**30 > found.bytes, "the footprint that a run tells counts them as they are"
    assert 0.8 < found.share < 1
    named = dict(model.named_parameters())
    assert all(named[name].is_floating_point() for name in found.names)
    trained = make_trainable(model, run)
    assert not any("expert" in name for name, p in trained.named_parameters() if p.requires_grad)
    again = unquantised_experts(trained)
    assert again is not None
    assert again.bytes == found.bytes, "adapters change nothing"


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe"])
def test_they_get_no_adapters(kind: str, tmp_path: Path) -> None:
    """peft would understand "all-linear" as all experts and the router, too."""
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_config(config(kind))
    lora: dict[str, Any] = {"rank": 2}
    run = {"model": {"path": "m"}, "data": [{"path": "x"}], "lora": lora, "quantization": {"bits": 32}}
    model = make_trainable(base, RunFile.model_validate(run))
    found = {name.split(".lora_")[0].rpartition(".")[2] for name, p in model.named_parameters() if p.requires_grad}
    assert found == {"q_proj", "k_proj", "v_proj", "o_proj"}
    for targets in (["q_proj", "gate_proj", "up_proj"] if kind != "mixtral" else ["w1", "w3"], "mlp"):
        lora["target_modules"] = targets
        with pytest.raises(ModelError, match="fused"):
            make_trainable(AutoModelForCausalLM.from_config(config(kind)), RunFile.model_validate(run))


def test_a_dense_model_has_none(tiny_model: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    assert unquantised_experts(AutoModelForCausalLM.from_pretrained(tiny_model)) is None
    with torch.device("meta"):  # its convolutions have three dimensions
        mamba = AutoModelForCausalLM.from_config(
            AutoConfig.for_model("mamba", hidden_size=32, num_hidden_layers=1, vocab_size=64)
        )
    assert unquantised_experts(mamba) is None
