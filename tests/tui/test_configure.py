"""The Configure screen: each thing one can do there, with the keys that do it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tests.tui.formscreens import TEXT, Make, at, draft_of, filling, form_of, run_file, screen_of, typed
from tui.screens.configure import Configure
from tui.widgets.form_text import FormText

__all__ = ["run_file"]


# Filling in


async def test_the_form_is_there_from_the_file_alone(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await sees(pilot, "boats.toml", "target_modules", "all-linear", "LoRA", "usual", "rank = 16")
        text = pilot.app.screen.query_one(FormText)
        assert text.lines[text.at - 1].text == "rank = 16"
        assert draft_of(pilot).state == "opening"


async def test_a_value_is_typed(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        assert draft_of(pilot).changes == {"lora.rank": 32}
        await sees(pilot, "~ rank = 32", "was 16", "1 change not written")
        assert run_file.read_text() == TEXT


async def test_a_value_is_turned(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await pilot.press("right")
        assert form_of(pilot).value("lora.rank") == 32
        await pilot.press("h", "h")
        assert form_of(pilot).value("lora.rank") == 8
        await at(pilot, "lora.rslora")
        await pilot.press("space")
        await sees(pilot, "[x] yes")
        assert form_of(pilot).value("lora.rslora") is True
        await pilot.press("enter")
        assert "lora.rslora" not in draft_of(pilot).changes


async def test_a_choice_is_picked_from_a_list(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "train.scheduler")
        await pilot.press("enter")
        await sees(pilot, "wsd", "constant", "type to filter")
        await pilot.press(*"lin", "enter")
        await until(pilot, lambda: draft_of(pilot).changes == {"train.scheduler": "linear"})


async def test_what_is_wrong_is_said_while_one_types_and_waits(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "train.batch_size")
        await typed(pilot, "4x")
        await sees(pilot, "must be a whole number")
        assert form_of(pilot).draft.pending == {}
        await pilot.press("enter")
        await sees(pilot, "1 mistake", "4x")
        assert draft_of(pilot).changes == {}
        assert draft_of(pilot).pending == {"train.batch_size": "4x"}
        await typed(pilot, "2", "down")
        assert draft_of(pilot).changes == {"train.batch_size": 2}
        assert draft_of(pilot).pending == {}
        assert screen_of(pilot).field is not None
        assert screen_of(pilot).field.key != "train.batch_size"  # type: ignore[union-attr]


async def test_esc_leaves_what_was_typed(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "99", "escape")
        assert draft_of(pilot).changes == {}
        assert isinstance(pilot.app.screen, Configure)
        assert not screen_of(pilot).typing


async def test_the_default_and_the_file(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "train.batch_size")
        await pilot.press("d")
        assert draft_of(pilot).changes == {"train.batch_size": None}
        await sees(pilot, "taken out, was 4")
        await pilot.press("x")
        assert draft_of(pilot).changes == {}


async def test_undo_redo_and_undo_all(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        await typed(pilot, "huge", "enter")
        await pilot.press("u")
        await sees(pilot, "lora.rank is 32 again.")
        await pilot.press("u")
        assert draft_of(pilot).changes == {}
        await pilot.press("ctrl+r")
        assert draft_of(pilot).changes == {"lora.rank": 32}
        await pilot.press("U")
        await sees(pilot, "undo all", "u brings them back")
        await pilot.press("enter")
        await until(pilot, lambda: not draft_of(pilot).changes)
        await pilot.press("u")
        assert draft_of(pilot).changes == {"lora.rank": 32}


async def test_mistakes_are_listed_and_lead_to_the_field(make_app: Make, run_file: Path) -> None:
    run_file.write_text(TEXT.replace("rank = 16", "rank = 16\nalpha = 512.0").replace("epochs = 2.0", "epochs = -1.0"))
    async with filling(make_app(), run_file) as pilot:
        await sees(pilot, "1 mistake", "m list")
        await pilot.press("m")
        await sees(pilot, "1 mistake, 1 unusual", "train.epochs")
        await pilot.press("enter")
        await until(pilot, lambda: screen_of(pilot).field is not None and screen_of(pilot).field.key == "train.epochs")  # type: ignore[union-attr]
        await typed(pilot, "1", "enter")
        await sees(pilot, "1 unusual")


async def test_find_goes_through_all_sections(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("slash")
        await pilot.pause(0.1)
        await pilot.press(*"neftune")
        await until(pilot, lambda: screen_of(pilot).field is not None and "neftune" in screen_of(pilot).field.key)  # type: ignore[union-attr]
        await pilot.press("enter")
        await pilot.pause(0.05)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Configure)


async def test_sections_and_panes(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        screen = screen_of(pilot)
        await at(pilot, "lora.rank")
        await pilot.press("right_square_bracket")
        assert screen.section == "train"
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert screen.section == "quantization"
        screen.go("sections")
        await pilot.press("j", "l")
        assert (screen.section, screen.pane) == ("lora", "fields")
        await pilot.press("tab")
        assert screen.pane == "help"
        await pilot.press("z")
        await pilot.pause(0.05)
        assert not screen.query_one("#fields").display
        await pilot.press("escape", "escape")
        assert (screen.zoomed, screen.pane) == (False, "fields")


# Presets and differences


async def test_a_preset_is_shown_applied_and_undone(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("p")
        await sees(pilot, "QLoRA paper", "lora.rank", "64", "2305.14314")
        assert draft_of(pilot).changes == {}
        await pilot.press("enter")
        await until(pilot, lambda: form_of(pilot).value("lora.rank") == 64)
        assert form_of(pilot).mistakes() == []
        await pilot.press("u")
        assert draft_of(pilot).changes == {}


async def test_differences_to_a_run(make_app: Make, run_file: Path, runs: Path) -> None:
    run = fakes.whole_run(runs, "old-1", 12)
    run.config.write_text(TEXT.replace("rank = 16", "rank = 4").replace("batch_size = 4", "batch_size = 32"))
    app = make_app()
    async with filling(app, run_file) as pilot:
        await until(pilot, lambda: "old-1" in app.link.runs)
        await pilot.press("D")
        await sees(pilot, "old-1", "step 12")
        await pilot.press("enter")
        await sees(pilot, "differences to old-1", "lora.rank", "train.batch_size")
        await pilot.press("t")
        assert draft_of(pilot).changes == {"lora.rank": 4}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Configure))
        assert screen_of(pilot).field.key == "train.batch_size"  # type: ignore[union-attr]
        await pilot.press("D")
        await sees(pilot, "the file as written")


# Files


def editor(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that changes the file which it is given, in place of an editor."""
    script = folder / "editor.py"
    script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n{code}\n")
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")


async def test_the_editor_changes_the_file_and_the_form_follows(
    make_app: Make, run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, "path.write_text(text.replace('rank = 16', 'rank = 48'))", monkeypatch)
    app = make_app()
    async with filling(app, run_file) as pilot:
        monkeypatch.setattr(app, "suspend", nullcontext)
        await at(pilot, "train.batch_size")
        await pilot.press("right", "e")
        await until(pilot, lambda: form_of(pilot).value("lora.rank") == 48)
        assert list(draft_of(pilot).changes) == ["train.batch_size"]
        assert "rank = 48" in run_file.read_text()


async def test_long_texts_are_edited_there(
    make_app: Make, run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, "path.write_text('What is it?\\nWhy?\\n')", monkeypatch)
    app = make_app()
    async with filling(app, run_file) as pilot:
        monkeypatch.setattr(app, "suspend", nullcontext)
        await at(pilot, "eval.samples")
        await pilot.press("enter")
        await until(pilot, lambda: draft_of(pilot).changes == {"eval.samples": ["What is it?", "Why?"]})


async def test_another_program_changes_the_file(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        run_file.write_text(TEXT.replace("batch_size = 4", "batch_size = 16"))
        screen_of(pilot).look()
        await sees(pilot, "changed by another program", "stay on top")
        assert form_of(pilot).value("train.batch_size") == 16
        assert draft_of(pilot).changes == {"lora.rank": 32}


async def test_a_file_that_is_no_toml_or_gone(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        run_file.write_text(TEXT.replace("[lora]", "[lora"))
        screen_of(pilot).look()
        await sees(pilot, "is no run file as it stands", "8 [lora", "e  opens it in $EDITOR")
        run_file.unlink()
        screen_of(pilot).look()
        await sees(pilot, "cannot be read", "There is no run file")
        run_file.write_text(TEXT)
        await pilot.press("r")
        await sees(pilot, "sections", "Quantization")


async def test_writing_shows_what_changes(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        await at(pilot, "train.batch_size")
        await typed(pilot, "none", "enter")
        await pilot.press("w")
        await sees(pilot, "write the changes", "lora.rank")
        await pilot.press("enter")
        await sees(pilot, "Written to boats.toml")
        assert run_file.read_text() == TEXT.replace("rank = 16", "rank = 32")
        assert draft_of(pilot).changes == {}
        assert draft_of(pilot).pending == {"train.batch_size": "none"}


async def test_a_new_file_from_model_and_data(make_app: Make, run_file: Path) -> None:
    from tests.tui.tokenfiles import tokenizer_folder

    tokenizer_folder(run_file.parent / "small")
    run_file.unlink()
    app = make_app()
    async with filling(app, None) as pilot:
        await sees(pilot, "Configure a run.", "makes a new one")
        await pilot.press("n")
        await sees(pilot, "Which model is trained?")
        await pilot.press(*"small", "enter")
        await sees(pilot, "Which rows")
        await pilot.press(*"boats.jsonl", "enter")
        await sees(pilot, "in no file yet", "boats.jsonl")
        await pilot.press("w")
        await sees(pilot, "run file")
        await pilot.press("enter")
        await until(pilot, lambda: (run_file.parent / "boats.toml").is_file())
        await until(pilot, lambda: draft_of(pilot).origin.path.endswith("boats.toml"))
        await sees(pilot, "as in the file")


async def test_opening_and_closing(make_app: Make, run_file: Path) -> None:
    app = make_app()
    async with filling(app, None) as pilot:
        await sees(pilot, "run files here", "boats.toml")
        await pilot.press("enter")
        await sees(pilot, "sections")
        await at(pilot, "lora.rank")
        await typed(pilot, "bad", "enter")
        await pilot.press("C")
        await sees(pilot, "1 value is wrong and is not written")
        await pilot.press("enter")
        await sees(pilot, "Configure a run.")
        assert app.drafts.current is None


async def test_leaving_asks_about_wrong_values_too(make_app: Make, run_file: Path) -> None:
    app = make_app()
    async with filling(app, run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "bad", "enter")
        await pilot.press("ctrl+q")
        await sees(pilot, "1 value is wrong and is not written", "stay")
        await pilot.press("escape")
        assert app.is_running


# The mouse


async def test_the_mouse_turns_types_and_changes_sections(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        rows = shown(pilot.app).splitlines()  # type: ignore[arg-type]
        y = next(i for i, row in enumerate(rows) if " rank " in row and "◂" in row)
        x = rows[y].index("▸", rows[y].index("◂"))
        await pilot.click(offset=(x, y))
        assert form_of(pilot).value("lora.rank") == 32
        await pilot.click(offset=(rows[y].index("rank"), y))
        assert screen_of(pilot).typing
        await pilot.press("escape")
        y = next(i for i, row in enumerate(rows) if "│ Split" in row)
        await pilot.click(offset=(3, y))
        assert screen_of(pilot).section == "split"


async def test_a_click_elsewhere_takes_what_was_typed(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "24")
        rows = shown(pilot.app).splitlines()  # type: ignore[arg-type]
        await pilot.click(offset=(3, next(i for i, row in enumerate(rows) if "│ Split" in row)))
        await pilot.pause(0.05)
        assert draft_of(pilot).changes == {"lora.rank": 24}
        assert (screen_of(pilot).section, screen_of(pilot).typing) == ("split", False)


async def test_who_comes_back_stands_where_one_was(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "train.learning_rate")
        await pilot.press("1")
        await pilot.press("4")
        await until(pilot, lambda: screen_of(pilot).composed and screen_of(pilot).field is not None)
        await pilot.pause(0.05)
        field = screen_of(pilot).field
        assert field is not None
        assert (screen_of(pilot).section, field.key) == ("train", "train.learning_rate")


async def test_a_search_finds_names_before_words_of_the_help(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        fields = screen_of(pilot).fields
        for wanted, key in (("steps", "train.steps"), ("rank", "lora.rank"), ("max_len", "tokens.max_length")):
            fields.look_for(wanted, False, 0)
            await until(pilot, lambda key=key: fields.current is not None and fields.current.key == key)


async def test_what_is_empty_is_said_in_words(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "data[0].columns")
        screen = shown(pilot.app)  # type: ignore[arg-type]
        assert "{}" not in screen
        assert 'default ""' not in screen


async def test_presets_say_what_their_numbers_count(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("p")
        await sees(pilot, "presets", " changes ")


async def test_the_old_value_is_what_the_file_holds(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "64", "enter")
        await at(pilot, "train.seed")
        await typed(pilot, "7", "enter")
        await pilot.press("w")
        await sees(pilot, "lora.rank   16 → 64", "train.seed  0 → 7")
