"""What a screen lays over a run file is checked as the file itself is."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from engine.config.load import load
from engine.errors import ConfigError
from engine.service.draft_base import base_of

TEXT = """
[model]
path = "model"
[tokens]
max_length = 64
truncation = "left"
[[data]]
path = "rows.jsonl"
[[data]]
path = "more.jsonl"
max_rows = 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boats.toml"
    path.write_text(TEXT)
    return path


def test_it_is_the_file_as_a_run_reads_it(file: Path) -> None:
    base = base_of(str(file), {})
    assert base.run_file({}) == load(file)
    assert base.path == str(file)
    assert base.run_file({}).name == "boats"


def test_changes_and_keys_that_are_taken_away(file: Path) -> None:
    base = base_of(str(file), {})
    changes = {
        "tokens.max_length": 128,
        "tokens.truncation": None,
        "data[1].max_rows": None,
        "data[0].exclude.rows": [3],
        "split.test_size": 0,
        "eval.max_rows": None,
        "lora": {"rank": 4},
        "model.chat_template": "own.jinja",
    }
    run = base.run_file(changes)
    assert (run.tokens.max_length, run.tokens.truncation) == (128, "right")
    assert [source.max_rows for source in run.data] == [None, None]
    assert run.data[0].exclude.rows == [3]
    assert run.split.test_size == 0
    assert run.lora.rank == 4
    assert run.model.chat_template == str(file.parent / "own.jinja")
    assert base.run_file({}) == load(file)  # nothing was laid over it for good
    assert base.run_file({"data[1]": None}).data == load(file).data[:1]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tokens.max_lenght", 3, "did you mean `tokens.max_length`"),
        ("tokens.max_length", 3, "at least 8"),
        ("tokens.packing", "bdf", "did you mean"),
        ("data[7].template", "qa", "`data[7].template` leads nowhere"),
        ("data[x]", 1, "no key of a run file"),
        ("tokens.max_length.more", 1, "must be a whole number"),
        ("data[0].path.more", None, "leads nowhere"),
        ("", 1, "no key of a run file"),
        ("data[0].path", None, "`data[0]`: needs a `path`"),
    ],
)
def test_mistakes_in_words(file: Path, key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        base_of(str(file), {}).run_file({key: value})
    assert said in str(raised.value)
    assert "--set" not in str(raised.value)


def test_tables_that_are_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    tables = {"model": {"path": "./model"}, "data": [{"path": "rows.jsonl"}]}
    run = base_of("", tables).run_file({})
    assert run.model.path == str(tmp_path / "model")
    assert run.data[0].path == str(tmp_path / "rows.jsonl")
    assert tables["model"] == {"path": "./model"}
    with pytest.raises(ConfigError, match="`data` is missing"):
        base_of("", {"model": {"path": "."}}).run_file({})


def test_a_run_directory_is_its_run_file(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "boats-1"
    folder.mkdir()
    (folder / "run.toml").write_text(TEXT + "\n[train]\nepochs = 2\n")
    base = base_of(str(folder), {})
    assert base.path == str(folder / "run.toml")
    assert base.run_file({}).train.epochs == 2
    with pytest.raises(ConfigError, match="There is no run file"):
        base_of(str(tmp_path / "none.toml"), {})
    (tmp_path / "bad.toml").write_text("[model")
    with pytest.raises(ConfigError, match="not valid TOML"):
        base_of(str(tmp_path / "bad.toml"), {})


def test_a_date_comes_as_text(tmp_path: Path) -> None:
    # what a screen sends is JSON, which has no dates
    tables = {"model": {"path": "m", "date": "2026-01-31"}, "data": [{"path": "a.jsonl"}]}
    assert base_of("", tables).run_file({}).model.date == datetime.date(2026, 1, 31)
    assert base_of("", tables).run_file({"model.date": "2026-02-01"}).model.date == datetime.date(2026, 2, 1)
    with pytest.raises(ConfigError, match="date"):
        base_of("", tables).run_file({"model.date": "tomorrow"})
