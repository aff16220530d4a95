"""The Tokens screen, key by key, with the real engine service behind it."""

from __future__ import annotations

import json
import os
import signal
import tomllib
from pathlib import Path

import pytest

from tests.tui.conftest import sees, shown, until
from tests.tui.datafiles import type_into
from tests.tui.tokenfiles import Make, boats_run, draft_of, rows_run, screen_of, settled, tokenizer_folder, tokens_of
from tui.link import clipboard
from tui.widgets.batch_map import BatchMap
from tui.widgets.rendered_text import RenderedText
from tui.widgets.token_row_panes import RowFields, TokenCard


async def test_the_panes_of_a_row_follow_each_other(make_app: Make, tmp_path: Path) -> None:
    async with tokens_of(make_app(), boats_run(tmp_path)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        await sees(
            pilot, "row 1 of 59", "boats.jsonl:1", "template qa", "What·does·boat·0·carry?⏎", "▌ Boat·0", "<|end|>"
        )
        await pilot.press("down", "right", "right")
        token = screen.strip.token
        assert token is not None
        assert token.piece == "Ġboat"
        await sees(pilot, "piece      Ġboat", "20 62 6f 61", "9-14 of", "user from", "-100, not", "prompt: not trained")
        fields, text = screen.query_one(RowFields), screen.query_one(RenderedText)
        for pane, ink in ((fields, "here"), (text, "here")):
            lifted = "".join(part for row in pane._rows for part, inks in row if ink in inks.split())
            assert lifted == " boat", pane
        await pilot.press("tab")
        assert pilot.app.focused is text
        await pilot.press("j", "j", "j")
        assert screen.strip.token is not None
        assert screen.strip.token.mark == "trained", "moving in the text moves the token"
        assert screen.query_one(TokenCard).token is screen.strip.token
        await pilot.press("G")
        await sees(pilot, "<|end|>", "none", "trained")
        assert draft.token == draft.shown.total - 1  # type: ignore[union-attr]
        await pilot.press("h", "h")
        assert draft.token == draft.shown.total - 3  # type: ignore[union-attr]
        await pilot.press("escape", "g", "g")
        assert draft.token == 0
        await pilot.press("v")
        await sees(pilot, "tokens with ids and labels", "-100")
        labels = [line for line in shown(pilot.app).splitlines() if "-100" in line]  # type: ignore[arg-type]
        assert labels
        await pilot.press("v")
        await sees(pilot, "tokens, one a line", "#  ", "why", "the templa")
        await pilot.press("i", "i")
        assert screen.strip.view == "splits"


async def test_rows_are_reached_and_windows_of_long_ones_come(make_app: Make, tmp_path: Path) -> None:
    rows = [(f"Is {i} it?", "It is. " * (3000 if i == 2 else 3)) for i in range(6)]
    async with tokens_of(make_app(), rows_run(tmp_path, rows, max_length=512)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await sees(pilot, "row 3 of 6", "tokens  1 to 2,000", "of 18,018", "17,506 cut")
        await pilot.press("end")
        await until(pilot, lambda: screen.strip.token is not None and draft.token == draft.shown.total - 1)  # type: ignore[union-attr]
        assert screen.strip.row is not None
        assert screen.strip.row.start > 10_000
        await sees(pilot, "<|end|>", "in no")
        for _ in range(30):
            await pilot.press("pageup")
        await until(pilot, lambda: screen.strip.token is not None and screen.strip.cursor == draft.token)
        await pilot.press("home")
        await until(pilot, lambda: draft.token == 0 and screen.strip.token is not None)
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        await sees(pilot, "row 1 of 6")
        await pilot.press("number_sign")
        await type_into(pilot, "99", "enter")
        await sees(pilot, "A number from 1 to 6.")
        await pilot.press("ctrl+u")
        await type_into(pilot, "5", "enter")
        await sees(pilot, "row 5 of 6", "Is·4")
        assert len(draft.rows) <= 64


async def test_rules_are_turned_written_and_undone(make_app: Make, tmp_path: Path) -> None:
    path = boats_run(tmp_path)
    async with tokens_of(make_app(), path) as pilot:
        draft = draft_of(pilot)
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        await until(pilot, lambda: draft.facts is not None and draft.facts.max_length == 16)
        await settled(pilot)
        await sees(pilot, "cut here: max_length 16", "1 change not in boats.toml", "100 % of rows too long", "7 cut")
        assert len(draft.past) == 1, "a rule that is turned twice is one change"
        await pilot.press("t")
        await settled(pilot)
        await sees(pilot, "cut left", "cut until here: max_length 16", "2 changes")
        await pilot.press("t", "t", "t", "t")
        await settled(pilot)
        await sees(pilot, "cut right", "1 change not")
        await pilot.press("u")
        await settled(pilot)
        assert draft.changes == {}
        await pilot.press("a", "E", "D", "B")
        await settled(pilot)
        expected = {
            "tokens.supervise": "last",
            "tokens.train_on_eos": False,
            "tokens.padding_side": "left",
            "tokens.group_by_length": True,
        }
        assert draft.changes == expected
        await sees(pilot, "learn the last answer", "end not trained", "pad left", "grouped", "◆ grouped", "4 changes")
        await pilot.press("U")
        await settled(pilot)
        assert draft.changes == {}
        await pilot.press("u")
        await settled(pilot)
        assert draft.changes == expected
        await pilot.press("w")
        await sees(pilot, "write the changes", "tokens.supervise", "assistant → last")
        await pilot.press("enter")
        await until(pilot, lambda: not draft.changes)
        await settled(pilot)
        await sees(pilot, "Written to boats.toml.")
        assert "change" not in shown(pilot.app).splitlines()[1]  # type: ignore[arg-type]
    text = path.read_text()
    tables = tomllib.loads(text)
    assert "# what is tried" in text
    assert tables["tokens"] == {"max_length": 64, **{key.partition(".")[2]: value for key, value in expected.items()}}


async def test_findings_are_walked_through_and_mended(make_app: Make, tmp_path: Path) -> None:
    rows = [(f"Is {i} it?", "It is" + (" and it is" * 9 if i % 5 == 3 else "")) for i in range(20)]
    async with tokens_of(make_app(), rows_run(tmp_path, rows, max_length=48)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        assert draft.measured is not None
        count = next(found.rows for found in draft.findings if found.rule == "answer_cut")
        await pilot.press("f")
        await sees(pilot, "findings  ", "19 rows")
        findings = screen.query_one("#findings")
        rules = [found.rule for found in findings.found]  # type: ignore[attr-defined]
        await pilot.press(*["j"] * rules.index("answer_cut"))
        assert findings.current.rule == "answer_cut"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: draft.place == (1, count))
        await sees(pilot, f"1 of {count} found", "cut here: max_length 48")
        first = draft.row
        assert first % 5 == 4
        await pilot.press("n")
        await until(pilot, lambda: draft.place[0] == 2)
        await pilot.press("N")
        await until(pilot, lambda: draft.row == first)
        assert pilot.app.focused is findings
        await pilot.press("j")
        assert findings.fix is not None  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: draft.changes)
        await settled(pilot)
        assert draft.finding("answer_cut") is None
        await sees(pilot, "1 change not in rows.toml")


async def test_batches_lead_to_rows_and_ways_of_batching_are_chosen_or_refused(make_app: Make, tmp_path: Path) -> None:
    async with tokens_of(make_app(), boats_run(tmp_path)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        pilot.app.drafts.change(draft, {"tokens.packing": "wrapped"})  # type: ignore[attr-defined]
        await sees(pilot, "answers would lose their questions")
        await settled(pilot)
        assert draft.changes == {}
        await sees(pilot, "row 1 of 59", "batch 1 of 13", "108 tokens", "waste")
        await pilot.press("full_stop")
        await sees(pilot, "batch 2 of 13")
        await pilot.press("comma", "comma")
        await sees(pilot, "batch 1 of 13")
        await pilot.press("exclamation_mark")
        await type_into(pilot, "13", "enter")
        await sees(pilot, "batch 13 of 13")
        await pilot.press("b", "down")
        batch = screen.query_one(BatchMap)
        number = batch.document.row  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(pilot, lambda: draft.row == number)
        assert screen.pane == "tokens"
        await sees(pilot, f"row {number} of 59")
        await pilot.press("b", "tab", "tab")
        assert screen.pane == "strategies"
        await pilot.press("j", "j", "enter")
        await settled(pilot)
        assert draft.value("tokens.packing") == "bfd"
        await sees(pilot, "◆ packed", "B packed", "+1")
        await pilot.press("equals_sign")
        await type_into(pilot, "48", "enter")
        await settled(pilot)
        await sees(pilot, "< 48 >", "limit ◂ 48 ▸")


async def test_a_second_tokenizer_the_vocabulary_a_typed_text_and_parity(make_app: Make, tmp_path: Path) -> None:
    other = tokenizer_folder(tmp_path / "other")
    async with tokens_of(make_app(), boats_run(tmp_path)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        await pilot.press("c")
        await type_into(pilot, str(tmp_path / "nowhere"), "enter")
        await sees(pilot, "There is no folder")
        await pilot.press("ctrl+u")
        await type_into(pilot, str(other), "enter")
        await sees(pilot, "model and other", "char/token", "all rows")
        assert screen.pane == "tool"
        await pilot.press("slash")
        await sees(pilot, "vocabulary", "358 entries")
        await type_into(pilot, "carr")
        await sees(pilot, "Ġcarries", "match")
        await pilot.press("escape")
        await pilot.press("s")
        await type_into(pilot, "What does 🙂")
        await sees(pilot, "model", "other", "🙂⟨f0⟩", "as many tokens in both")
        await pilot.press("enter", "p")
        await sees(pilot, "training and generation  row 1", "this template  equal")
        await pilot.press("right_square_bracket")
        await sees(pilot, "training and generation  row 2")
        await pilot.press("escape")
        assert not screen.tool_open
        await sees(pilot, "batch 1 of 13")
        assert draft.tools.parity is not None


async def test_one_view_at_a_time_where_it_is_narrow_or_zoomed(make_app: Make, tmp_path: Path) -> None:
    async with tokens_of(make_app(), boats_run(tmp_path), size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        await sees(pilot, "▸ row", "What·does·boat", "id 314 ·", "tab next")
        assert "batching" not in shown(pilot.app)  # type: ignore[arg-type]
        for seen in (
            ("▸ text", "rendered text", "fields"),
            (),
            ("▸ batch", "waste"),
            ("▸ lengths", "p50"),
            ("batching",),
        ):
            await pilot.press("tab")
            await sees(pilot, *seen)
        await pilot.press("tab")
        await sees(pilot, "▸ findings", "Nothing found in 49 rows.")
        await pilot.press("tab")
        await sees(pilot, "▸ tokenizers")
        await pilot.press("tab")
        await sees(pilot, "▸ row")
        await pilot.press("shift+tab")
        await sees(pilot, "▸ tokenizers")
        await pilot.press("tab", "L")
        await sees(pilot, "▸ lengths")
        await pilot.press("escape")
        await sees(pilot, "▸ row")
        await pilot.press("b", "z")
        await sees(pilot, "▸ batch")
        await pilot.press("escape", "escape")
        await sees(pilot, "▸ row")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, "fields", "batching", "findings", "lengths", "under the cursor")
        assert "▸ row" not in shown(pilot.app)  # type: ignore[arg-type]
        await pilot.press("b", "z")
        await sees(pilot, "▸ batch")
        assert "rendered text" not in shown(pilot.app)  # type: ignore[arg-type]
        await pilot.press("z")
        for size in ((61, 16), (200, 60), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert screen.is_mounted
        await sees(pilot, "▸ batch")


async def test_a_killed_service_is_started_again_with_its_drafts(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with tokens_of(app, boats_run(tmp_path)) as pilot:
        draft = draft_of(pilot)
        await pilot.press("less_than_sign", "right_square_bracket", "down")
        await settled(pilot)
        assert draft.changes == {"tokens.max_length": 8}
        first = app.desk.service.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await sees(pilot, "The engine service ended (signal 9). It is started again.")
        await until(pilot, lambda: app.desk.service.pid not in (None, first) and draft.pid == app.desk.service.pid)
        await settled(pilot)
        await sees(pilot, "row 2 of", "< 8 >", "What·does")
        assert draft.changes == {"tokens.max_length": 8}


async def test_what_cannot_be_opened_says_why_and_can_be_tried_again(make_app: Make, tmp_path: Path) -> None:
    path = boats_run(tmp_path)
    good = path.read_text()
    path.write_text(good.replace("max_length", "max_lenght"))
    async with tokens_of(make_app(), path, size=(100, 30)) as pilot:
        await sees(pilot, "boats.toml could not be opened.", "max_length", "tries again")
        path.write_text(good)
        await pilot.press("r")
        await settled(pilot)
        await sees(pilot, "row 1 of 59", "What·does")
        (tmp_path / "boats.jsonl").write_text("")
        await pilot.press("r")
        await until(pilot, lambda: draft_of(pilot).state != "opening")
        await pilot.press("C")
        await sees(pilot, "Look at the tokens that are trained.")
        assert pilot.app.drafts.drafts == []  # type: ignore[attr-defined]


async def test_a_row_is_copied_as_it_is_trained_and_notes_are_read(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(clipboard.App, "copy_to_clipboard", lambda self, text: copied.append(text))
    monkeypatch.delenv("TMUX", raising=False)
    path = boats_run(tmp_path)
    async with tokens_of(make_app(), path) as pilot:
        await sees(pilot, "no weights", "1 note")
        await pilot.press("A")
        await sees(pilot, "358 tokens", "59, 10 held out", "question_answer", "! boats.jsonl: 1 row left out")
        await pilot.press("escape")
        row = draft_of(pilot).shown
        assert row is not None
        await pilot.press("y")
        await sees(pilot, "row 1: text, ids, labels")
        await pilot.press("Y", "b", "full_stop")
        await sees(pilot, "batch 2 of 13")
        await pilot.press("Y")
        await until(pilot, lambda: len(copied) == 3)
    found = json.loads(copied[0])
    assert found["text"] == row.text
    (sequence,) = found["sequences"]
    assert sequence["ids"] == [token.id for token in row.tokens]
    assert sequence["labels"] == [token.id if token.mark == "trained" else -100 for token in row.tokens]
    assert copied[1:] == [f"luthier inspect {path} --row 1", f"luthier inspect {path} --batch 2"]


async def test_a_template_is_chosen_and_edited(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.screens import tokens_edit

    texts: list[str] = []

    def edited(app: object, name: str, text: str) -> tuple[str | None, str]:
        texts.append(text)
        return text.replace("Say:", "Tell:").replace("{question}", "{question}!"), ""

    monkeypatch.setattr(tokens_edit, "edited", edited)
    path = boats_run(tmp_path)
    path.write_text(
        path.read_text().replace(
            'template = "qa"', 'template = "custom"\nprompt = "Say: {question}"\ncompletion = " {answer}"'
        )
    )
    async with tokens_of(make_app(), path) as pilot:
        draft = draft_of(pilot)
        await sees(pilot, "Say:·What")
        await pilot.press("e")
        await settled(pilot)
        assert "Say: {question}" in texts[0]
        await sees(pilot, "Tell:·What", "carry?!", "1 change not in")
        assert draft.changes["data[0].prompt"] == "Tell: {question}!"
        await pilot.press("m")
        await sees(pilot, "template", "alpaca", "your own words")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen_of(pilot))
        await pilot.press("m")
        await sees(pilot, "alpaca", "your own words")
        await pilot.press("g", "g", "j", "j", "enter")
        await settled(pilot)
        await sees(pilot, "###·I")
        assert draft.changes["data[0].template"] == "alpaca"


async def test_what_is_open_stays_open_and_others_are_opened(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = boats_run(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[build-system]\n")
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "Look at the tokens that are trained.", "run files here", "boats.toml")
        assert "pyproject" not in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.drafts.current is not None)
        await settled(pilot)
        await pilot.press("less_than_sign", "escape")
        await sees(pilot, "o  open data")
        await pilot.press("3")
        await settled(pilot)
        await sees(pilot, "1 change not in boats.toml", "< 8 >" if draft_of(pilot).max_length == 8 else "<")
        (tmp_path / "second.toml").write_text(path.read_text())
        await pilot.press("o")
        await type_into(pilot, "nowhere.toml", "enter")
        await sees(pilot, "There is no")
        await pilot.press("ctrl+u")
        await type_into(pilot, str(tmp_path / "second.toml"), "enter")
        await until(pilot, lambda: len(app.drafts.drafts) == 2)
        await settled(pilot)
        await sees(pilot, "second.toml", "row 1 of 59")
        await pilot.press("o")
        await sees(pilot, "open", "1 change not written")
        await pilot.press("down", "enter")
        await until(pilot, lambda: draft_of(pilot).origin.path == str(path))
        await sees(pilot, "boats.toml", "1 change not in")
