"""Checking a draft: all mistakes with their keys and lines, remarks on what is unusual, the text with the changes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.config.check import check
from engine.config.load import load
from engine.config.spec import commented_toml
from engine.errors import ConfigError
from engine.starter.recipe import RECIPE
from engine.starter.runfiles import base_toml, tune_toml

FILE = """# my run
[model]
path = "m"  # the model

[[data]]
path = "d.jsonl"

[lora]
rank = 16 # wide
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "run.toml"
    file.write_text(FILE)
    return file


def messages(path: Path, changes: dict[str, Any]) -> dict[str, str]:
    return {problem.key: problem.message for problem in check(path, None, changes).problems}


def test_a_whole_file_has_neither_problems_nor_remarks(path: Path) -> None:
    checked = check(path, None, {})
    assert (checked.problems, checked.remarks, checked.text) == ([], [], FILE)
    assert checked.run == load(path)


def test_the_text_has_the_changes_and_keeps_comments_even_where_it_is_wrong(path: Path) -> None:
    checked = check(path, None, {"lora.rank": 0, "train.method": "lora"})
    assert "rank = 0 # wide" in checked.text
    assert "# my run" in checked.text
    assert tomllib.loads(checked.text) == checked.table
    assert checked.run is None
    assert [(problem.key, problem.line) for problem in checked.problems] == [("lora.rank", 9)]
    assert checked.problems[0].message == "`lora.rank` is 0: it must be at least 1"


def test_all_mistakes_are_told_those_between_sections_too(path: Path) -> None:
    wrong = {
        "lora.rank": 0,
        "lora.init": "pissa",
        "train.steps": 3,
        "train.epochs": 1.0,
        "data[0].template": "custom",
        "eval.sample_every": 5,
        "split.test_size": 1.5,
        "train.betas": [0.9],
    }
    found = messages(path, wrong)
    assert list(found) == [
        "data[0].template",
        "split.test_size",
        "lora.rank",
        "lora.init",
        "train.epochs",
        "train.betas",
        "eval.sample_every",
    ]
    assert "not both" in found["train.epochs"]
    assert "quantization.bits" in found["lora.init"]
    assert found["train.betas"] == "`train.betas` is [0.9]: it must have at least 2 entries"
    assert found["split.test_size"].startswith("`split.test_size` is 1.5; below 1")


def test_a_mistake_does_not_bring_others_with_it(path: Path) -> None:
    """bits = 5 is wrong; what would not go with the default 4 is not told beside it."""
    assert list(messages(path, {"quantization.bits": 5, "train.method": "full"})) == ["quantization.bits"]
    assert list(messages(path, {"model.path": 3})) == ["model.path"]


@pytest.mark.parametrize(
    ("changes", "key", "others"),
    [
        ({"train.method": "full", "quantization.bits": 32, "lora.rank": 8}, "lora.rank", ["train.method"]),
        ({"quantization.bits": 16, "quantization.double": False}, "quantization.double", ["quantization.bits"]),
        ({"tokens.packing": "bfd", "tokens.group_by_length": True}, "tokens.group_by_length", ["tokens.packing"]),
        ({"train.min_learning_rate": 1.0}, "train.min_learning_rate", ["train.learning_rate"]),
        ({"split.test_size": 0, "train.early_stopping": 2}, "train.early_stopping", ["split.test_size"]),
        ({"lora.start_from": "a", "lora.rank": 8}, "lora.rank", ["lora.start_from"]),
        ({"data[0].streaming": True}, "data[0].streaming", ["data[0].max_rows"]),
    ],
)
def test_keys_that_disagree_are_named(path: Path, changes: dict[str, Any], key: str, others: list[str]) -> None:
    (problem,) = check(path, None, changes).problems
    assert problem.key == key
    assert set(others) <= set(problem.keys)
    assert problem.line is not None


def test_a_source_without_a_weight_is_found(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILE.replace("[lora]", 'weight = 1.0\n\n[[data]]\npath = "e.jsonl"\n\n[lora]'))
    (problem,) = check(file, None, {}).problems
    assert (problem.key, problem.line) == ("data[1].weight", 10)


def test_keys_that_lead_nowhere_and_unknown_ones_are_problems(path: Path) -> None:
    found = messages(path, {"data[4].path": "x", "lora.rnak": 3})
    assert "has 1 [[data]] tables" in found["data[4].path"]
    assert "did you mean `lora.rank`" in found["lora.rnak"]


def test_text_that_is_no_toml_is_one_problem_with_its_line(path: Path) -> None:
    path.write_text(FILE + "oops\n")
    checked = check(path, None, {"lora.rank": 8})
    (problem,) = checked.problems
    assert (problem.line, checked.text) == (10, FILE + "oops\n")
    assert "not valid TOML" in problem.message


def test_a_file_written_so_that_a_key_cannot_be_changed_alone_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('model = {path = "m"}\ndata = [{path = "d.jsonl"}]\nlora.rank = 8\n')
    checked = check(file, None, {"data[0].format": "text", "lora.alpha": 8.0, "model.revision": "main"})
    assert checked.problems == []
    assert tomllib.loads(checked.text) == checked.table
    assert checked.table["data"][0]["format"] == "text"


def test_a_draft_that_is_no_file_is_checked_the_same() -> None:
    table = {"model": {"path": "m"}, "data": [{"path": "d.jsonl"}]}
    checked = check(None, table, {"lora.rank": 8})
    assert checked.run is not None
    assert checked.run.lora.rank == 8
    assert tomllib.loads(checked.text)["lora"] == {"rank": 8}
    assert table == {"model": {"path": "m"}, "data": [{"path": "d.jsonl"}]}
    assert [problem.key for problem in check(None, {}, {}).problems] == ["model", "data"]
    with pytest.raises(ConfigError):
        check(Path("/no/such/run.toml"), None, {})


def test_a_file_a_form_and_the_command_line_say_it_in_the_same_words(path: Path) -> None:
    said = messages(path, {"lora.rank": 0})["lora.rank"]
    with pytest.raises(ConfigError) as typed:
        load(path, ["lora.rank=0"])
    path.write_text(FILE.replace("16", "0"))
    with pytest.raises(ConfigError) as written:
        load(path)
    assert str(typed.value) == f"--set: {said}"
    assert str(written.value) == f"{path}:9: {said}"


# Remarks


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"lora.alpha": 128.0}, "lora.alpha", "alpha / rank is 8: usual is 1 to 2"),
        ({"lora.alpha": 1.0}, "lora.alpha", "alpha / rank is 0.0625"),
        ({"lora.alpha": 512.0, "lora.rslora": True}, "lora.alpha", "alpha / sqrt(rank) is 128"),
        ({"lora.rank": 512, "lora.alpha": 512.0}, "lora.rank", "`lora.rank` is 512: usual is 8 to 64"),
        ({"lora.dropout": 0.5}, "lora.dropout", "usual is 0 to 0.1"),
        ({"train.learning_rate": 1e-6}, "train.learning_rate", "little for LoRA"),
        ({"train.learning_rate": 0.02}, "train.learning_rate", "`train.learning_rate` is 0.02"),
        ({"train.optimizer": "lion"}, "train.learning_rate", "much for lion"),
        ({"lora.plus_ratio": 16.0, "train.learning_rate": 1e-3}, "lora.plus_ratio", "B learns at 0.016"),
        ({"train.epochs": 8.0}, "train.epochs", "8 epochs: usual is 1 to 3"),
        ({"train.warmup": 0.5}, "train.warmup", "50 % of the steps"),
        ({"train.warmup": 100, "train.steps": 60}, "train.warmup", "never reaches"),
        ({"train.batch_size": 1}, "train.batch_size", "a step follows one sequence"),
        ({"split.test_size": 0.7}, "split.test_size", "held out"),
        ({"tokens.packing": "wrapped"}, "tokens.packing", "cuts conversations"),
    ],
)
def test_what_is_unusual_is_remarked_on(path: Path, changes: dict[str, Any], key: str, words: str) -> None:
    checked = check(path, None, changes)
    assert checked.problems == []
    assert [(remark.key, words in remark.message) for remark in checked.remarks] == [(key, True)]


def test_a_full_fine_tune_wants_less(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('[model]\npath = "m"\n[[data]]\npath = "d.jsonl"\n')
    full = {"train.method": "full", "quantization.bits": 32}
    assert [r.key for r in check(file, None, full).remarks] == ["train.learning_rate"]
    assert not check(file, None, {**full, "train.learning_rate": 2e-5}).remarks
    assert not check(file, None, {**full, "data[0].format": "text"}).remarks


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lora.rank": 64, "lora.alpha": 16.0, "lora.dropout": 0.1},
        {"lora.rank": 128, "lora.alpha": 32.0, "lora.rslora": True},
        {"train.batch_size": 1, "train.grad_accumulation": 16},
        {"train.epochs": 3.0, "train.learning_rate": 1e-4, "train.weight_decay": 0.01},
        {"lora.plus_ratio": 16.0},
        {"train.optimizer": "lion", "train.learning_rate": 3e-5},
    ],
)
def test_what_is_usual_is_not(path: Path, changes: dict[str, Any]) -> None:
    assert check(path, None, changes).remarks == []


def test_the_spec_is_usual_and_so_is_the_demo_but_for_its_rates(tmp_path: Path) -> None:
    small = ["train.learning_rate"]  # the models are a thousand times smaller than those that advice speaks of
    unusual = {"base": small, "tune": small}
    for name, text in {
        "spec": commented_toml(),
        "base": base_toml(RECIPE, "x"),
        "tune": tune_toml(RECIPE, "x"),
    }.items():
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        checked = check(file, None, {})
        assert (checked.problems, [remark.key for remark in checked.remarks]) == ([], unusual.get(name, [])), name


def test_remarks_are_made_beside_problems_but_not_of_what_is_wrong(path: Path) -> None:
    checked = check(path, None, {"lora.rank": -1, "train.epochs": 9.0})
    assert [problem.key for problem in checked.problems] == ["lora.rank"]
    assert [remark.key for remark in checked.remarks] == ["train.epochs"]


def test_the_spec_says_what_is_usual_and_who_says_so() -> None:
    text = commented_toml()
    assert "# Usual: 8 to 64." in text
    assert "arXiv 2305.14314" in text
