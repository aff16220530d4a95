"""A draft becomes a run file: whole, checked, its paths as short as they can be."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.config.fresh import plan_new
from engine.config.use import write
from engine.errors import ConfigError


def tables(folder: Path) -> dict[str, Any]:
    return {
        "name": "draft",
        "model": {"path": str(folder / "model")},
        "data": [{"path": str(folder / "a.jsonl"), "format": "auto", "bad_lines": "skip"}, {"preset": "gsm8k"}],
    }


def test_what_is_written_says_the_draft_and_its_changes(tmp_path: Path) -> None:
    draft, changes = (
        tables(tmp_path),
        {"tokens.max_length": 768, "data[1].template": "qa", "data[0].bad_lines": None, "lora.rank": None},
    )
    before = tables(tmp_path)
    planned = plan_new(tmp_path / "mine.toml", draft, changes)
    assert draft == before, "the draft itself stays as it is"
    assert planned.run.name == "mine"
    assert planned.run.tokens.max_length == 768
    assert [change.name for change in planned.changes] == list(changes)
    assert not (tmp_path / "mine.toml").exists()
    write(planned)
    assert tomllib.loads((tmp_path / "mine.toml").read_text()) == {
        "model": {"path": "model"},
        "tokens": {"max_length": 768},
        "data": [{"path": "a.jsonl"}, {"preset": "gsm8k", "template": "qa"}],
    }


def test_relative_paths_are_those_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    planned = plan_new(tmp_path / "sub" / "x.toml", {"model": {"path": "./m"}, "data": [{"path": "a.jsonl"}]}, {})
    found = tomllib.loads(planned.text)
    assert found["model"]["path"] == str(tmp_path / "m")
    assert found["data"][0]["path"] == str(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens.max_lenght": 8}, "max_length"),
        ({"tokens.max_length": "long"}, "tokens.max_length"),
        ({"data[7].template": "qa"}, "leads nowhere"),
        ({"data[0].path.x": 3}, "leads nowhere"),
        ({"no key": 1}, "leads nowhere"),
        ({"name.x": None}, "leads nowhere"),
        ({"data[9].weight": None}, "leads nowhere"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan_new(tmp_path / "mine.toml", tables(tmp_path), changes)


def test_no_file_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    planned = plan_new(path, tables(tmp_path), {})
    path.write_text("# mine\n")
    with pytest.raises(ConfigError, match="has changed meanwhile"):
        write(planned)
    with pytest.raises(ConfigError, match="is there already"):
        plan_new(path, tables(tmp_path), {})
    assert path.read_text() == "# mine\n"


def test_a_file_that_cannot_be_a_name_keeps_the_one_it_has(tmp_path: Path) -> None:
    planned = plan_new(tmp_path / "my file!.toml", tables(tmp_path), {})
    assert planned.run.name == "draft"
