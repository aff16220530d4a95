"""Which layers "attention", "mlp", a list and an expression find in real architectures, and what is said where none fits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.errors import ModelError
from engine.train.targets import linear_layers, resolve_targets, whole_layers

SHAPES: dict[str, dict[str, Any]] = {
    "llama": {},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "gpt_neox": {},
    "phi": {},
    "phi3": {},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "falcon": {},
    "mixtral": {"num_local_experts": 2},
    "qwen2_moe": {
        "num_experts": 2,
        "num_experts_per_tok": 1,
        "moe_intermediate_size": 8,
        "shared_expert_intermediate_size": 16,
    },
    "mamba": {"state_size": 4},
}
ATTENTION = {
    "llama": ["self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"],
    "gpt2": ["attn.c_attn", "attn.c_proj"],
    "gpt_neox": ["attention.dense", "attention.query_key_value"],
    "phi": ["self_attn.dense", "self_attn.k_proj", "self_attn.q_proj", "self_attn.v_proj"],
    "phi3": ["self_attn.o_proj", "self_attn.qkv_proj"],
    "opt": ["self_attn.k_proj", "self_attn.out_proj", "self_attn.q_proj", "self_attn.v_proj"],
    "falcon": ["self_attention.dense", "self_attention.query_key_value"],
    "mixtral": ["self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"],
    "qwen2_moe": ["self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"],
}
MLP = {
    "llama": ["mlp.down_proj", "mlp.gate_proj", "mlp.up_proj"],
    "gpt2": ["mlp.c_fc", "mlp.c_proj"],
    "gpt_neox": ["mlp.dense_4h_to_h", "mlp.dense_h_to_4h"],
    "phi": ["mlp.fc1", "mlp.fc2"],
    "phi3": ["mlp.down_proj", "mlp.gate_up_proj"],
    "opt": ["fc1", "fc2"],
    "falcon": ["mlp.dense_4h_to_h", "mlp.dense_h_to_4h"],
}


def meta(kind: str) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "vocab_size": 64,
        "pad_token_id": None,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    if kind not in ("gpt2", "mamba"):
        shape |= {"intermediate_size": 48, "num_attention_heads": 4}
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(shape | SHAPES[kind])))


@pytest.mark.parametrize("kind", ATTENTION)
def test_attention_and_mlp_are_found_in_the_tree_of_modules(kind: str) -> None:
    model = meta(kind)
    assert resolve_targets(model, "attention") == ATTENTION[kind]
    if kind in MLP:
        assert resolve_targets(model, "mlp") == MLP[kind]
        found = {n for n in linear_layers(model) if any(n.endswith("." + e) for e in ATTENTION[kind] + MLP[kind])}
        assert found == set(linear_layers(model)), "between them they are every linear layer"


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gpt_neox", "phi3", "opt"])
@pytest.mark.parametrize("part", ["attention", "mlp", "all-linear"])
def test_peft_puts_adapters_where_it_was_said(kind: str, part: str) -> None:
    from peft import LoraConfig, get_peft_model

    model = meta(kind)
    linear = linear_layers(model)
    endings = {"attention": ATTENTION[kind], "mlp": MLP[kind], "all-linear": [""]}[part]
    wanted = {n for n in linear if part == "all-linear" or any(n.endswith("." + e) for e in endings)}
    peft = get_peft_model(model, LoraConfig(r=2, target_modules=resolve_targets(model, part)), low_cpu_mem_usage=True)
    assert {n.partition("base_model.model.")[2] for n, m in peft.named_modules() if hasattr(m, "lora_A")} == wanted


def test_what_has_no_such_part_is_told_its_linear_layers() -> None:
    with pytest.raises(
        ModelError, match=r"finds no layer in MambaForCausalLM. Its linear layers are .*in_proj.*out_proj"
    ):
        resolve_targets(meta("mamba"), "attention")
    with pytest.raises(ModelError, match=r"mlp.*finds no layer in MixtralForCausalLM that is no fused expert.*q_proj"):
        resolve_targets(meta("mixtral"), "mlp")


def test_lists_and_expressions_are_left_to_peft() -> None:
    model = meta("llama")
    for targets in ("all-linear", ["q_proj"], r".*\.(q|v)_proj"):
        assert resolve_targets(model, targets) == targets


def test_whole_layers_are_named_by_their_ends() -> None:
    model = meta("llama")
    assert whole_layers(model, ["embed_tokens", "lm_head"]) == ["model.embed_tokens", "lm_head"]
    assert whole_layers(model, ["norm"]) == ["model.norm"], "input_layernorm ends so, too, but is another name"
    assert whole_layers(model, ["layers.1.mlp.up_proj"]) == ["model.layers.1.mlp.up_proj"]
    with pytest.raises(ModelError, match=r"no such layer. Its layers are .*embed_tokens.*q_proj"):
        whole_layers(model, ["embeddings"])
    with pytest.raises(ModelError, match="holds other layers"):
        whole_layers(model, ["self_attn"])
