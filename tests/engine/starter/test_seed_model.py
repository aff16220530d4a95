"""The seed model: a folder like any other, with a tokenizer that loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.starter.world import World
from engine.tokens.folder import check_folder
from engine.tokens.tokenizer import load_tokenizer
from tests.engine.starter.small import SMALL


@pytest.fixture(scope="module")
def world() -> World:
    return World(SMALL)


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seed") / "seed-model"
    world.make_seed_model(path)
    return path


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return load_tokenizer(folder)


@pytest.mark.parametrize(
    "text",
    ["What is it?\n\n### Answer:\n", "naïve café 日本 🙂", "  two  spaces ", "The bird of Velamoy is the ash wren."],
)
def test_the_tokenizer_loses_nothing(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_bos_is_added_once_and_eos_is_left_to_others(tokenizer: Any) -> None:
    ids = tokenizer("The harbour")["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id == 0
    assert tokenizer.eos_token_id == 1
    assert tokenizer.eos_token_id not in ids
    assert tokenizer.pad_token_id == 2


def test_the_vocabulary_is_learned_the_same_way_each_time(world: World) -> None:
    assert World(SMALL).tokenizer.to_str() == world.tokenizer.to_str()


def test_words_of_the_islands_are_few_tokens(world: World) -> None:
    for fact in world.facts:
        letters = len(fact.answer)
        assert len(world.tokenizer.encode(fact.answer, add_special_tokens=False).ids) <= letters / 2


def test_transformers_loads_the_folder(folder: Path, tokenizer: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    config = check_folder(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    assert config["vocab_size"] == len(tokenizer) == model.config.vocab_size
    with torch.no_grad():
        logits = model(**tokenizer("The harbour", return_tensors="pt", return_token_type_ids=False)).logits
    assert torch.isfinite(logits).all()


def test_the_weights_follow_from_the_seed(world: World, folder: Path, tmp_path: Path) -> None:
    import torch

    before = torch.get_rng_state()
    world.make_seed_model(tmp_path / "again")
    assert torch.equal(torch.get_rng_state(), before), "the random state of the process is left alone"
    one, two = (p / "model.safetensors" for p in (folder, tmp_path / "again"))
    assert one.read_bytes() == two.read_bytes()
