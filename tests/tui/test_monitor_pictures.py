"""Monitor as text, compared with files: typical, before its first step, failing; at both sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs import events as e
from tests.tui import fakes
from tests.tui.conftest import sees, until
from tests.tui.test_pictures import SIZES, compare
from tui import words
from tui.app import LuthierApp

Make = Callable[..., LuthierApp]


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of the age of things does not depend on when the test runs."""
    monkeypatch.setattr(words.time, "time", lambda: fakes.NOON + 3600)


async def show(app: LuthierApp, pilot: object, name: str) -> None:
    """Monitor on a run."""
    await until(pilot, lambda: name in app.link.runs)  # type: ignore[arg-type]
    app.open_run(name)


@pytest.mark.parametrize("size", [*SIZES, (200, 50)])
async def test_a_run_in_the_middle(make_app: Make, runs: Path, size: tuple[int, int]) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "gsm8k-r16-b", clock, 1200)
    journal.append(
        e.Memory(stage="planned", micro_batch_size=4, grad_accumulation=4, predicted_gib=9.1, limit_gib=139.8)
    )
    for first in range(1, 412, 20):
        fakes.train(journal, clock, first, min(411, first + 19), 1200)
        journal.append(
            e.Hardware(gpu_percent=97.0, gpu_celsius=61.0, gpu_gib=9.6, gpu_total_gib=139.8, process_gib=2.9)
        )
    message = "loss spike at step 240: 3.9012, where the median of the 64 steps before it is 1.9011; gradient norm 22"
    journal.append(e.Warning_(code="loss_spike", message=message, hint="lower train.learning_rate", step=240))
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=size) as pilot:
            await show(app, pilot, "gsm8k-r16-b")
            await sees(pilot, "411 / 1,200", "smoothed", "samples")
            await pilot.pause(0.2)
            compare(app, "monitor-running")
            await pilot.press("left", "left_square_bracket", "left_square_bracket")
            await sees(pilot, "train", "at ")
            await pilot.press("tab", "tab", "tab")
            await sees(pilot, "One batch was much harder")
            await pilot.pause(0.2)
            compare(app, "monitor-crosshair")


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_gets_ready(make_app: Make, runs: Path, size: tuple[int, int]) -> None:
    run, journal = fakes.begin(runs, "gsm8k-r16-b", fakes.Clock(), 1200)
    journal.append(e.Phase(name="rehearsing the longest batch", done=1, total=3))
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=size) as pilot:
            await show(app, pilot, "gsm8k-r16-b")
            await sees(pilot, "getting ready", "rehearsing", "Nothing yet." if size[0] > 110 else "log")
            await pilot.pause(0.2)
            compare(app, "monitor-preparing")


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_failed(
    make_app: Make, runs: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tui.facts.next_steps", lambda *_: ["C clones the run, to be changed; its run file is run.toml."]
    )
    fakes.failed_run(runs, "hot-lr-1")
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await show(app, pilot, "hot-lr-1")
        await sees(pilot, "✗ failed", "The loss of step 42", "smoothed")
        await pilot.pause(0.2)
        compare(app, "monitor-failed")
