"""Presets and differences: valid over any valid run file, shown in the order of its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config.check import check
from engine.config.differences import Difference, differ
from engine.config.presets import PRESETS, Preset, differences_to

HEAD = '[model]\npath = "m"\n[[data]]\npath = "d.jsonl"\n'
FILES = {
    "plain": HEAD,
    "pissa": HEAD + '[quantization]\nbits = 16\n[lora]\ninit = "pissa"\ndora = true\nrank = 3\n',
    "full": HEAD
    + '[quantization]\nbits = 32\n[train]\nmethod = "full"\nlearning_rate = 1e-5\nmin_learning_rate = 1e-6\n',
    "wsd": HEAD + '[train]\nscheduler = "wsd"\ndecay = 0.5\nepochs = 3.0\n',
    "packed": HEAD + '[tokens]\npacking = "wrapped"\nsupervise = "all"\n',
    "grouped": HEAD
    + '[tokens]\ngroup_by_length = true\ntruncation = "left"\n[train]\nsteps = 9\ngrad_accumulation = 4\n',
    "going on": HEAD + '[lora]\nstart_from = "a"\n[quantization]\nbits = 8\n',
    "adafactor": HEAD + '[train]\noptimizer = "adafactor"\n[lora]\ninit = "orthogonal"\n',
    "loftq": HEAD + '[lora]\ninit = "loftq"\n[train]\nlearning_rate = 1e-3\nmin_learning_rate = 5e-4\n',
    "sources": HEAD.replace(
        "[[data]]", '[[data]]\nweight = 1.0\npath = "e.txt"\nformat = "text"\n[[data]]\nweight = 2.0'
    ),
}


def laid(path: Path, preset: Preset) -> dict[str, Any]:
    return {item.key: item.after for item in differences_to(check(path, None, {}).table, preset)}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("name", FILES)
def test_a_preset_over_a_valid_run_file_is_a_valid_run_file(tmp_path: Path, name: str, preset: Preset) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILES[name])
    before = check(file, None, {})
    assert before.problems == []
    checked = check(file, None, laid(file, preset))
    assert checked.problems == []
    assert laid_again(checked.table, preset) == []


def laid_again(table: dict[str, Any], preset: Preset) -> list[Difference]:
    return differences_to(table, preset)


def test_the_papers_figures(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(HEAD)
    run = check(file, None, laid(file, PRESETS["qlora-paper"])).run
    assert run is not None
    assert (run.lora.rank, run.lora.alpha, run.lora.dropout) == (64, 16, 0.1)
    assert (run.train.clip, run.train.betas, run.train.scheduler) == (0.3, [0.9, 0.999], "constant")
    assert (run.quantization.bits, run.quantization.type, run.quantization.double) == (4, "nf4", True)
    assert (run.train.learning_rate, run.tokens.group_by_length) == (2e-4, True)
    assert check(file, None, laid(file, PRESETS["qlora-paper"])).remarks == []


def test_a_small_gpu_keeps_the_global_batch(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILES["grouped"])
    changes = laid(file, PRESETS["small-gpu"])
    assert (changes["train.batch_size"], changes["train.grad_accumulation"]) == (1, 32)


def test_what_no_longer_fits_is_shown_as_a_difference(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILES["pissa"])
    found = differences_to(check(file, None, {}).table, PRESETS["qlora-paper"])
    assert Difference("lora.init", "pissa", "default") in found
    keys = [item.key for item in found]
    assert keys.index("quantization.bits") < keys.index("lora.rank") < keys.index("train.clip")


def test_an_adapter_to_go_on_with_keeps_its_shape(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILES["going on"])
    assert "lora.rank" not in laid(file, PRESETS["qlora-paper"])


def test_differences_are_of_resolved_values() -> None:
    base: dict[str, Any] = {"model": {"path": "m"}, "data": [{"path": "d.jsonl"}]}
    assert differ(base, {**base, "lora": {"rank": 16}}) == []
    two = {**base, "data": [{"path": "d.jsonl"}, {"path": "e.txt", "format": "text"}], "lora": {"rank": 8}}
    assert [(item.key, item.before, item.after) for item in differ(base, two) if item.after not in ([], {}, False)][
        :3
    ] == [
        ("data[1].path", None, "e.txt"),
        ("data[1].held_out", None, "auto"),
        ("data[1].format", None, "text"),
    ]
    assert differ(base, two)[-1] == Difference("lora.rank", 16, 8)
    assert differ({"lora": 3}, base)[0].key == "model.path"
