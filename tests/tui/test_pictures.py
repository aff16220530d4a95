"""Whole screens as text, compared with files: what a person sees does not change unnoticed.

`LUTHIER_NEW_PICTURES=1 pytest tests/tui/test_pictures.py` writes the files anew (a name: those of one screen); look at the
difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, shown
from tui import words
from tui.app import LuthierApp

PICTURES = Path(__file__).parent / "pictures"
SIZES = [(120, 36), (80, 24)]


def compare(app: LuthierApp, name: str) -> None:
    """The screen is as in the file `name`."""
    width, height = app.size
    path = PICTURES / f"{name}-{width}x{height}.txt"
    text = "\n".join(line.rstrip() for line in shown(app).splitlines()) + "\n"
    if os.environ.get("LUTHIER_NEW_PICTURES") in ("1", name):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.fixture
def some_runs(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that ended in different ways, and a story; the clock stands still."""
    fakes.crashed_run(runs, "gsm8k-r16-2", 187)
    fakes.whole_run(runs, "demo-1", 120, fakes.NOON - 7200)
    fakes.failed_run(runs, "hot-lr-1", fakes.NOON - 90_000)
    fakes.story(tmp_path / "starter")
    monkeypatch.setattr(words.time, "time", lambda: fakes.NOON + 3600)
    # The text of a picture must not depend on where the test's folder is.
    monkeypatch.setattr("tui.widgets.run_preview.place_of", lambda run: f"runs/{run.dir.name}")


@pytest.mark.parametrize("size", SIZES)
async def test_screens(
    make_app: Callable[..., LuthierApp], some_runs: None, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "gsm8k-r16-2", "demo-1", "hot-lr-1", "checkpoint 140")
        compare(app, "home")
        await pilot.press("enter")
        await sees(pilot, "r resumes from checkpoint 140", "rate")
        compare(app, "monitor")
        await pilot.press("9")
        await sees(pilot, "11/12", "1 min 46 s")
        await pilot.pause(0.2)
        compare(app, "demo")
        await pilot.press("question_mark")
        await sees(pilot, "/ search")
        compare(app, "help")
