"""The dialogs of the Tokens screen: choosing a template, and writing what is changed into a run file."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from engine.config.data import TemplateName
from tests.tui import hostile
from tests.tui.conftest import sees, shown, until
from tests.tui.test_hostile import harmless
from tests.tui.tokenfacts import Make
from tui.app import LuthierApp
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.changes import Changes, named
from tui.screens.dialogs.template import ABOUT, EDIT, Template, names

Answers = list[Any]


@asynccontextmanager
async def asking(
    app: LuthierApp, dialog: Dialog[Any], size: tuple[int, int]
) -> AsyncIterator[tuple[Pilot[object], Answers]]:
    """The app with a dialog open, and what it answers."""
    answers: Answers = []
    async with app.run_test(size=size) as pilot:
        await app.push_screen(dialog, answers.append)
        await pilot.pause()
        yield pilot, answers


# Templates


def test_every_template_is_explained() -> None:
    assert names() == list(get_args(TemplateName))
    assert set(ABOUT) == {*names(), EDIT}


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 15)])
async def test_a_template_is_chosen(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    async with asking(app, Template("gsm8k", "chatml", "chatml", "named in the run file"), size) as (pilot, answers):
        await sees(pilot, "◆ chatml", "<|im_start|>role", "in force: chatml: named in the run file (gsm8k)")
        await pilot.press("k")
        await sees(pilot, ABOUT["plain"][:40])
        assert "◆ plain" not in shown(app)
        await pilot.press("enter")
        assert answers == ["plain"]


async def test_the_last_entry_edits(make_app: Make) -> None:
    app = make_app()
    async with asking(app, Template("", "auto", "qa", "questions"), (80, 24)) as (pilot, answers):
        await sees(pilot, "◆ auto", "in force: qa: questions")
        await pilot.press("G")
        await sees(pilot, "$EDITOR; what you save")
        await pilot.press("enter")
        assert answers == [EDIT]


async def test_leaving_chooses_nothing(make_app: Make) -> None:
    app = make_app(ascii_only=True)
    dialog = Template(hostile.TEXT, hostile.TEXT, hostile.TEXT, hostile.TEXT)
    async with asking(app, dialog, (80, 24)) as (pilot, answers):
        await sees(pilot, "in force", "alpaca")
        harmless(app)
        assert shown(app).isascii()
        for size in ((40, 8), (10, 3), (80, 24)):
            await pilot.resize_terminal(*size)
            harmless(app)
        await pilot.press("escape")
        assert answers == [None]


# Asking


async def test_what_is_typed_ahead_is_taken(make_app: Make) -> None:
    app = make_app()
    answers: Answers = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Ask("go to row", "1 to 300", yes="go there"), answers.append)
        for key in "234":
            app.post_message(events.Key(key, key))
        await sees(pilot, "enter: go there", "esc: close")
        await until(pilot, lambda: app.screen.query_one(Input).value == "234")
        await pilot.press("enter")
        assert answers == ["234"]


def test_keys_are_named_as_one_finds_them_in_the_file() -> None:
    assert named("tokens.max_length", 2) == "tokens.max_length"
    assert named("data[0].template", 1) == "[[data]] template"
    assert named("data[1].exclude.rows", 3) == "[[data]] #2 exclude.rows"


# Changes

RUN_FILE = """# mine
[model]
path = "/m"  # small

[[data]]
path = "/rows.jsonl"

[tokens]
max_length = 512  # enough for most
"""
CHANGES = {"tokens.max_length": 768, "tokens.packing": "bfd"}
BEFORE = {"tokens.max_length": 512, "tokens.packing": "none"}


async def test_changes_are_shown_and_written_line_by_line(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "boats.toml"
    path.write_text(RUN_FILE)
    app = make_app()
    async with asking(app, Changes(CHANGES, BEFORE, str(path)), (80, 24)) as (pilot, answers):
        await sees(pilot, "boats.toml changes", "tokens.max_length  512 → 768", "tokens.packing     none → bfd")
        await sees(pilot, "comments stay as they are, and so does every")
        assert path.read_text() == RUN_FILE
        await pilot.press("enter")
        await until(pilot, lambda: answers == [path])
    wanted = RUN_FILE.replace("max_length = 512", "max_length = 768") + 'packing = "bfd"\n'
    assert path.read_text() == wanted


async def test_nothing_is_written_where_one_leaves_or_it_cannot_be(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "boats.toml"
    path.write_text(RUN_FILE)
    app = make_app()
    async with asking(app, Changes(CHANGES, BEFORE, str(path)), (80, 24)) as (pilot, answers):
        await sees(pilot, "boats.toml changes")
        await pilot.press("escape")
        assert answers == [None]
    app = make_app()
    async with asking(app, Changes({"tokens.max_length": 3}, BEFORE, str(path)), (80, 24)) as (pilot, answers):
        await sees(pilot, "✗", "max_length")
        await pilot.press("enter")
        await pilot.pause()
        assert answers == []
    path.unlink()
    app = make_app()
    async with asking(app, Changes(CHANGES, BEFORE, str(path)), (80, 24)) as (pilot, answers):
        await sees(pilot, "✗ There is no run file")
        await pilot.press("enter")
        await pilot.pause()
        assert answers == []
    assert not path.exists()


async def test_what_the_file_says_already(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "boats.toml"
    path.write_text(RUN_FILE)
    app = make_app()
    async with asking(app, Changes({"tokens.max_length": 512}, {}, str(path)), (80, 24)) as (pilot, answers):
        await sees(pilot, "boats.toml says so already")
        await pilot.press("enter")
        await until(pilot, lambda: answers == [path])
    assert path.read_text() == RUN_FILE


async def test_a_draft_that_is_in_no_file_becomes_one(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own-files").mkdir()
    (tmp_path / "there.toml").write_text("")
    tables = {"name": "draft", "model": {"path": "/m"}, "data": [{"path": str(tmp_path / "rows.jsonl")}]}
    app = make_app()
    async with asking(app, Changes(CHANGES, BEFORE, "there.toml", tables=tables), (80, 24)) as (pilot, answers):
        await sees(pilot, "is there already.")
        await pilot.press("ctrl+u")
        await sees(pilot, "Name a run file, for example run.toml.")
        await pilot.press(*"own", "tab", *"new.txt")
        await sees(pilot, "own-files/new.txt", "A run file is a .toml file; new.txt is none.")
        await pilot.press("enter", *["backspace"] * 3, *"toml")
        await sees(pilot, "new.toml is new", "tokens.max_length  512 → 768")
        assert "comments" not in shown(app), "a new file has none"
        await pilot.press("enter")
        await until(pilot, lambda: answers == [tmp_path / "own-files" / "new.toml"])
    found = tomllib.loads((tmp_path / "own-files" / "new.toml").read_text())
    assert found["tokens"] == {"max_length": 768, "packing": "bfd"}
    assert found["data"] == [{"path": str(tmp_path / "rows.jsonl")}]
    assert (tmp_path / "there.toml").read_text() == ""


async def test_a_runs_own_file_is_copied_and_stays(make_app: Make, tmp_path: Path) -> None:
    record = tmp_path / "run.toml"
    record.write_text(RUN_FILE)
    changes = {**CHANGES, "data[0].template": None}
    dialog = Changes(changes, BEFORE, str(tmp_path / "again.toml"), copied=str(record))
    app = make_app()
    async with asking(app, dialog, (80, 24)) as (pilot, answers):
        await sees(pilot, "again.toml is new", "[[data]] template  auto → taken out")
        await pilot.press("enter")
        await until(pilot, lambda: answers == [tmp_path / "again.toml"])
    assert tomllib.loads((tmp_path / "again.toml").read_text())["tokens"]["max_length"] == 768
    assert record.read_text() == RUN_FILE


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_many_changes_and_hostile_ones_at_every_size(make_app: Make, tmp_path: Path, ascii_only: bool) -> None:
    path = tmp_path / "evil[red]\x1b[2J.toml"
    path.write_text(RUN_FILE)
    changes = {"data[0].prompt": hostile.TEXT, "data[0].completion": "{a}", "data[0].template": "custom"}
    before = dict.fromkeys(changes, hostile.TEXT * 3)
    app = make_app(ascii_only=ascii_only)
    async with asking(app, Changes(changes, before, str(path)), (80, 24)) as (pilot, _):
        await sees(pilot, "[[data]] prompt", "evil[red]")
        for size in ((80, 24), (60, 15), (20, 3), (1, 1), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.press("j", "G")
            harmless(app)
            if ascii_only:
                assert shown(app).isascii()
