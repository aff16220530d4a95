"""What the tests of the screens share: an app over made-up runs, waiting without sleeping, reading the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tui.app import LuthierApp


@pytest.fixture(autouse=True)
def one_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clock times on the screen do not depend on where the test runs."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of the engine service lies in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queued run that a test makes up is not started."""
    for place in ("engine.runs.queue", "tui.link.tail"):
        monkeypatch.setattr(f"{place}.ensure_keeper", lambda runs: False)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder of runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def make_app(runs: Path, tmp_path: Path) -> Callable[..., LuthierApp]:
    """Makes the app over `runs` and a starter folder."""

    def make(**options: object) -> LuthierApp:
        return LuthierApp(runs, tmp_path / "starter", **options)  # type: ignore[arg-type]

    return make


async def until(pilot: Pilot[object], condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Let the app work until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the screen never got there:\n" + shown(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.02)


async def sees(pilot: Pilot[object], *texts: str) -> None:
    """Let the app work until all `texts` are on the screen."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts))  # type: ignore[arg-type]


def shown(app: LuthierApp) -> str:
    """What can be read on the topmost screen, as it would be sent to the terminal."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
