"""The Tokens screen as text, compared with files; `test_pictures` says how the files are written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import sees, until
from tests.tui.test_pictures import SIZES, compare
from tests.tui.tokenfiles import Make, boats_run, draft_of, rows_run, settled, tokenizer_folder, tokens_of


@pytest.mark.parametrize("size", SIZES)
async def test_the_tokens_screen(make_app: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app()
    async with tokens_of(app, boats_run(tmp_path), size=size) as pilot:
        await pilot.press("right_square_bracket", "down", "right", "right")
        await sees(pilot, "row 2 of 59", "Ġboat")
        compare(app, "tokens")
        await pilot.press("v")
        compare(app, "tokens-ids")
        await pilot.press("v")
        compare(app, "tokens-table")
        await pilot.press("v", "left_curly_bracket", "left_curly_bracket")
        await until(pilot, lambda: draft_of(pilot).max_length == 16)
        await settled(pilot)
        await sees(pilot, "cut here: max_length 16")
        compare(app, "tokens-cut")
        await pilot.press("f")
        compare(app, "tokens-findings")
        await pilot.press("U", "B", "B")
        await until(pilot, lambda: draft_of(pilot).value("tokens.packing") == "bfd")
        await settled(pilot)
        await pilot.press("b")
        await sees(pilot, "+1")
        compare(app, "tokens-batch")


@pytest.mark.parametrize("size", SIZES)
async def test_scripts_and_tools(make_app: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    rows = [("Кто это?", "Это 🙂 и 解."), ("Is it lit?", "It is. " * 9), ("a", "b"), ("c", "d")]
    other = tokenizer_folder(tmp_path / "other")
    app = make_app()
    async with tokens_of(app, rows_run(tmp_path, rows), size=size) as pilot:
        await pilot.press("end", "left", "left")
        await sees(pilot, "解⟨e8⟩")
        compare(app, "tokens-scripts")
        app.drafts.compare(draft_of(pilot), str(other))
        await until(pilot, lambda: draft_of(pilot).tools.compared is not None)
        await pilot.press("c", "escape", "p")
        await sees(pilot, "this template  equal")
        compare(app, "tokens-parity")
        await pilot.press("c")
        await sees(pilot, "char/token")
        await until(pilot, lambda: draft_of(pilot).tools.split_row == 1)
        compare(app, "tokens-compare")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_open(
    make_app: Make, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    boats_run(folder)
    monkeypatch.chdir(folder)
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await sees(pilot, "run files here", "boats.toml")
        compare(app, "tokens-empty")
        await pilot.press("o")
        await sees(pilot, "path of a run file")
        compare(app, "tokens-open")
