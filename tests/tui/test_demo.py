"""Demo: the story as it is told, its end, and telling it afresh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui import acts
from tui.app import LuthierApp

Make = Callable[..., LuthierApp]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Which stories were started, and whether afresh; none is really told."""
    told: list[bool] = []

    def start(starter: Path, runs: Path, fresh: bool) -> Any:
        told.append(fresh)
        return None

    monkeypatch.setattr(acts, "start_story", start)
    return told


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_story_that_was_told(
    make_app: Make, runs: Path, tmp_path: Path, size: tuple[int, int], started: list[bool]
) -> None:
    fakes.story(tmp_path / "starter")
    fakes.whole_run(runs, "demo-1", 120)
    async with make_app(demo=True).run_test(size=size) as pilot:
        await sees(pilot, "After", "✓ 1 min 46 s", "11/12", "✗ base", "✓ tuned", "200 questions")
        if size == (120, 36):
            await sees(pilot, "loss of demo-1", "tuned model", "A small world", "right 214")
        else:
            await sees(pilot, "94%")
        await until(pilot, lambda: "demo-1" in pilot.app.link.runs)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await sees(pilot, "demo-1", "The adapter is in")
        await pilot.press("escape")
        await sees(pilot, "the story")
    assert started == [], "it was told already"


async def test_a_story_in_the_middle(make_app: Make, runs: Path, tmp_path: Path, started: list[bool]) -> None:
    fakes.story(tmp_path / "starter", told=False)
    clock = fakes.Clock()
    _, journal = fakes.begin(runs, "demo-1", clock, 120)
    fakes.train(journal, clock, 1, 60, 120)
    async with make_app().run_test(size=(120, 36)) as pilot:
        await pilot.press("9")
        await sees(pilot, "Tuning", "loss of demo-1", "broken off")
        assert started == [], "looking starts nothing"


async def test_it_is_started_with_d(make_app: Make, started: list[bool]) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("9")
        await sees(pilot, "f tells it")
        await pilot.press("1", "d")
        await until(pilot, lambda: started == [False])


async def test_afresh_asks_first(make_app: Make, tmp_path: Path, started: list[bool]) -> None:
    fakes.story(tmp_path / "starter")
    async with make_app(demo=True).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "✓ 1 min 46 s")
        await pilot.press("f")
        await sees(pilot, "are made anew")
        await pilot.press("escape")
        await sees(pilot, "✓ 1 min 46 s")
        await pilot.press("f")
        await sees(pilot, "are made anew")
        await pilot.press("enter")
        await until(pilot, lambda: started == [True])


async def test_a_demo_that_cannot_start_says_why(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.link import VerbError

    def refuse(*_: object) -> None:
        raise VerbError("The demo cannot be started in /x: Permission denied.")

    monkeypatch.setattr(acts, "start_story", refuse)
    async with make_app(demo=True).run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "Permission denied")
        assert "the story" in shown(pilot.app)
