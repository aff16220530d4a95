"""The Data screen as text, compared with files; `test_pictures` says how the files are written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.datafiles import Make, boats, broken, chats, looking_at, ready, sees, until
from tests.tui.test_pictures import SIZES, compare


@pytest.mark.parametrize("size", SIZES)
async def test_the_data_screen(make_app: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app()
    async with looking_at(
        app, boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl"), size=size, examined=True
    ) as pilot:
        await until(pilot, lambda: len(app.desk.mixture.rows) == 2)
        await pilot.press("j", "space", "space", "j", "x", "k", "k")
        await ready(pilot, examined=True)
        await sees(pilot, "a run leaves out 2 rows")
        await until(pilot, lambda: app.desk.source.row.number == 3)
        await pilot.pause(0.1)
        compare(app, "data")
        await pilot.press("c", "f")
        await sees(pilot, "Exact duplicates", "all 200 rows")
        compare(app, "data-findings")
        await pilot.press("s")
        await sees(pilot, "distinct", "median")
        compare(app, "data-statistics")
        await pilot.press("escape", "slash", *"tea")
        await sees(pilot, "40 of 200 match")
        await until(pilot, lambda: app.desk.source.row.number == 3)
        await pilot.pause(0.1)
        compare(app, "data-search")
        await pilot.press("escape", "m")
        await sees(pilot, "how it is read", "prompt")
        compare(app, "data-mapping")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_open_and_nothing_readable(
    make_app: Make, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    (folder / "sets").mkdir(parents=True)
    broken(folder / "broken.jsonl")
    boats(folder / "boats.jsonl")
    monkeypatch.chdir(folder)
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await sees(pilot, "boats.jsonl", "well-known")
        compare(app, "data-empty")
        await pilot.press("down", "down", "enter")
        await ready(pilot, examined=True)
        await pilot.press("j", "enter")
        await sees(pilot, "as it stands in the file")
        compare(app, "data-broken")
