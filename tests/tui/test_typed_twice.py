"""Keys that are typed ahead, or twice: a dialog answers once, closes only itself, and nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events

from tests.tui.conftest import sees, until
from tests.tui.formscreens import Make, filling, run_file
from tui.app import LuthierApp
from tui.link.verbs import Started, VerbError
from tui.screens.configure import Configure
from tui.screens.dialogs import new_run
from tui.screens.dialogs.changes import Changes
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.new_run import NewRun
from tui.screens.dialogs.pick import Option, Pick
from tui.screens.dialogs.ways import Ways
from tui.screens.help import Help
from tui.screens.home import Home

__all__ = ["run_file"]

_WAYS = (("enter", "look", "look"), ("s", "start", "start"))
_DIALOGS: list[tuple[Callable[[], Any], str]] = [
    (lambda: Ways("ready", "What now?", _WAYS, "nothing"), "s"),
    (lambda: Ways("ready", "What now?", _WAYS, "nothing"), ""),
    (lambda: Confirm("really", "Is it so?", "yes"), ""),
    (lambda: Pick("one of", [Option("a", "a"), Option("b", "b")]), ""),
]


@pytest.mark.parametrize(("make", "key"), _DIALOGS)
async def test_what_is_answered_often_closes_the_dialog_only(make_app: Make, make: Callable[[], Any], key: str) -> None:
    """Of keys that are typed ahead all are on their way to the dialog before the first one is looked at."""
    app: LuthierApp = make_app()
    answers: list[Any] = []
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("2")
        before = list(app.screen_stack)
        await app.push_screen(dialog := make(), answers.append)
        await until(pilot, lambda: dialog.is_mounted)
        target = app.focused or dialog
        for _ in range(4):
            if key:
                target.post_message(events.Key(key, key if len(key) == 1 else None))
            else:
                dialog.dismiss("an answer")
        await until(pilot, lambda: dialog not in app.screen_stack)
        await pilot.pause(0.05)
        assert app.screen_stack == before
        assert len(answers) == 1


async def test_what_lies_above_an_answered_dialog_closes_with_it(make_app: Make) -> None:
    app: LuthierApp = make_app()
    answers: list[Any] = []
    async with app.run_test(notifications=True) as pilot:
        await app.push_screen(dialog := Confirm("really", "Is it so?", "yes"), answers.append)
        app.show_help()
        await until(pilot, lambda: isinstance(app.screen, Help))
        dialog.dismiss(True)
        dialog.dismiss(True)
        await pilot.pause(0.05)
        assert isinstance(app.screen, Home)
        assert answers == [True]


async def test_home_is_never_closed(make_app: Make) -> None:
    app: LuthierApp = make_app()
    async with app.run_test(notifications=True) as pilot:
        for _ in range(3):
            app.pop_screen()
        await pilot.pause()
        assert isinstance(app.screen, Home)
        await pilot.press("3")
        await pilot.press("1")
        assert isinstance(app.screen, Home)


async def test_a_run_is_started_once_however_often_enter_is_pressed(
    make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    begun: list[str] = []

    async def start(path: Path, runs_dir: Path) -> Started:
        begun.append(path.name)
        await go_on.wait()
        raise VerbError("The model is not there.")

    monkeypatch.setattr(new_run, "start_run", start)
    app: LuthierApp = make_app()
    async with app.run_test(notifications=True) as pilot:
        app.new_run(str(run_file))
        await sees(pilot, "Checking the run file")
        await pilot.press("s", "s", "enter", "x", "enter")
        await pilot.pause(0.05)
        assert begun == ["boats.toml"]
        assert isinstance(app.screen, NewRun)
        await sees(pilot, "Checking the run file", "boats.toml")
        go_on.set()
        await sees(pilot, "The model is not there.")
        assert app.screen.query_one("#path").value == str(run_file)  # type: ignore[attr-defined]


async def test_configure_starts_a_file_once_while_it_is_checked(
    make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    begun: list[str] = []

    async def start(path: Path, runs: Path, overrides: Any = (), device: str = "") -> Started:
        begun.append(path.name)
        await go_on.wait()
        raise VerbError("no")

    monkeypatch.setattr("tui.configure_acts.start_run", start)
    app = make_app()
    async with filling(app, run_file) as pilot:
        for _ in range(2):
            await pilot.press("s")
            await sees(pilot, "start now")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Configure))
        await sees(pilot, "It is being checked already")
        assert begun == ["boats.toml"]
        go_on.set()
        await sees(pilot, "was not started: no")
        await pilot.press("s")
        await sees(pilot, "start now")
        await pilot.press("s")
        await until(pilot, lambda: len(begun) == 2)


async def test_a_file_is_written_once(make_app: Make, run_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.toml"
    tables = {"model": {"path": "model"}, "data": [{"path": str(tmp_path / "rows.jsonl")}]}
    app: LuthierApp = make_app()
    answers: list[Any] = []
    async with app.run_test(notifications=True) as pilot:
        await app.push_screen(dialog := Changes({}, {}, str(target), tables=tables), answers.append)
        await sees(pilot, "is new")
        for _ in range(3):
            dialog.action_accept()
        await until(pilot, lambda: answers)
        assert answers == [target]
        assert isinstance(app.screen, Home)
