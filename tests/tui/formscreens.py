"""A run file, and the way to have it open on the Configure screen. The service is not needed there, and not started."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import until
from tui.app import LuthierApp
from tui.configure.form_state import FormState
from tui.screens.configure import Configure
from tui.tokens.model import Draft, Origin

TEXT = """# a first try
[model]
path = "model"  # small

[[data]]
path = "boats.jsonl"

[lora]
rank = 16

[train]
epochs = 2.0
batch_size = 4
"""
Make = Callable[..., LuthierApp]


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run file in a folder of its own, where the app stands; the service is not needed, and not started."""
    from tui.tokens.desk import TokensDesk

    monkeypatch.setattr(TokensDesk, "_begin", lambda desk, draft: None)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "boats.jsonl").write_text('{"question": "a", "answer": "b"}\n')
    (folder / "model").mkdir()
    path = folder / "boats.toml"
    path.write_text(TEXT)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TMUX", "")
    return path


@asynccontextmanager
async def filling(app: LuthierApp, path: Path | None, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[Any]]:
    """The app on the Configure screen."""
    async with app.run_test(size=size, notifications=True) as pilot:
        if path is None:
            await pilot.press("4")
        else:
            app.open_configure(Origin(str(path)))
        await pilot.pause()
        await until(pilot, lambda: isinstance(app.screen, Configure) and app.screen.composed)
        await pilot.pause(0.05)
        yield pilot


def screen_of(pilot: Pilot[Any]) -> Configure:
    frame = pilot.app.frame  # type: ignore[attr-defined]
    assert isinstance(frame, Configure)
    return frame


def form_of(pilot: Pilot[Any]) -> FormState:
    form = screen_of(pilot).form
    assert form is not None
    return form


def draft_of(pilot: Pilot[Any]) -> Draft:
    return form_of(pilot).draft


async def at(pilot: Pilot[Any], key: str) -> None:
    """The cursor on a field."""
    screen_of(pilot).go_to_field(key)
    await pilot.pause(0.05)


async def typed(pilot: Pilot[Any], text: str, *keys: str) -> None:
    """Type into the field under the cursor, from nothing."""
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("ctrl+u", "backspace", *("space" if char == " " else char for char in text), *keys)
    await pilot.pause(0.05)
