"""What the Data screen says of itself: which rows a key means, which keys a field has, what a run would refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from tests.tui.conftest import shown
from tests.tui.datafiles import Make, boats, broken, chats, looking_at, ready, screen_of, sees, type_into, until
from tui.text import wrap
from tui.widgets.path_input import MOST_PASTED


def footer(text: str) -> str:
    """The last line."""
    return text.splitlines()[-1]


async def test_a_folder_of_the_first_screen_is_looked_into(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("harbour", "islands"):
        (tmp_path / "work" / name).mkdir(parents=True)
        boats(tmp_path / "work" / name / f"{name}.jsonl", 3)
    monkeypatch.chdir(tmp_path / "work")
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await sees(pilot, "harbour/", "islands/")
        await pilot.press("down", "enter")
        await sees(pilot, "open data", "in islands", "islands.jsonl")
        await pilot.press("down", "enter")
        await sees(pilot, "3 rows")


async def test_the_beginning_of_one_name_opens_it(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "harbour").mkdir()
    for name in ("train", "test", "test_more"):
        boats(tmp_path / "harbour" / f"{name}.jsonl", 3)
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "o")
        await sees(pilot, "open data")
        await type_into(pilot, "har", "enter")
        await sees(pilot, "in harbour", "test_more.jsonl")
        await type_into(pilot, "te", "enter")
        await sees(pilot, "There is no")
        assert not app.desk.sources, "either of two may be meant"
        await pilot.press("backspace")
        await type_into(pilot, "r", "enter")
        await ready(pilot)
        assert [source.name for source in app.desk.sources] == ["train.jsonl"]


async def test_a_megabyte_that_is_pasted_is_no_path(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("2", "o")
        await sees(pilot, "open data")
        field = app.screen.query_one("#place", Input)
        field.post_message(Paste("x" * (MOST_PASTED + 1)))
        await sees(pilot, "that is no path")
        assert not field.value


async def test_the_footer_of_the_search_line_has_its_own_keys(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        source = app.desk.source
        assert source is not None
        await pilot.press("slash")
        await type_into(pilot, "answer:tea")
        await sees(pilot, "40 of 200 match", "in answer")
        line = footer(shown(app))
        assert "esc all rows" in line, line
        assert "ctrl+r regex" in line, line
        assert "? help" not in line, "here it is a letter"
        await pilot.press("ctrl+u", "ctrl+r")
        await type_into(pilot, "(a")
        await until(pilot, lambda: source.view.problem)
        await sees(pilot, "not searched", "no regular expression")
        assert "40 of 200" not in shown(app), "that was of what was looked for before"
        await pilot.press("ctrl+u")
        await type_into(pilot, "no such thing")
        await sees(pilot, "No row matches", "No row is chosen")
        await pilot.press("escape")
        await sees(pilot, "? help", "row 1 as turns")


async def test_a_row_that_was_found_is_seen_among_its_neighbours(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        screen = screen_of(pilot)
        await pilot.press("slash")
        await type_into(pilot, "boat 150", "enter")
        await sees(pilot, "1 of 200 match", "row 151 as turns")
        await pilot.press("escape")
        await sees(pilot, "200 rows", "boat 149", "boat 151")
        await until(pilot, lambda: screen.rows.current is not None and screen.rows.current.number == 151)


async def test_sorting_that_takes_long_is_given_up(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        source = app.desk.source
        assert source is not None
        screen = screen_of(pilot)
        source.wanted.sort, source.view.complete = "question", False
        screen.action_back()
        await pilot.pause()
        assert not source.wanted.sort
        assert source.view.complete
        assert app.frame is screen


async def test_what_keys_mean_while_rows_are_marked(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("space", "space", "G")
        await sees(pilot, "◆ 2", "row 200 as turns")
        assert "x exclude 2 marked" in footer(shown(app)), "not row 200"
        await pilot.press("x")
        await sees(pilot, "x take back 2 marked", "y copy 2 marked")
        await pilot.press("c")
        await sees(pilot, "/ search")


async def test_unusable_rows_are_counted_and_can_be_left_out(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, broken(tmp_path / "broken.jsonl"), size=(80, 24), examined=True) as pilot:
        source = app.desk.source
        assert source is not None
        assert source.unusable == 2
        await sees(pilot, "2 unusable rows: a run refuses the source; m leaves them out", "2 unusable")
        await pilot.press("m")
        await sees(pilot, "unusable rows", "a run refuses the source")
        screen = app.screen
        while screen.query_one("#choices").current.id != "bad_lines":  # type: ignore[attr-defined]
            await pilot.press("down")
        await pilot.press("right")
        await sees(pilot, "a run leaves them out")
        await pilot.press("enter")
        await until(pilot, lambda: app.desk.run_sections()[0].get("bad_lines") == "skip")
        await ready(pilot, examined=True)
        await sees(pilot, "a run leaves out 2 unusable rows")


async def test_every_row_of_good_files_can_be_read(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    files = (boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl"))
    async with looking_at(app, *files, size=(80, 24), examined=True):
        assert [source.unusable for source in app.desk.sources] == [0, 0]


async def test_a_split_is_named(make_app: Make, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("train", "test"):
        boats(tmp_path / "set" / f"{name}.jsonl", 3)
    async with looking_at(make_app(), tmp_path / "set") as pilot:
        await sees(pilot, "train, 1 of 2 splits")


async def test_indentation_is_seen(make_app: Make, tmp_path: Path) -> None:
    assert wrap("if lit:\n    go()", 20) == ["if lit:", "    go()"]
    assert wrap("      a", 4) == ["a"], "what is wider than the room is no indentation"
    path = tmp_path / "code.jsonl"
    path.write_text(json.dumps({"prompt": "Go.", "completion": "if lit:\n    go(\n        home)"}) + "\n")
    async with looking_at(make_app(), path) as pilot:
        await sees(pilot, "▌     go(", "▌         home)")
