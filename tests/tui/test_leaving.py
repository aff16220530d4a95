"""Screens that are left while something is still on its way to them, and keys that are held down."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, until
from tui.app import LuthierApp
from tui.facts import command_in
from tui.screens.compare import Compare
from tui.screens.dialogs.open_draft import OpenDraft
from tui.screens.frame import Frame
from tui.screens.home import Home
from tui.screens.monitor import Monitor

Make = Callable[..., LuthierApp]


@pytest.mark.parametrize("number", ["2", "3", "4", "5", "6", "9"])
async def test_a_screen_that_was_closed_is_not_brought_up_to_date(make_app: Make, runs: Path, number: str) -> None:
    """What was called for after the next refresh comes when the screen has lost its widgets."""
    fakes.whole_run(runs, "a-1", 3)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "a-1" in app.link.runs)
        await sees(pilot, "a-1")
        await pilot.press(number)
        await until(pilot, lambda: not isinstance(app.screen, Home))
        closed = app.screen
        assert isinstance(closed, Frame)
        await app.pop_screen()
        closed._catch_up()
        await pilot.pause()
        assert app.screen is not closed


async def test_a_screen_that_opens_over_a_closing_one(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 3)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "a-1" in app.link.runs)
        for number in "6565":
            await pilot.press("question_mark", number)
        await until(pilot, lambda: isinstance(app.screen, Monitor | Compare))


async def test_a_list_that_is_closed_before_it_is_read_leaves_nothing_over(make_app: Make) -> None:
    app = make_app()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            dialog = OpenDraft()
            await app.push_screen(dialog)
            dialog._look("a")
            dialog._look("ab")
            await pilot.pause()
        gc.collect()
    assert not [str(one.message) for one in told if "never awaited" in str(one.message)]


async def test_a_key_that_is_held_down_says_a_thing_once(make_app: Make, runs: Path) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press(*"uuuuuuuu")
        await sees(pilot, "Nothing was deleted here")
        assert len(app._notifications) == 1
        app.tell("[b]x[/b]", "one")
        app.tell("[b]x[/b]", "two")
        app.complain("[b]x[/b]")
        await pilot.pause()
        assert len(app._notifications) == 4
        await pilot.press("escape", "u")
        await until(pilot, lambda: len(app._notifications) == 1)


def test_a_command_to_copy_names_the_folder_and_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_RUNS_DIR", "/usual")
    assert command_in(Path("/usual"), "watch", "a b; c") == "luthier watch 'a b; c'"
    assert command_in(Path("/my runs"), "resume", "a-1") == "luthier resume a-1 --runs-dir '/my runs'"
