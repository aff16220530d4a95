"""The Data screen, key by key, with the real engine service behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from tests.tui.conftest import shown
from tests.tui.datafiles import Make, boats, broken, chats, looking_at, ready, screen_of, sees, type_into, until
from tui.data import recent
from tui.link import clipboard


async def test_rows_are_reached_with_the_usual_keys(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl", 1000), examined=True) as pilot:
        await sees(
            pilot, "question answer", "certain", "1,000 rows", "What does boat 0", "assistant  trained", "! boats.j"
        )
        await pilot.press("j", "j", "down", "k")
        await sees(pilot, "row 3 as turns")
        await pilot.press("G")
        await sees(pilot, "boat 999", "row 1,000")
        await pilot.press("ctrl+u", "g", "g")
        await sees(pilot, "row 1 as turns")
        await pilot.press("number_sign")
        await type_into(pilot, "2000", "enter")
        await sees(pilot, "There are rows 1 to 1,000")
        await pilot.press("ctrl+u")
        await type_into(pilot, "500", "enter")
        await sees(pilot, "row 500 as turns", "boat 499")
        source = app.desk.source
        assert source is not None
        assert len(source.pages) <= 12, "only what is near is held"


async def test_search(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl"), size=(80, 24)) as pilot:
        source = app.desk.source
        assert source is not None
        await pilot.press("slash")
        await type_into(pilot, "CARRIES tea")
        await sees(pilot, "40 of 200 match", "as typed", "in all columns")
        await pilot.press("tab")
        await sees(pilot, "in question", "No row matches")
        await pilot.press("tab", "enter")
        await sees(pilot, "/ CARRIES tea in", "40 of 200 match")
        await pilot.press("slash", "ctrl+r", "ctrl+u")
        await type_into(pilot, "[0-9]$", "enter")
        await sees(pilot, "0 of 200")
        await pilot.press("escape", "slash", "left_parenthesis")
        await until(pilot, lambda: source.view.problem)
        await pilot.press("escape", "slash")
        await sees(pilot, "as typed")
        await type_into(pilot, "question:boat 77", "enter")
        await sees(pilot, "/ boat 77 in", "1 of 200")
        await pilot.press("escape")
        await sees(pilot, "200 rows")


async def test_a_large_file_is_sorted_in_the_end(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"n": (i * 7919) % 9000, "said": f"word {i}"}) + "\n" for i in range(9000)))
    async with looking_at(make_app(), path, size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await pilot.press("S", "S")
        await until(pilot, lambda: screen.rows.current is not None and screen.rows.current.cells[0] == "8999")
        await sees(pilot, " 8999  ", " 8998  ", " 8990  ")


async def test_sorting_and_marks(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl", 30)) as pilot:
        screen, source = screen_of(pilot), app.desk.source
        assert source is not None
        await pilot.press("l", "S")
        await sees(pilot, "answer▲")
        await until(
            pilot, lambda: screen.rows.current is not None and screen.rows.current.number == 16
        )  # the empty one
        await pilot.press("S")
        await sees(pilot, "answer▼")
        await until(
            pilot, lambda: screen.rows.current is not None and screen.rows.current.cells[1].startswith("Boat 9")
        )
        await pilot.press("S")
        await until(pilot, lambda: screen.rows.current is not None and screen.rows.current.number == 1)
        assert "▼" not in shown(app)
        await pilot.press("space", "space", "j", "space", "M")
        await sees(pilot, "M marked", "3 of 30 match", "◆")
        await pilot.press("M", "c")
        await sees(pilot, "30 rows")
        assert not source.marks
        assert "◆" not in shown(app)


async def test_findings_are_filters_and_statistics_follow_the_column(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        source = app.desk.source
        assert source is not None
        await pilot.press("f")
        await sees(pilot, "findings", "Exact duplicates")
        findings = screen_of(pilot).query_one("#findings")
        while findings.current.rule != "exact_duplicate":  # type: ignore[attr-defined]
            await pilot.press("j")
        await pilot.press("enter")
        await sees(pilot, "1 of 200", "21  What does boat 10")
        await pilot.press("tab", "x")
        await sees(pilot, "× left out", "a run leaves out those with Exact duplicates")
        await until(pilot, lambda: source.section.get("exclude") == {"findings": ["exact_duplicate"]})
        await ready(pilot, examined=True)
        await sees(pilot, "× 21")
        await pilot.press("x")
        await until(pilot, lambda: "exclude" not in source.section)
        await pilot.press("s")
        await sees(pilot, "statistics", "all 200 rows", "▸ question", "distinct", "median", "█")
        await pilot.press("l")
        await sees(pilot, "▸ answer")
        await pilot.press("s")
        await sees(pilot, "as turns")


async def test_rows_are_copied_and_written(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    copied: list[str] = []
    monkeypatch.setattr(clipboard.App, "copy_to_clipboard", lambda self, text: copied.append(text))
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "boats-rows.jsonl"
    target.write_text("precious\n")
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("y")
        await sees(pilot, "row 1 as JSON", "OSC 52")
        await pilot.press("space", "space", "y")
        await sees(pilot, "2 rows as JSON")
        await pilot.press("c", "slash", *"tea", "enter")
        await sees(pilot, "40 of 200")
        await pilot.press("w")
        await sees(pilot, "40 rows of boats.jsonl", "boats-rows.jsonl")
        await pilot.press("enter")
        await sees(pilot, "What it holds is lost")
        await pilot.press("escape")
        assert target.read_text() == "precious\n"
        await pilot.press("w", "enter")
        await sees(pilot, "What it holds is lost")
        await pilot.press("enter")
        await sees(pilot, "40 rows are in")
        await pilot.press("w", "ctrl+u")
        await type_into(pilot, "no/w.jsonl", "enter")
        await sees(pilot, "There is no folder")
    lines = (tmp_path / "boats.jsonl").read_text().splitlines()
    assert [json.loads(text) for text in copied[0].splitlines()] == [json.loads(lines[0])]
    assert [json.loads(text) for text in copied[1].splitlines()] == [json.loads(line) for line in lines[:2]]
    assert target.read_text().splitlines() == [line for line in lines if "tea" in line]


async def test_the_row_as_fields_and_as_turns(make_app: Make, tmp_path: Path) -> None:
    async with looking_at(make_app(), chats(tmp_path / "chats.jsonl")) as pilot:
        await sees(pilot, "row 1 as turns", "  system", "▌ assistant  trained", "▌ The keeper of lamp 0.")
        await pilot.press("v")
        await sees(pilot, "row 1 as fields", "messages  list", '"role": "system"')
        await pilot.press("enter", "G", "escape")
        await sees(pilot, "row 1 as fields")


async def test_rows_are_excluded_and_taken_back(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        source = app.desk.source
        assert source is not None
        await pilot.press("j", "x")
        await sees(pilot, "× ", "a run leaves out 1 row", "left out of a run; x takes it back")
        await until(pilot, lambda: source.section.get("exclude") == {"rows": [2]})
        await pilot.press("space", "space", "x")
        await until(pilot, lambda: source.excluded_rows == {2, 3})
        await pilot.press("c", "e")
        await sees(
            pilot, "e kept", "197 of 200 match"
        )  # and the one without an answer, which a run leaves out by itself
        await pilot.press("escape", "g", "g", "j", "x")
        await until(pilot, lambda: source.excluded_rows == {3})


async def test_what_cannot_be_opened_says_why_and_can_be_tried_again(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    path = tmp_path / "later.jsonl"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2")
        app.desk.open([{"path": str(path)}])
        await sees(pilot, "It could not be opened.", "later.jsonl", "tries again")
        boats(path, 3)
        await pilot.press("r")
        await sees(pilot, "3 rows", "boat 2")
        broken(path)
        await pilot.press("r")
        await sees(pilot, "5 rows", "✗", "Is it lit?")
        await pilot.press("j", "enter")
        await sees(pilot, "later.jsonl:2", "as it stands in the file", '{"question": "torn')
        path.write_text("")
        await pilot.press("escape", "r")
        await until(pilot, lambda: app.desk.source is not None and app.desk.source.rows == 0)


async def test_several_sources_and_their_weights(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    sources = boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl", 50)
    async with looking_at(app, *sources) as pilot:
        await sees(pilot, "boats.jsonl", "chats.jsonl", "share", "80%", "20%")
        await pilot.press("right_square_bracket")
        await sees(pilot, "messages", "50 rows")
        await pilot.press("plus")
        await sees(pilot, "weight", "0.25", "0.8")
        await pilot.press("equals_sign", "ctrl+u", *"0.8", "enter")
        await until(pilot, lambda: [source.weight for source in app.desk.sources] == [0.8, 0.8])
        await pilot.press("b")
        await sees(pilot, "source", "epochs", "repeated", "unseen", "50.0%", "held out")
        await pilot.press(*"400")
        await sees(pilot, "400 rows", "3.98")
        await pilot.press("escape", "equals_sign", "ctrl+u", "enter")
        await until(pilot, lambda: not app.desk.weighted)
        await pilot.press("left_square_bracket", "C")
        await until(pilot, lambda: len(app.desk.sources) == 1)
        await sees(pilot, "chats.jsonl")


async def test_the_mapping_is_tried_while_one_chooses(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps({"frage": f"Was {i}?", "antwort": f"Das {i}."}) + "\n" for i in range(20)))
    app = make_app()
    async with looking_at(app, path) as pilot:
        await sees(pilot, "no format")
        source = app.desk.source
        assert source is not None
        await pilot.press("m")
        await sees(pilot, "how it is read", "by its columns")
        for _ in range(20):
            if source.facts is not None and source.section.get("format") == "question_answer":
                break
            await pilot.press("right")
            await pilot.pause(0.05)
        await sees(pilot, "prompt", "as usual")
        await pilot.press("down", "right")
        await sees(pilot, "frage")
        await pilot.press("down", "right", "right")
        await until(pilot, lambda: source.section.get("columns") == {"prompt": "frage", "answer": "antwort"})
        await pilot.press("enter")
        await sees(pilot, "▌ assistant  trained", "▌ Das 0.")
        await pilot.press("m")
        await sees(pilot, "how it is read")
        await pilot.press("right")
        await until(pilot, lambda: source.section.get("format") != "question_answer")
        await pilot.press("escape")
        await until(pilot, lambda: source.section.get("format") == "question_answer")
        assert source.section.get("columns") == {"prompt": "frage", "answer": "antwort"}


async def test_what_a_row_of_a_text_is_opens_it_anew(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("The lamp\nburns all night.\n\nThe boat\nsails at dawn.\n")
    app = make_app()
    async with looking_at(app, path) as pilot:
        await pilot.press("m", "down")
        form = app.screen.query_one("#choices")
        while form.current.id != "text_unit":  # type: ignore[attr-defined]
            await pilot.press("down")
        await pilot.press("right", "enter")
        await until(
            pilot, lambda: app.desk.source is not None and app.desk.source.section.get("text_unit") == "paragraph"
        )
        await ready(pilot)
        await sees(pilot, "2 rows")


async def test_the_empty_screen_and_the_picker(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data sets"
    folder.mkdir()
    boats(folder / "boats.jsonl", 12)
    chats(folder / "chats.jsonl", 3)
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await sees(pilot, "o  open data")
        await pilot.press("o")
        await sees(pilot, "path, owner/name")
        await pilot.press("escape")
        await sees(pilot, "Look at data before it is trained on.", "data sets/", "well-known datasets", "gsm8k")
        await pilot.press("o")
        await sees(pilot, "open data", "tab complete")
        await type_into(pilot, "nowhere.jsonl", "enter")
        await sees(pilot, "There is no")
        await pilot.press("ctrl+u", "d", "tab")
        await sees(pilot, "data sets/", "this folder", "boats.jsonl")
        await pilot.press("b", "tab", "enter")
        await sees(pilot, "12 rows")
        await pilot.press("o", "down")
        await sees(pilot, "opened before")
        await pilot.press("escape", "o")
        field = app.screen.query_one("#place", Input)
        field.post_message(Paste(f"{folder}/chats.jsonl\n{folder}/boats.jsonl\n"))
        await until(pilot, lambda: "boats.jsonl" in field.value)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.desk.sources) == 3)
        await ready(pilot)
    assert [Path(section["path"]).name for section in recent.load()][:2] in (
        ["boats.jsonl", "chats.jsonl"],
        ["chats.jsonl", "boats.jsonl"],
    )


async def test_panes_one_at_a_time_where_it_is_narrow(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl"), size=(80, 24)) as pilot:
        assert "mixture" not in shown(app)
        await pilot.press("enter")
        await sees(pilot, "row 1 as turns")
        await pilot.press("tab")
        await sees(pilot, "sources", "mixture")
        await pilot.press("tab")
        await sees(pilot, "#  question")
        await pilot.press("shift+tab", "escape")
        await sees(pilot, "#  question")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, "sources", "#  question", "row 1 as turns")
        for size in ((61, 16), (200, 60), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await sees(pilot, "#  question")
