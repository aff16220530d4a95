"""Ids of the hub and paths of files are told apart, and only paths are made absolute."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.hub_id import looks_like_hub_id
from engine.config.load import load


@pytest.mark.parametrize(
    "text", ["openai/gsm8k", "gsm8k", "Open-Orca/OpenOrca", "BelleGroup/train_0.5M_CN", "a", "data/train"]
)
def test_what_could_be_an_id(text: str) -> None:
    assert looks_like_hub_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "train.jsonl", "d/train.JSONL.gz", "x.parquet", "./x", "../x", "/x/y", "~/x", "a/b/c", "a//b", "a/", "-x", "a/.b",
     "x--y", "a..b", "a b", "ünï/x", "c4.", "a/b\n", "hf://a/b", "C:\\x"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not looks_like_hub_id(text)


def test_a_path_that_is_there_wins_over_an_id(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "data").mkdir()
    paths = ["openai/gsm8k", "gsm8k", "here/data", "here", "./none/data", "none.jsonl", "deep/er/none", "/abs/x", "~/y"]
    tables = "".join(f'[[data]]\npath = "{path}"\n' for path in paths)
    (tmp_path / "run.toml").write_text(f'[model]\npath = "m"\n{tables}')
    found = [section.path for section in load(tmp_path / "run.toml").data]
    assert found[:2] == paths[:2]
    below = [str(tmp_path / path) for path in ("here/data", "here", "none/data", "none.jsonl", "deep/er/none")]
    assert found[2:] == [*below, "/abs/x", str(Path.home() / "y")]


def test_a_held_out_file_is_looked_up_beside_the_run_file(tmp_path: Path) -> None:
    tables = '[[data]]\npath = "a.jsonl"\nheld_out = "b.jsonl.gz"\n[[data]]\npath = "c.jsonl"\nheld_out = "test"\n'
    (tmp_path / "run.toml").write_text(f'[model]\npath = "m"\n{tables}')
    run = load(tmp_path / "run.toml")
    assert [section.held_out for section in run.data] == [str(tmp_path / "b.jsonl.gz"), "test"]
