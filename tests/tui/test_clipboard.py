"""Copying: what is told was done. Pasting: several lines into a field of one."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from tests.tui.conftest import until
from tui.app import LuthierApp
from tui.link import clipboard, copy
from tui.widgets.line_input import LineInput

Make = Callable[..., LuthierApp]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the terminal."""
    monkeypatch.delenv("TMUX", raising=False)
    texts: list[str] = []
    monkeypatch.setattr(clipboard.App, "copy_to_clipboard", lambda self, text: texts.append(text))
    return texts


async def test_to_the_terminal_and_to_a_file(make_app: Make, sent: list[str]) -> None:
    said = await copy(make_app(), "a line\nand\u2028more")
    assert sent == ["a line\nand\u2028more"]
    assert said == f"Sent to the terminal's clipboard (OSC 52); also in {clipboard.clipboard_path()}."
    assert clipboard.clipboard_path().read_text() == "a line\nand\u2028more"
    assert stat.S_IMODE(clipboard.clipboard_path().stat().st_mode) == 0o600


async def test_a_long_text_goes_to_the_file_only(make_app: Make, sent: list[str]) -> None:
    text = "ä" * clipboard.MOST_OSC52
    said = await copy(make_app(), text)
    assert sent == []
    assert "Too long for the terminal's clipboard" in said
    assert str(clipboard.clipboard_path()) in said
    assert clipboard.clipboard_path().read_text() == text
    assert len(base64.b64encode(b"x" * clipboard.MOST_OSC52)) < 100_000


async def test_inside_tmux_its_buffer_gets_it(
    make_app: Make, sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux = tmp_path / "bin" / "tmux"
    tmux.parent.mkdir()
    tmux.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/buffer\n')
    tmux.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmux.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    said = await copy(make_app(), "text")
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "buffer").read_text() == "text"
    assert "and to the tmux buffer" in said
    tmux.write_text("#!/bin/sh\nexit 1\n")
    assert "the tmux buffer" not in await copy(make_app(), "text"), "what failed is not told as done"


async def test_where_nothing_can_be_written_that_is_told(
    make_app: Make, sent: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    app = make_app()
    assert await copy(app, "text") == "Sent to the terminal's clipboard (OSC 52)."
    assert "nothing was copied" in await copy(app, "x" * 100_000)


async def test_lines_that_are_pasted_into_a_field_stay_in_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query("#wanted"))
        field = app.screen.query_one("#wanted", LineInput)
        app.screen.post_message(events.Paste("one\n  two\r\n\nthree\n"))
        field._on_paste(events.Paste("rm -rf\nnothing\n"))
        await pilot.pause()
        assert "rm -rf nothing" in field.value
        assert app.screen.query("#wanted"), "nothing was run"
        before = field.value
        field._on_paste(events.Paste("x" * 40_000))
        assert field.value == before, "too much is refused, and said"


async def test_joiners_can_be_typed(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query("#wanted"))
        field = app.screen.query_one("#wanted", LineInput)
        for char in "👩\u200d💻":
            app.post_message(events.Key("zero_width_joiner" if char == "\u200d" else char, char))
        await until(pilot, lambda: field.value == "👩\u200d💻")


@pytest.mark.parametrize("variable", ["PAGER", "EDITOR"])
async def test_a_quote_that_is_never_closed_is_a_message(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    from tui.link.editor import edited
    from tui.link.pager import show_in_pager

    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv(variable, "less 'x")
    said = show_in_pager(make_app(), "x", "y") if variable == "PAGER" else edited(make_app(), "x", "y")[1]
    assert "a quote in it is never closed" in said


async def test_the_editor_gets_its_arguments(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    from tui.link import editor

    app, seen = make_app(), []
    monkeypatch.setenv("VISUAL", "vim -c 'set tw=0'")
    monkeypatch.setattr(type(app), "suspend", lambda self: contextlib.nullcontext())

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        seen.append(command[:-1])
        Path(command[-1]).write_text("edited")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(editor.subprocess, "run", run)
    assert editor.edited(app, "run.toml", "before") == ("edited", "")
    assert seen == [["vim", "-c", "set tw=0"]]


def test_every_field_is_one_that_keeps_what_is_pasted() -> None:
    import re

    import tui

    sources = Path(tui.__file__).parent.rglob("*.py")
    plain = [path.name for path in sources if re.search(r"[^A-Za-z]Input\((?!\))", path.read_text())]
    assert plain == [], "a plain Input drops all lines of a paste but the first, and joiners that are typed"
