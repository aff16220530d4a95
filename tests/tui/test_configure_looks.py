"""How Configure looks: whole screens as text, sizes, hostile text, imports, and that nothing is sent while nothing happens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import sees, shown, until
from tests.tui.formscreens import TEXT, Make, at, draft_of, filling, form_of, run_file, screen_of, typed
from tests.tui.hostile import ACTS, LITERAL, MARKUP
from tests.tui.test_pictures import PICTURES, SIZES
from tui.screens.configure import Configure
from tui.screens.dialogs.import_report import ImportReport
from tui.tokens.model import Origin

__all__ = ["run_file"]


def compare(pilot: Pilot[Any], name: str, folder: Path) -> None:
    """The screen is as in the file `name`; where the test's own folder is named, it has a short name there."""
    app = pilot.app
    width, height = app.size
    path = PICTURES / f"{name}-{width}x{height}.txt"
    text = shown(app).replace(str(folder), "/here")  # type: ignore[arg-type]
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("LUTHIER_NEW_PICTURES"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("size", SIZES)
async def test_pictures(make_app: Make, run_file: Path, size: tuple[int, int]) -> None:
    run_file.write_text(TEXT.replace("16", "16\nalpha = 256.0"))
    folder = run_file.parent
    async with filling(make_app(), run_file, size) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        await at(pilot, "train.batch_size")
        await typed(pilot, "4x", "enter")
        await at(pilot, "lora.alpha")
        await sees(pilot, "was 16", "✗ 1")
        await pilot.pause(0.1)
        compare(pilot, "configure", folder)
        await pilot.press("p")
        await sees(pilot, "QLoRA paper", "lora.dropout")
        await pilot.pause(0.1)
        compare(pilot, "configure-presets", folder)
        await pilot.press("escape", "m")
        await sees(pilot, "1 mistake, 1 unusual")
        await pilot.press("escape", "U", "enter")
        await until(pilot, lambda: not draft_of(pilot).pending)
        run_file.write_text(TEXT.replace("[lora]", "[lora"))
        await pilot.press("r")
        await sees(pilot, "is no run file as it stands")
        pilot.app.clear_notifications()
        await pilot.pause(0.2)
        compare(pilot, "configure-failing", folder)
        await pilot.press("C")
        await sees(pilot, "Configure a run.")
        await pilot.pause(0.1)
        compare(pilot, "configure-empty", folder)


@pytest.mark.parametrize("size", [(60, 15), (72, 20), (110, 30), (200, 60)])
async def test_every_size_shows_field_and_help(make_app: Make, run_file: Path, size: tuple[int, int]) -> None:
    async with filling(make_app(), run_file, size) as pilot:
        await at(pilot, "lora.rank")
        await sees(pilot, "rank", "◂ 16 ▸", "Inner width of the adapters")
        await pilot.press("tab", "tab")
        await pilot.pause(0.05)
        assert screen_of(pilot).query_one("#plan").display
        await pilot.press("tab")
        await sees(pilot, "rank = 16")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, "memory", "sections", "rank = 16")
        await pilot.resize_terminal(50, 10)
        await sees(pilot, "Luthier needs")


async def test_hostile_text_is_shown_and_does_nothing(make_app: Make, run_file: Path) -> None:
    evil = f"{MARKUP}{ACTS}"
    quoted = "".join(f"\\u{ord(char):04X}" if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 else char for char in evil)
    run_file.write_text(TEXT + f'\n[eval]\nsamples = ["{quoted}"]\n\n["{quoted}"]\nx = 1\n')
    async with filling(make_app(), run_file, (120, 36)) as pilot:
        await at(pilot, "eval.samples")
        await sees(pilot, LITERAL, "1 mistake")
        await pilot.press("m")
        await sees(pilot, "unknown key")
        await pilot.press("escape")
        await at(pilot, "model.path")
        await pilot.press("enter")
        screen_of(pilot).fields.input.value = evil
        await pilot.press("enter")
        await sees(pilot, LITERAL)
        await pilot.press("w")
        await pilot.pause(0.2)
        await pilot.press("escape", "s")
        await pilot.pause(0.2)
        await pilot.press("escape", "D")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await pilot.pause(0.2)
        text = shown(pilot.app)  # type: ignore[arg-type]
        assert not any(ord(char) < 0x20 and char != "\n" for char in text)
        assert "\x1b" not in text
        assert "\u202e" not in text


async def test_without_colours_and_signs(make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with filling(make_app(ascii_only=True), run_file, (120, 36)) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        await sees(pilot, "was 16", "~ rank = 32", "< 32 >")
        assert shown(pilot.app).isascii()  # type: ignore[arg-type]
        style = pilot.app.screen._compositor.render_strips()
        lifted = [strip.text for strip in style if any(s.style and s.style.reverse for s in strip._segments)]
        assert any("rank" in text for text in lifted)


async def test_nothing_is_sent_while_nothing_happens(make_app: Make, run_file: Path) -> None:
    app = make_app()
    async with filling(app, run_file) as pilot:
        await at(pilot, "lora.rank")
        await pilot.pause(0.3)
        sent: list[object] = []
        whole = app._display
        app._display = lambda *args, **more: (sent.append(args), whole(*args, **more))[1]  # type: ignore[method-assign]
        for _ in range(3):
            screen_of(pilot).look()
            screen_of(pilot).show_form()
            await pilot.pause(0.05)
        assert sent == []


# Imports

AXOLOTL = """base_model: {model}
datasets:
  - path: boats.jsonl
    type: alpaca
sequence_len: 512
adapter: lora
lora_r: 8
lora_alpha: 16
micro_batch_size: 2
num_epochs: 1
learning_rate: 0.0002
flash_attention: true
wandb_project: mine
some_new_thing: 3
"""


async def test_a_foreign_file_is_reported_and_opened(make_app: Make, run_file: Path) -> None:
    (run_file.parent / "axolotl.yml").write_text(AXOLOTL.format(model=run_file.parent / "model"))
    app = make_app()
    async with filling(app, None) as pilot:
        await pilot.press("i")
        await sees(pilot, "Axolotl or LLaMA-Factory")
        await pilot.press(*"nope.yml", "enter")
        await sees(pilot, "There is no file")
        await pilot.press(*["backspace"] * 8, *"axolotl.yml", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImportReport))
        await sees(pilot, "not mapped", "some_new_thing", "axolotl.yml (Axolotl)")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Configure) and app.screen.draft is not None)
        assert form_of(pilot).value("lora.rank") == 8
        assert form_of(pilot).value("train.batch_size") == 2
        await sees(pilot, "in no file yet", "axolotl")
        app.drafts.open(Origin(str(run_file)))
        await sees(pilot, "boats.toml")
