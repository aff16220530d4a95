"""The chart that one walks on: what it reads is what the journal says, and no key or mouse leads out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.runs import events as e
from engine.runs.journal import JournalReader
from engine.runs.paths import RunDir
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui import words
from tui.app import LuthierApp
from tui.widgets.loss_chart import LossChart
from tui.widgets.minis import Minis

Make = Callable[..., LuthierApp]


@asynccontextmanager
async def watching(
    make_app: Make, name: str, size: tuple[int, int] = (140, 40), **options: object
) -> AsyncIterator[tuple[Pilot[object], LossChart]]:
    """Monitor on a run, its curve drawn."""
    app = make_app(**options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, name)
        app.open_run(name)
        await until(pilot, lambda: app.screen.query("#chart"))
        chart = app.screen.query_one("#chart", LossChart)
        await until(pilot, lambda: chart.drawn and chart._plot is not None)
        yield pilot, chart


def steps_of(run: RunDir) -> dict[int, e.Step]:
    return {event.step: event for event in JournalReader(run.journal).read(1 << 30) if isinstance(event, e.Step)}


async def test_the_crosshair_reads_what_the_journal_says(make_app: Make, runs: Path) -> None:
    journal = steps_of(fakes.whole_run(runs, "a-1", 120))
    async with watching(make_app, "a-1") as (pilot, chart):
        for keys in (["left"], ["left"], ["left_square_bracket"], ["plus", "left"], ["plus", "plus", "right"]):
            await pilot.press(*keys)
            step = chart.step_under
            assert step is not None
            train = chart.read(chart.cursor or 0.0)[0]
            assert train.raw == pytest.approx(journal[step].loss, rel=1e-6)
            text = f"step {step}  train {words.loss(journal[step].loss)}"
            await sees(pilot, text, f"lr {words.rate(journal[step].learning_rate)}")
            minis = pilot.app.screen.query_one(Minis)
            assert words.loss(journal[step].grad_norm) in "".join(piece for row in minis._rows for piece, _ in row)
        await pilot.press("escape")
        assert chart.cursor is None


async def test_zoom_pan_and_fit(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 400)
    async with watching(make_app, "a-1") as (pilot, chart):
        assert chart.shown_range == (0.0, 400.0)
        await pilot.press("minus", "less_than_sign")
        assert chart.window.whole
        await pilot.press("plus", "plus")
        assert chart.shown_range == (300.0, 400.0)
        await pilot.press("less_than_sign")
        assert chart.shown_range == (275.0, 375.0)
        await pilot.press("greater_than_sign")
        assert chart.shown_range == (300.0, 400.0)
        await pilot.press(*["less_than_sign"] * 30)
        assert chart.shown_range == (0.0, 100.0)
        await pilot.press("0")
        assert chart.shown_range == (0.0, 400.0)
        low, high = chart._plot.y_range  # type: ignore[union-attr]
        await pilot.press("plus", "plus", "plus")
        await until(pilot, lambda: chart._plot.y_range[1] < high - (high - low) / 3)  # type: ignore[union-attr]
        await pilot.press(*["plus"] * 30)
        assert chart.shown_range[1] - chart.shown_range[0] == pytest.approx(4.0)
        await sees(pilot, "•")


async def test_axes_keep_the_place(make_app: Make, runs: Path) -> None:
    journal = steps_of(fakes.whole_run(runs, "a-1", 200))
    async with watching(make_app, "a-1") as (pilot, chart):
        await pilot.press("left", "left_square_bracket", "plus", "plus")
        step = chart.step_under
        assert step is not None
        tokens = sum(event.tokens for number, event in journal.items() if number <= step)
        await pilot.press("a")
        assert chart.axis == "tokens"
        assert chart.cursor == pytest.approx(tokens, rel=1e-5)
        assert chart.step_under == step
        low, high = chart.shown_range
        assert low <= tokens <= high
        assert not chart.window.whole
        await sees(pilot, "loss by tokens", f"step {step} at")
        await pilot.press("a")
        assert chart.axis == "time"
        assert chart.step_under == step
        await sees(pilot, "loss by time")
        await pilot.press("a", "x")
        assert (chart.axis, chart.step_under, chart.log_y) == ("step", step, True)
        await sees(pilot, "loss  log")


async def test_a_loss_that_is_no_number_is_a_gap_with_a_mark(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 40)
    journal.append(e.Step(step=41, epoch=0.2, loss=None, finite=False))
    fakes.train(journal, clock, 42, 80)
    fakes.finish(journal, run, 80)
    async with watching(make_app, "a-1") as (pilot, chart):
        await sees(pilot, "⨯ not finite")
        plot = chart._plot
        assert plot is not None
        bottom = "".join(text for text, _ in plot.rows[plot.lines - 1])
        assert bottom[plot.left + plot.column_of(41)] == "⨯"
        chart.put_cursor(41)
        await sees(pilot, "step 41  train not finite")


async def test_signs_are_in_the_legend_and_on_the_chart(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-1", clock, 200)
    fakes.train(journal, clock, 1, 120, 200)
    journal.append(e.Warning_(code="loss_spike", message="loss spike at step 60", step=60))
    fakes.finish(journal, run, 120)
    async with watching(make_app, "a-1", (150, 40)) as (pilot, chart):
        await sees(pilot, "╌ each step  ━ smoothed  ◆ eval  ╨ saved  ! warning  ★ best")
        plot = chart._plot
        assert plot is not None
        lines = ["".join(text for text, _ in row) for row in plot.rows]
        assert lines[0][plot.left + plot.column_of(60)] == "!"
        saved = list(range(33, 121, 33))
        assert all(lines[plot.lines][plot.left + plot.column_of(step)] == "╨" for step in saved)
        assert sum(line.count("★") for line in lines) == 1


@pytest.mark.parametrize(("key", "wanted"), [("left_curly_bracket", "light"), ("right_curly_bracket", "strong")])
async def test_smoothing_is_turned(make_app: Make, runs: Path, key: str, wanted: str) -> None:
    fakes.whole_run(runs, "a-1", 120)
    async with watching(make_app, "a-1") as (pilot, chart):
        before = chart.lines("step")[0].y.copy()
        await pilot.press(key)
        assert chart.smoothing == wanted
        after = chart.lines("step")[0]
        assert (before != after.y).any()
        assert after.raw is not None
        await pilot.press("left_curly_bracket", "left_curly_bracket", "left_curly_bracket")
        plain = chart.lines("step")[0]
        assert plain.raw is None
        assert (plain.y == after.raw).all()
        await sees(pilot, "━ each step")


async def test_the_mouse_zooms_drags_reads_and_chooses(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 400)
    async with watching(make_app, "a-1") as (pilot, chart):
        plot = chart._plot
        assert plot is not None
        cell = 2 + plot.left + plot.column_of(200)
        await pilot._post_mouse_events([_scroll()], chart, offset=(cell, 5))
        low, high = chart.shown_range
        assert high - low == pytest.approx(200)
        assert low < 200 < high
        await pilot.mouse_down(chart, offset=(cell, 5))
        await pilot.hover(chart, offset=(cell - 10, 5))
        await pilot.mouse_up(chart, offset=(cell - 10, 5))
        assert chart.shown_range[0] > low
        assert chart.cursor is None
        await pilot.click(chart, offset=(cell, 5))
        at = chart.x_under(cell)
        assert at is not None
        assert chart.cursor == pytest.approx(at, abs=1)
        led: list[int] = []
        pilot.app.open_run_tokens = lambda name, step=0: led.append(step)  # type: ignore[attr-defined]
        await pilot.click(chart, offset=(cell, 5))
        await until(pilot, lambda: led == [chart.step_under])


def _scroll() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_a_window_that_does_not_follow_says_so(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-1", clock, 1000)
    fakes.train(journal, clock, 1, 200, 1000)
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, chart):
            await pilot.press("plus", "plus")
            assert "not following" not in shown(pilot.app)
            await pilot.press("less_than_sign")
            await sees(pilot, "not following: F")
            kept = chart.shown_range
            fakes.train(journal, clock, 201, 260, 1000)
            await sees(pilot, "260 / 1,000")
            assert chart.shown_range == kept
            await pilot.press("F")
            low, high = chart.shown_range
            assert low <= 260 <= high
            assert "not following" not in shown(pilot.app)


async def test_ascii_and_no_colour_tell_the_curves_apart(
    make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    fakes.whole_run(runs, "a-1", 120)
    async with watching(make_app, "a-1", (80, 24), ascii_only=True) as (pilot, chart):
        await pilot.press("plus", "left", "a")
        assert "".join(text for row in chart._rows for text, _ in row).isascii()
        await pilot.press("escape", "0", "a", "a")
        await sees(pilot, ". each step", "= smoothed", "* eval")
        assert "=" in "".join(text for row in chart._plot.rows for text, _ in row)  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(60, 15), (24, 15), (61, 16), (200, 50)])
async def test_any_size_will_do(make_app: Make, runs: Path, size: tuple[int, int]) -> None:
    fakes.whole_run(runs, "a-1", 30)
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: "a-1" in app.link.runs)
        app.open_run("a-1")
        await pilot.pause()
        await pilot.press("plus", "left", "minus", "less_than_sign", "a", "m", "m", "z", "z", "tab", "shift+tab", "0")
        await pilot.pause()
        assert app.is_running
