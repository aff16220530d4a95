"""Rows of any script stand in their columns, and rows that try to act on the terminal are shown literally everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui import hostile
from tests.tui.conftest import shown
from tests.tui.datafiles import Make, looking_at, screen_of, sees, type_into, until
from tests.tui.test_hostile import harmless
from tui.app import LuthierApp
from tui.text import cell_len

SCRIPTS = {
    "chinese": "解释为什么水对人类很重要，并说明原因",
    "japanese": "吾輩は猫である。名前はまだ無い。",
    "korean": "안녕하세요 세계",
    "cyrillic": "Съешь же ещё этих мягких французских булок",
    "arabic": "مرحبا بالعالم، كيف حالك اليوم؟",
    "hebrew": "שלום עולם",
    "hindi": "नमस्ते दुनिया, क्ष\u200dत्र",
    "thai": "สวัสดีชาวโลก",
    "emoji": "👩‍🚀👨‍👩‍👧‍👦🏳️‍🌈 👍🏽 ❤️ 🇩🇪 1️⃣",
    "marks": "e\u0301 Z\u0351\u036b\u0343a\u0329l\u0348g\u0300o\u0313 n\u0303",
    "joiner alone": "a\u200db \u200d c",
    "half widths": "ｶﾀｶﾅ ＡＢＣ",
    "tabs": "one\ttwo\r\nthree",
}


def borders(app: LuthierApp) -> list[set[int]]:
    """Of each line of the screen, the cells in which a frame stands."""
    found = []
    for line in shown(app).splitlines():
        assert cell_len(line) == app.size.width, line
        found.append({cell_len(line[:i]) for i, char in enumerate(line) if char in "│╭╮╰╯"})
    return found


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_every_script_stands_in_its_columns(make_app: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "scripts.jsonl"
    rows = [{"instruction": text, "input": name, "output": f"{text} {text} {text}"} for name, text in SCRIPTS.items()]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    app = make_app()
    async with looking_at(app, path, size=size) as pilot:
        await sees(pilot, "解释为什么水对")
        for _ in SCRIPTS if size[0] > 110 else "x":
            table = [line for line in borders(app) if len(line) >= 2][2:-2]
            assert table, shown(app)
            common = set.intersection(*table)
            assert len(common) >= (6 if size[0] > 110 else 2), "the frames stand below each other"
            await pilot.press("j")
            await pilot.pause(0.06)
        table = [line[: len(line) // 2 + 8] if size[0] > 110 else line for line in shown(app).splitlines()]
        starts = {
            cell_len(line[: line.index(f" {name} ")]) for line in table for name in SCRIPTS if f" {name} " in line
        }
        assert len(starts) == 1, "the second column begins in the same cell"


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_rows_columns_and_names_that_try_to_act(
    make_app: Make, tmp_path: Path, ascii_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a run file is written beside where one stands
    folder = tmp_path / "evil[red]\x1b[2J"
    folder.mkdir()
    path = folder / "a[x]\x1b]0;owned\x07\u202e.jsonl"
    with path.open("w") as file:
        for i in range(40):
            said = [
                {"role": role, "content": f"{hostile.TEXT} {i}"} for role in ("user", "assistant", hostile.TEXT[:30])
            ]
            row = {"messages": said, hostile.MARKUP + "\x1b[31m": hostile.TEXT, "label": hostile.TEXT[i % 3 :]}
            file.write(json.dumps(row) + "\n")
        file.write(f'{{"torn \x1b[2J {hostile.MARKUP}\n')
    app = make_app(ascii_only=ascii_only)
    async with looking_at(app, path, size=(140, 40)) as pilot:
        await sees(pilot, hostile.LITERAL)
        screen = screen_of(pilot)
        for keys in (["v"], ["l", "l", "s"], ["a"], ["f"], ["escape", "G"], ["enter"], ["escape", "tab", "tab"], ["m"]):
            await pilot.press(*keys)
            await pilot.pause(0.08)
            harmless(app)
        await pilot.press("escape", "b")
        await pilot.pause(0.2)
        harmless(app)
        await pilot.press("escape", "u")
        await pilot.pause(0.2)
        harmless(app)
        await pilot.press("down", "x", "up", "enter")
        await pilot.pause(0.2)
        harmless(app)
        await pilot.press("escape", "C")
        await until(pilot, lambda: not app.desk.sources)
        await pilot.press("o", "down")
        await sees(pilot, "opened before")
        harmless(app)
        await type_into(pilot, "nowhere[red]", "enter")
        await sees(pilot, "nowhere[red]")
        harmless(app)
        if ascii_only:
            assert shown(app).isascii()
        assert screen.is_mounted


async def test_what_is_searched_for_and_what_the_service_says(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"question": f"[/] {i} İstanbul", "answer": "x"}) + "\n" for i in range(50)))
    app = make_app()
    async with looking_at(app, path, size=(100, 30)) as pilot:
        await pilot.press("slash")
        await type_into(pilot, "[/]")
        await sees(pilot, "50 of 50 match")
        await pilot.press("ctrl+r")
        source = app.desk.source
        assert source is not None
        await until(pilot, lambda: source.wanted.regex)
        await pilot.pause(0.4)
        harmless(app)
        await pilot.press("escape")
        app.desk.open([{"path": f"/no/such{hostile.TEXT}".replace("\0", "")}])
        await until(pilot, lambda: app.desk.sources[-1].state == "failed")
        await sees(pilot, hostile.LITERAL)
        harmless(app)
        assert app.desk.sources[0].state == "open", "the other source was not touched by it"
