"""Rows of any script stand in their columns as tokens, too, and rows that try to act on the terminal are shown literally."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui import hostile
from tests.tui.conftest import sees, shown
from tests.tui.datafiles import type_into
from tests.tui.test_data_hostile import SCRIPTS, borders
from tests.tui.test_hostile import harmless
from tests.tui.tokenfiles import Make, draft_of, rows_run, screen_of, settled, tokenizer_folder, tokens_of


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_every_script_stands_in_its_columns(make_app: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    rows = [(f"{name}: {text}", f"{text} {text}") for name, text in SCRIPTS.items()]
    app = make_app()
    async with tokens_of(app, rows_run(tmp_path, rows, max_length=512), size=size) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        for number in range(1, len(rows) + 1):
            await sees(pilot, f"row {number} of {len(rows)}")
            for _ in range(3 if number < 4 else 1):
                panes = [line for line in borders(app)[5 if size[0] < 110 else 4 :] if len(line) >= 2]
                assert panes, shown(app)
                assert len(set.intersection(*panes[1:12])) >= 2, "the frames stand below each other"
                await pilot.press("v")
            await pilot.press("end" if number % 2 else "l", "h", "down", "right_square_bracket")
        assert draft.row == len(rows)
        assert screen.is_mounted


async def test_bytes_of_a_sign_are_grouped_and_the_cursor_goes_through_them(make_app: Make, tmp_path: Path) -> None:
    async with tokens_of(make_app(), rows_run(tmp_path, [("Who?", "解 🙂!")] * 4)) as pilot:
        screen = screen_of(pilot)
        await sees(pilot, "解⟨e8⟩⟨a7⟩⟨a3⟩", "🙂⟨f0⟩⟨9f⟩⟨99⟩⟨82⟩!")
        await pilot.press("end", "h", "h", "h")
        token = screen.strip.token
        assert token is not None
        assert token.data == "99"
        await sees(pilot, "⟨99⟩", "2-3 of answer")
        lead = [text for row in screen.strip._rows[:-2] for text, ink in row if "here" in ink.split()]
        assert lead == ["🙂", "⟨99⟩"], "the whole sign is lifted with one of its bytes"


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_rows_names_and_answers_that_try_to_act(
    make_app: Make, tmp_path: Path, ascii_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "evil[red]\x1b[2J"
    folder.mkdir()
    monkeypatch.chdir(folder)
    evil = hostile.TEXT.replace("\r", " ").replace("\ufeff", "")
    path = rows_run(folder, [(f"{evil} {i}?", f"{evil}\n{evil} {'and on ' * 40}") for i in range(12)])
    path = path.rename(folder / "a[x]\x1b]0;owned\x07.toml")
    other = tokenizer_folder(folder / "other[/]\x1b[31m")
    app = make_app(ascii_only=ascii_only)
    async with tokens_of(app, path, size=(140, 40)) as pilot:
        await sees(pilot, "row 1 of 12")
        for keys in (
            ["v"],
            ["v"],
            ["v", "end"],
            ["tab", "j"],
            ["tab"],
            ["t"],
            ["b", "j"],
            ["f", "j", "j"],
            ["n"],
            ["L"],
            ["z"],
        ):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            harmless(app)
        await pilot.press("z", "p")
        await sees(pilot, "training and generation")
        harmless(app)
        await pilot.press("c")
        await sees(pilot, "compare tokenizers")
        app.drafts.compare(draft_of(pilot), str(other))
        await pilot.press("escape", "slash")
        await type_into(pilot, f"{hostile.MARKUP}\x1b")
        await pilot.pause(0.4)
        harmless(app)
        await pilot.press("escape", "s")
        await type_into(pilot, f"{hostile.MARKUP} \x1b]0;x\x07 {hostile.MARKUP}")
        await pilot.pause(0.4)
        harmless(app)
        await pilot.press("escape", "w")
        await sees(pilot, "write the changes")
        harmless(app)
        await pilot.press("escape", "m")
        await sees(pilot, "your own words")
        harmless(app)
        await pilot.press("escape", "o")
        await pilot.pause(0.2)
        harmless(app)
        await pilot.press("escape")
        draft_of(pilot).changes = {}
        path.write_text("[model]\n" + hostile.MARKUP)
        await pilot.press("r")
        await sees(pilot, "could not be opened")
        harmless(app)
        if ascii_only:
            assert shown(app).isascii()


async def test_a_row_that_its_template_cannot_write_and_no_row_at_all(make_app: Make, tmp_path: Path) -> None:
    path = rows_run(tmp_path, [("a", "b")] * 5, refused_rows="skip")
    data = tmp_path / "rows.jsonl"
    said = '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}%s]}\n'
    data.write_text(
        said % "" * 4 + said % ', {"role": "user", "content": "again"}, {"role": "assistant", "content": "c"}'
    )
    async with tokens_of(make_app(), path) as pilot:
        await pilot.press(*["right_square_bracket"] * 4)
        await sees(
            pilot, "row 5 of 5", "Its template cannot write", "holds one question and", "its template refuses it"
        )
        assert draft_of(pilot).shown.state == "refused"  # type: ignore[union-attr]
        await pilot.press("j", "l", "end", "home", "v", "y", "tab", "j", "tab", "j")
        await settled(pilot)
        assert screen_of(pilot).is_mounted
