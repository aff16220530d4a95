"""Small data files for the tests of the Data screen, and the way to have them open in an app with the real service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.conftest import sees, until
from tui.app import LuthierApp
from tui.data.model import Source
from tui.screens.data import Data

Make = Callable[..., LuthierApp]
GOODS = ("salt", "rope", "tea", "glass", "iron")


def boats(path: Path, count: int = 200) -> Path:
    """Questions and answers; two rows say the same, one answer is empty."""
    rows = [
        {"question": f"What does boat {i} carry?", "answer": f"Boat {i} carries {GOODS[i % 5]}" + " and more" * (i % 4)}
        for i in range(count)
    ]
    if count > 20:
        rows[20] = dict(rows[10])
        rows[15]["answer"] = ""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chats(path: Path, count: int = 30) -> Path:
    """Conversations of several turns."""
    with path.open("w") as file:
        for i in range(count):
            turns = [
                ("system", "You keep the lamp."),
                ("user", f"Who are you, {i}?"),
                ("assistant", f"The keeper of lamp {i}."),
            ]
            file.write(json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}) + "\n")
    return path


def broken(path: Path) -> Path:
    """Three rows, and between them a line that is no JSON and one that is no object."""
    good = json.dumps({"question": "Is it lit?", "answer": "It is."})
    path.write_text(f'{good}\n{{"question": "torn\n{good}\n[1, 2]\n{good}\n')
    return path


def screen_of(pilot: Pilot[object]) -> Data:
    """The Data screen."""
    frame = pilot.app.frame  # type: ignore[attr-defined]
    assert isinstance(frame, Data)
    return frame


@asynccontextmanager
async def looking_at(
    app: LuthierApp, *paths: Path, size: tuple[int, int] = (120, 36), examined: bool = False
) -> AsyncIterator[Pilot[object]]:
    """The app on the Data screen with these sources open and counted, and, where that is wanted, a sample examined."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.press("2")
        app.desk.open([{"path": str(path)} for path in paths])
        screen_of(pilot).lay_out(focus=True)
        await ready(pilot, examined)
        yield pilot


async def ready(pilot: Pilot[object], examined: bool = False) -> None:
    """Every source is open and counted, the first row read, and the screen shows it."""
    desk = pilot.app.desk  # type: ignore[attr-defined]

    def done(source: Source) -> bool:
        looked_at = source.examined is not None and source.examining is None
        return source.state == "open" and source.complete and (looked_at or not examined)

    await until(pilot, lambda: all(done(source) for source in desk.sources))
    if desk.source.rows:
        await until(pilot, lambda: desk.source.row is not None)
    await pilot.pause(0.05)


async def type_into(pilot: Pilot[object], text: str, *after: str) -> None:
    """Put a text into the field that has the focus, as a terminal does that pastes it; then press keys."""
    field = pilot.app.focused
    assert isinstance(field, Input)
    field.post_message(Paste(text))
    await until(pilot, lambda: field.value.endswith(text.splitlines()[-1]))
    await pilot.press(*after)


__all__ = ["boats", "broken", "chats", "looking_at", "ready", "screen_of", "sees", "type_into", "until"]
