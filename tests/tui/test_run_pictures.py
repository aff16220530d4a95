"""Runs and Compare as text, compared with files: typical, empty, failing; see `test_pictures`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.card import Card, write_card
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.queue import keeper_lock
from engine.runs.ticket import Ticket, write_ticket
from tests.tui import fakes
from tests.tui.conftest import sees, until
from tests.tui.test_pictures import SIZES, compare
from tui import words
from tui.app import LuthierApp
from tui.screens.compare import Compare
from tui.screens.home import Home

Make = Callable[..., LuthierApp]
RUN_FILE = 'name = "{name}"\n[model]\npath = "models/SmolLM2-135M"\n[lora]\nrank = {rank}\nalpha = {alpha}\n'


@pytest.fixture
def many(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of every kind; the clock stands still."""
    for name, rank, t in (("gsm8k-r8", 8, 0), ("gsm8k-r16", 16, 4000), ("gsm8k-r32", 32, 9000)):
        run = fakes.whole_run(runs, f"{name}-1", 120, fakes.NOON - 90_000 + t, seed=rank)
        run.config.write_text(RUN_FILE.format(name=name, rank=rank, alpha=2 * rank))
    write_card(RunDir(runs / "gsm8k-r32-1"), Card(title="All layers, high rank", tags=("keep",), note="Best so far."))
    write_card(RunDir(runs / "gsm8k-r8-1"), Card(archived=True))
    crashed = fakes.crashed_run(runs, "alpaca-zh-1", 187, fakes.NOON - 4000)
    crashed.config.write_text(RUN_FILE.format(name="alpaca-zh", rank=8, alpha=16))
    fakes.failed_run(runs, "hot-lr-1", fakes.NOON - 400_000)
    monkeypatch.setattr(words.time, "time", lambda: fakes.NOON + 3600)
    # The text of a picture must not depend on where the test's folder is.
    monkeypatch.setattr("tui.next_steps.result_dir", lambda run: f"runs/{run.dir.name}/adapter")
    monkeypatch.setattr("tui.widgets.run_preview.place_of", lambda run: f"runs/{run.dir.name}")
    return runs


@pytest.mark.parametrize("size", SIZES)
async def test_home(make_app: Make, many: Path, size: tuple[int, int]) -> None:
    for place, name in enumerate(("long-ctx-1", "dora-1"), 1):
        (many / name).mkdir()
        (many / name / "run.toml").write_text("")
        write_ticket(RunDir(many / name), Ticket(run=name, device="0", t=1.0, place=place))
    lock = RunLock(keeper_lock(many))
    run, journal = fakes.begin(many, "gsm8k-dora-1", fakes.Clock(fakes.NOON))
    fakes.train(journal, fakes.Clock(fakes.NOON), 1, 150)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=size, notifications=True) as pilot:
            await sees(
                pilot, "2 queued · next long-ctx-1 · 2 for GPU 0", "All layers", "1 archived", "after long-ctx-1"
            )
            await until(pilot, lambda: len(app.link.runs) == 8)
            await pilot.press("j", "j", "j", "space")
            await pilot.pause(0.3)
            compare(app, "runs")
    lock.release()


@pytest.mark.parametrize("size", SIZES)
async def test_compare(make_app: Make, many: Path, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "All layers")
        await until(pilot, lambda: len(app.link.runs) == 5)
        await pilot.press("6")
        await sees(pilot, "Runs side by side.")
        compare(app, "compare-empty")
        app.compare(["gsm8k-r8-1", "gsm8k-r16-1", "gsm8k-r32-1"])
        await sees(pilot, "lora.rank")
        await pilot.press(*["left_square_bracket"] * 3)
        await sees(pilot, "here")
        compare(app, "compare")
        app.compared.set(["hot-lr-1", "not-there-1", "alpaca-zh-1"])
        assert isinstance(app.screen, Compare)
        app.screen.news(set())
        await sees(pilot, "gone: deleted or renamed")
        await until(pilot, lambda: "lora.rank" in " ".join(fact.key for fact in app.screen._facts if fact.differs))  # type: ignore[attr-defined]
        await pilot.pause(0.1)
        compare(app, "compare-broken")


@pytest.mark.parametrize("size", SIZES)
async def test_no_run_fits(make_app: Make, many: Path, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "All layers")
        await until(pilot, lambda: len(app.link.runs) == 5)
        assert isinstance(app.screen, Home)
        await pilot.press("slash", *"tag:none-such", "enter")
        await sees(pilot, "No run fits the filter")
        await pilot.pause(0.2)
        compare(app, "runs-none")
