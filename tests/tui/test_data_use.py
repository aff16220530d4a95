"""From the Data screen into a run file, and on to a run."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import shown
from tests.tui.datafiles import Make, boats, chats, looking_at, ready, sees, type_into, until
from tui.link.verbs import Started
from tui.screens.dialogs import new_run
from tui.screens.monitor import Monitor


async def test_a_new_run_file_is_written_and_started(
    make_app: Make, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(path: Path, runs_dir: Path) -> Started:
        assert path == tmp_path / "boats.toml"
        fakes.begin(runs_dir, "boats-1", fakes.Clock())
        return Started(run="boats-1")

    monkeypatch.setattr(new_run, "start_run", start)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    app = make_app()
    path = boats(tmp_path / "boats.jsonl")
    async with looking_at(app, path) as pilot:
        await pilot.press("j", "x")
        source = app.desk.source
        assert source is not None
        await until(pilot, lambda: source.section.get("exclude") == {"rows": [2]})
        await pilot.press("u")
        await sees(pilot, "use in a run", "boats.toml", "Which model is trained?")
        await pilot.press("enter")
        await type_into(pilot, "mo")
        await pilot.press("tab")
        await sees(pilot, "model/", "boats.toml is new", "+ boats.jsonl", "exclude {rows = [2]")
        await pilot.press("enter")
        await sees(pilot, "the run file is ready", "see its tokens", "start it now")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Monitor))
    tables = tomllib.loads((tmp_path / "boats.toml").read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert tables["data"] == [{"path": "boats.jsonl", "exclude": {"rows": [2], "sha256": digest}}]
    assert tables["model"] == {"path": "model"}


async def test_a_run_file_that_is_there_says_what_changes_and_keeps_its_comments(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_file = tmp_path / "boats.toml"
    text = (
        '[model]\npath = "/m"  # small\n\n[[data]]\npath = "old.jsonl"\nweight = 1.0\n\n'
        '[[data]]\npath = "boats.jsonl"\nweight = 2.0  # much\n'
    )
    run_file.write_text(text)
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl", 50)) as pilot:
        await pilot.press("u")
        await sees(pilot, "boats.toml", "`weight`, and another source has one")
        await pilot.press("escape", "plus", "u")
        await sees(
            pilot,
            "boats.toml changes",
            "= old.jsonl",
            "~ boats.jsonl",
            "weight 2.0 -> 0.85",
            "+ chats.jsonl",
            "1 comment",
        )
        assert "model" in shown(app)
        await pilot.press("ctrl+r")
        await sees(pilot, "- old.jsonl", "other sources go")
        await pilot.press("ctrl+r")
        await sees(pilot, "= old.jsonl")
        await pilot.press("enter")
        await sees(pilot, "comments are lost")
        await pilot.press("escape")
        assert run_file.read_text() == text
        await pilot.press("enter")
        await sees(pilot, "comments are lost")
        await pilot.press("enter")
        await sees(pilot, "the run file is ready")
        await pilot.press("escape")
        await ready(pilot)
    tables = tomllib.loads(run_file.read_text())
    assert [(t["path"], t["weight"]) for t in tables["data"]] == [
        ("old.jsonl", 1.0),
        ("boats.jsonl", 0.85),
        ("chats.jsonl", 0.2),
    ]
    assert "# small" in run_file.read_text()


async def test_a_path_that_will_not_do(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with looking_at(make_app(), boats(tmp_path / "boats.jsonl"), size=(80, 24)) as pilot:
        await pilot.press("u", "ctrl+u")
        await sees(pilot, "Name a run file")
        await type_into(pilot, "boats.jsonl", "enter")
        await sees(pilot, "is none")
        await pilot.press("escape")
        await sees(pilot, "200 rows")


async def test_a_tokenizer_is_taken_from_a_model(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    model = tmp_path / "model"
    model.mkdir()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("t")
        await type_into(pilot, str(model), "enter")
        await sees(pilot, "There is no tokenizer.json")
        (model / "tokenizer.json").write_text("{}")
        await pilot.press("enter")
        source = app.desk.source
        assert source is not None
        await until(pilot, lambda: source.exam_error, 20)
        assert app.desk.tokenizer == str(model)
        await pilot.press("s")
        await sees(pilot, "tokenizer")


async def test_a_model_that_is_not_there_is_refused_where_it_is_typed(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with looking_at(make_app(), boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("u")
        await sees(pilot, "Which model is trained?")
        await pilot.press("enter")
        await type_into(pilot, "/nope", "enter")
        await sees(pilot, "use in a run", "There is no folder /nope.")
        assert not (tmp_path / "boats.toml").exists()


def test_what_may_be_a_model(tmp_path: Path) -> None:
    from tui.data.places import no_model

    assert no_model(str(tmp_path)) == no_model("owner/name") == ""
    assert "There is no folder /nope" in no_model("/nope")
    assert "There is no folder ./nope" in no_model("./nope")
    assert "There is no folder a/b/c" in no_model("a/b/c")
    (tmp_path / "file").write_text("")
    assert "is a file" in no_model(str(tmp_path / "file"))


async def test_a_run_file_is_told_from_data(make_app: Make, tmp_path: Path) -> None:
    (tmp_path / "boats.toml").write_text('[model]\npath = "/m"\n')
    async with looking_at(make_app(), boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("o")
        await sees(pilot, "open data")
        await type_into(pilot, str(tmp_path / "boats.toml"), "enter")
        await sees(pilot, "boats.toml is a run file", "4 fills it in")
