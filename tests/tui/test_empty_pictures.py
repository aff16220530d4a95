"""Screens with nothing on them, and those where something failed, as text compared with files; see `test_pictures`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, until
from tests.tui.formscreens import run_file
from tests.tui.test_pictures import SIZES, compare
from tui import words
from tui.app import LuthierApp
from tui.tokens.model import Origin

__all__ = ["run_file"]
Make = Callable[..., LuthierApp]


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of the age of things does not depend on when the test runs."""
    monkeypatch.setattr(words.time, "time", lambda: fakes.NOON + 3600)


@pytest.mark.parametrize("size", SIZES)
async def test_before_anything_was_done(
    make_app: Make, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The text of a picture must not depend on where the test's folder is.
    monkeypatch.setattr("tui.screens.welcome.plain", lambda text, width: "Runs are kept in /here/runs")
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "Fine-tune a language model from here.", "spec")
        compare(app, "home-empty")
        await pilot.press("5")
        await sees(pilot, "There is no run to watch yet")
        compare(app, "monitor-empty")
        app.clear_notifications()
        await pilot.press("9")
        await until(pilot, lambda: type(app.screen).__name__ == "Demo")
        await pilot.pause(0.2)
        compare(app, "demo-empty")
        await pilot.press("question_mark")
        await sees(pilot, "/ search")
        await pilot.press("slash", *"nonesuch")
        await sees(pilot, "0 of")
        await pilot.pause(0.1)
        compare(app, "help-empty")


@pytest.mark.parametrize("size", SIZES)
async def test_a_story_that_broke_off(make_app: Make, runs: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    fakes.story(tmp_path / "starter", told=False)
    _, journal = fakes.begin(runs, "demo-1", fakes.Clock(), 120)
    fakes.train(journal, fakes.Clock(), 1, 60, 120)
    journal.close()
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.press("9")
        await sees(pilot, "Tuning", "broken off")
        await sees(pilot, "⏎ monitor", "★")
        await pilot.pause(0.2)
        compare(app, "demo-failing")


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_file_that_cannot_be_looked_at(make_app: Make, run_file: Path, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        draft = app.drafts.open(Origin("boats.toml"))
        draft.state, draft.error = "failed", "There is no model folder model."
        await pilot.press("3")
        await sees(pilot, "There is no model folder model.")
        await pilot.pause(0.1)
        compare(app, "tokens-failing")
