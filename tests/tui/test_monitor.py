"""Monitor: getting ready, running, ended; cursor, commands, log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from engine.runs import events as e
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui.app import LuthierApp
from tui.screens.monitor import Monitor
from tui.widgets.loss_chart import LossChart

Make = Callable[..., LuthierApp]


async def test_phases_are_shown_until_the_first_step(make_app: Make, runs: Path) -> None:
    run = RunDir(runs / "a-1")
    run.path.mkdir()
    run.config.write_text("")
    journal = Journal(run.journal)
    journal.append(e.Hello(run="a-1", pid=1, host="h"))
    journal.append(e.Phase(name="loading libraries"))
    journal.append(e.Phase(name="tokenizing", done=4102, total=7473))
    with fakes.held(run):
        async with make_app().run_test(size=(80, 24)) as pilot:
            await sees(pilot, "a-1")
            await pilot.press("enter")
            await sees(pilot, "getting ready", "✓ loading libraries", "▸ tokenizing", "4,102 / 7,473")
            assert "checkpoint" not in shown(pilot.app).splitlines()[-1], "nothing to save yet"
            journal.append(e.Plan(steps=10, steps_per_epoch=5, batch_size=4))
            journal.append(e.Step(step=1, epoch=0.2, loss=2.5, tokens=100, seconds=0.5))
            await sees(pilot, "running", "1 / 10", "each step", "checkpoint")


async def test_numbers_grow_while_it_runs(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time() - 300)
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 200)
    asked = CommandReader(run.commands)
    with fakes.held(run):
        async with make_app().run_test(size=(120, 36), notifications=True) as pilot:
            await sees(pilot, "a-1")
            await pilot.press("enter")
            await sees(pilot, "200 / 600", "33%", "epoch 1.00", "NF4" if False else "tok/s", "learning rate", "◆ eval")
            await sees(pilot, "Natalia sold 48/2 = 24", "checkpoint 200 written", "left")
            fakes.train(journal, clock, 201, 210)
            await sees(pilot, "210 / 600")
            await pilot.press("c", "e")
            await until(pilot, lambda: len(got) == 2 if (got := asked.poll()) else False)
            await sees(pilot, "A checkpoint is saved.")


async def test_a_resumed_run_says_each_warning_once(make_app: Make, runs: Path) -> None:
    _, journal = fakes.begin(runs, "a-1", fakes.Clock(time.time() - 300))
    for seen in range(2):
        journal.append(e.Warning_(code="cut", message="31 rows are cut", hint="raise tokens.max_length"))
        journal.append(e.Step(step=seen + 1, epoch=0.2, loss=2.5))
        journal.append(e.Hello(run="a-1", pid=2, host="h", resumed_from=seen))
    async with make_app().run_test(size=(120, 36)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter")
        await sees(pilot, "warnings 1", "resumed from step 1")
        assert shown(pilot.app).count("warning: 31 rows are cut") == 1


async def test_a_run_whose_folder_goes_stays_on_the_screen(make_app: Make, runs: Path) -> None:
    run = fakes.whole_run(runs, "a-1", 24)
    async with make_app().run_test(size=(120, 36)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter")
        await sees(pilot, "✓ done", "copy path")
        shutil.rmtree(run.path)
        await sees(pilot, "gone: its folder was removed", "◆ eval")
        assert "copy path" not in shown(pilot.app)
        await pilot.press("y", "Y", "l", "S", "r", "escape")
        await sees(pilot, "Fine-tune a language model from here.")


async def test_the_cursor_reads_values(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 120)
    async with make_app().run_test(size=(120, 36)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter", "left")
        await sees(pilot, "step 120", "train", "eval", "lr")
        await pilot.press("left_square_bracket", "left")
        chart = pilot.app.screen.query_one("#chart", LossChart)
        assert chart.cursor is not None
        assert chart.cursor < 120
        await pilot.press("right_square_bracket", "right", "right", "right")
        assert chart.cursor == 120
        await pilot.press("x")
        await sees(pilot, "loss  log")
        await pilot.press("escape")
        assert chart.cursor is None
        await sees(pilot, "each step")


async def test_an_outlier_is_left_out_and_shown_on_demand(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-1", clock)
    journal.append(e.Step(step=1, epoch=0.0, loss=400.0))
    for step in range(2, 300):
        journal.append(e.Step(step=step, epoch=0.0, loss=2.0 - step / 1000))
    fakes.finish(journal, run, 299)
    async with make_app().run_test(size=(120, 36)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter")
        await sees(pilot, "up to 400: o")
        await pilot.press("o")
        await until(pilot, lambda: "up to 400" not in shown(pilot.app))
        await sees(pilot, "400 ┤")


async def test_the_end_says_what_to_do_next(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "done-1", 60)
    fakes.crashed_run(runs, "lost-1", 187, t=fakes.NOON - 5000)
    async with make_app().run_test(size=(120, 36)) as pilot:
        await sees(pilot, "done-1", "lost-1")
        await pilot.press("enter")
        await sees(pilot, "✓ done", "60 steps in", "The adapter is in")
        await pilot.press("q", "j", "enter")
        await sees(pilot, "✗ crashed", "Ended after step 187 of 600", "r resumes from checkpoint 140")
        assert "resume" in shown(pilot.app).splitlines()[-1]


async def test_gaps_are_drawn_as_gaps(make_app: Make, runs: Path) -> None:
    fakes.failed_run(runs, "hot-1")
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "hot-1")
        await pilot.press("enter")
        await sees(pilot, "✗ failed", "The loss of step 42")


async def test_the_log_on_the_whole_screen(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 600)
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter", "l")
        await sees(pilot, "checkpoint 600 written", "  done")
        await pilot.press("g", "g")
        await sees(pilot, "evaluation at step 50:")
        await pilot.press("G")
        await sees(pilot, "checkpoint 600 written")
        await pilot.press("escape", "escape")
        await sees(pilot, "runs")


async def test_help_lists_every_key_and_finds(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await sees(pilot, "Runs", "/ search")
        await pilot.press("slash", *"smooth more")
        await sees(pilot, "Smooth the train loss more.", "1 of")
        assert "Save a checkpoint" not in shown(pilot.app)
        await pilot.press("escape", "escape")
        await sees(pilot, "demo")


async def test_nothing_is_painted_while_nothing_happens(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 60)
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "a-1", "learning" if False else "loss")
        await pilot.press("enter")
        await sees(pilot, "The adapter is in")
        await pilot.pause(0.3)
        painted: list[object] = []
        original = app._display
        app._display = lambda *args: (painted.append(args), original(*args))[1]  # type: ignore[method-assign]
        app._spread(set())
        await pilot.pause(0.4)
        assert painted == []


async def test_one_step_repaints_little(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time() - 500)
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 250)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(120, 36)) as pilot:
            await sees(pilot, "a-1")
            await pilot.press("enter")
            await sees(pilot, "250 / 600")
            await pilot.pause(0.3)
            cells = 0
            for widget in app.screen.query("LossChart, Minis, Status"):

                def count(*regions: object, _widget: object = widget, **options: object) -> object:
                    nonlocal cells
                    size = _widget.size  # type: ignore[attr-defined]
                    cells += sum(r.area for r in regions) if regions else size.area  # type: ignore[attr-defined]
                    return type(_widget).refresh(_widget, *regions, **options)  # type: ignore[attr-defined]

                widget.refresh = count  # type: ignore[assignment, method-assign]
            fakes.train(journal, clock, 251, 251)
            await sees(pilot, "251 / 600")
            assert 0 < cells < 120 * 36 // 4


async def test_the_key_of_monitor_prefers_the_living_run(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "done-1", 12, fakes.NOON + 9000)
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "lives-1", clock)
    fakes.train(journal, clock, 1, 60)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "done-1", "lives-1")
            app.open_run("done-1")
            await until(pilot, lambda: isinstance(app.screen, Monitor))
            await pilot.press("1", "5")
            await until(pilot, lambda: isinstance(app.screen, Monitor) and app.screen.run_name == "lives-1")


async def test_without_a_run_there_is_a_page_of_its_own(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("5")
        await sees(pilot, "There is no run to watch yet.", "4  configure")
        assert isinstance(app.screen, Monitor)
        await pilot.press("tab", "z", "m", "l", "v", "enter", "S", "j")  # nothing to do, and nothing breaks
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(app.screen, Monitor))


async def test_long_lines_of_the_log_are_whole(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock()
    _, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 12)
    journal.append(e.Log(level="info", message=" ".join(f"word{i}" for i in range(24)) + " the end"))
    journal.close()
    async with make_app().run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter")
        await sees(pilot, "word0 ", "word23 the end")
