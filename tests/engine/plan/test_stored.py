"""What lies in memory as long as a run trains: planned from config.json, against the tensors of the really loaded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.plan.memory import state_bytes, stored_bytes, trainable_bytes
from engine.plan.shapes import build, constants_of, owned
from engine.train.adapters import make_trainable
from engine.train.model import count_parameters, load_base
from engine.train.optimizer import CODE_BOOKS, make_optimizer
from tests.engine.plan.models import llama, run_of, write

CPU = torch.device("cpu")


def really(model: nn.Module, full: bool) -> dict[str, int]:
    """Bytes of a model in memory, every tensor once."""
    tensors = [tensor for _, tensor in owned(model, [])]
    constants = {id(c) for tensor in tensors for c in constants_of(tensor)}
    found = {"weights": 0, "quantization constants": 0, "adapters": 0}
    for tensor in tensors:
        trained = isinstance(tensor, nn.Parameter) and tensor.requires_grad and not full
        part = "quantization constants" if id(tensor) in constants else "adapters" if trained else "weights"
        found[part] += tensor.untyped_storage().nbytes()
    return found


def gpt2(folder: Path) -> Path:
    from transformers import GPT2Config

    return write(folder, GPT2Config(vocab_size=320, n_embd=64, n_layer=3, n_head=4, n_positions=128), weights=True)


@pytest.mark.parametrize(
    "quantization",
    [
        {"bits": 4},
        {"bits": 4, "double": False},
        {"bits": 4, "type": "fp4", "compute_dtype": "bfloat16"},
        {"bits": 8},
        {"bits": 16},
        {"bits": 32},
    ],
    ids=lambda q: "-".join(map(str, q.values())),
)
@pytest.mark.parametrize("architecture", ["llama", "tied", "gpt2"])
def test_every_byte_is_counted_as_it_is_stored(tmp_path: Path, architecture: str, quantization: dict[str, Any]) -> None:
    folder = (
        gpt2(tmp_path) if architecture == "gpt2" else llama(tmp_path, True, tie_word_embeddings=architecture == "tied")
    )
    run = run_of(folder, quantization=quantization, lora={"rank": 4})
    shapes = build(run, folder, "cpu")
    model = make_trainable(load_base(folder, run, CPU), run)
    stored = stored_bytes(shapes, run, "cpu")
    assert {part: stored[part] for part in ("weights", "quantization constants", "adapters")} == really(model, False)
    _, trainable = count_parameters(model)
    assert shapes.trainable == trainable
    assert trainable_bytes(shapes) == 4 * trainable


@pytest.mark.parametrize(
    "lora",
    [
        {"dora": True},
        {"target_modules": "attention"},
        {"target_modules": r".*layers\.[13]\..*q_proj"},
        {"init": "pissa"},
    ],
    ids=lambda lora: next(iter(lora)) + str(next(iter(lora.values()))),
)
def test_adapters_of_every_kind(tmp_path: Path, lora: dict[str, Any]) -> None:
    folder = llama(tmp_path, True)
    run = run_of(folder, quantization={"bits": 32}, lora={"rank": 4, **lora})
    model = make_trainable(load_base(folder, run, CPU), run)
    shapes = build(run, folder, "cpu")
    assert stored_bytes(shapes, run, "cpu")["adapters"] == really(model, False)["adapters"]


def test_a_full_run_trains_its_weights(tmp_path: Path) -> None:
    folder = llama(tmp_path, True)
    run = run_of(folder, quantization={"bits": 32}, train={"method": "full"})
    shapes = build(run, folder, "cpu")
    stored = stored_bytes(shapes, run, "cpu")
    parameters, _ = count_parameters(load_base(folder, run, CPU))
    assert (shapes.parameters, shapes.trainable) == (parameters, parameters)
    assert stored["adapters"] == 0
    assert stored["optimizer"] >= 8 * parameters


@pytest.mark.parametrize(
    "name", ["adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "lion", "lion_8bit", "adafactor"]
)
def test_the_optimisers_keep_what_is_planned(tmp_path: Path, name: str) -> None:
    """Ranks are such that some weights are below the 4,096 elements from which on state is in 8 bits."""
    folder = llama(tmp_path, True, num_hidden_layers=2, intermediate_size=600)
    run = run_of(folder, quantization={"bits": 32}, lora={"rank": 16}, train={"optimizer": name})
    model = make_trainable(load_base(folder, run, CPU), run)
    optimizer = make_optimizer(model, run, CPU)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight) if weight.requires_grad else None
    optimizer.step()
    kept = 0
    for weight in model.parameters():
        tensors = [value for key, value in optimizer.state.get(weight, {}).items() if key not in CODE_BOOKS]
        kept += sum(value.nbytes for value in tensors if isinstance(value, torch.Tensor))
    assert stored_bytes(build(run, folder, "cpu"), run, "cpu")["optimizer"] == kept
    assert kept > 0


def test_paged_state_gives_way_on_a_gpu_where_it_is_large(tmp_path: Path) -> None:
    run = run_of(tmp_path, train={"optimizer": "paged_adamw"})
    assert state_bytes(run, (16, 50_000), "cuda") == 0
    assert state_bytes(run, (16, 500), "cuda") == 8 * 8_000
    assert state_bytes(run, (16, 50_000), "cpu") == 8 * 800_000


def test_a_plan_leaves_no_trace_in_the_libraries(tmp_path: Path) -> None:
    """bitsandbytes keeps a table for all quantisations of a process; one without values would break the run that follows."""
    import bitsandbytes as bnb

    before = dict(bnb.functional.name2qmap)
    random = torch.get_rng_state()
    folder = llama(tmp_path)
    build(run_of(folder), folder, "cpu")
    assert bnb.functional.name2qmap == before
    assert torch.equal(torch.get_rng_state(), random)
