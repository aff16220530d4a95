"""Keys that no other test presses, each with what it does: no key of the table is only drawn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.runs import events as e
from tests.tui import fakes
from tests.tui.conftest import sees, until
from tests.tui.datafiles import boats, chats, looking_at
from tests.tui.formscreens import at, draft_of, filling, run_file, screen_of
from tests.tui.test_compare import compare, three
from tui import acts
from tui.app import LuthierApp
from tui.link.verbs import Started
from tui.screens.log import LogScreen
from tui.screens.monitor import Monitor
from tui.widgets.compare_chart import CompareChart
from tui.widgets.log_pane import LogPane

__all__ = ["run_file", "three"]
Make = Callable[..., LuthierApp]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was given to the terminal's clipboard."""
    texts: list[str] = []
    monkeypatch.setenv("TMUX", "")
    monkeypatch.setattr(LuthierApp, "copy_to_clipboard", lambda app, text: texts.append(text))
    return texts


# Compare: the keys of its chart


async def drawn(app: LuthierApp, pilot: Pilot[object], *names: str) -> CompareChart:
    """The chart of these runs, with its lines."""
    screen = await compare(app, pilot, *names)
    await until(pilot, lambda: screen.query(CompareChart) and screen.chart.drawn)
    return screen.chart


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        (["left", "left"], lambda chart: chart.cursor == 59),
        (["left", "left", "right"], lambda chart: chart.cursor == 60),
        (["left", *["left_square_bracket"] * 20, "right_square_bracket"], lambda chart: 1 < chart.cursor < 10),
        (["left", *["shift+left"] * 20, "shift+right"], lambda chart: 1 < chart.cursor < 10),
        (["plus"], lambda chart: chart.window.width == 30),
        (["equals_sign", "minus"], lambda chart: chart.window.whole),
        (["plus", "less_than_sign"], lambda chart: chart.window.start < 30),
        (["plus", "less_than_sign", "greater_than_sign"], lambda chart: chart.window.start + chart.window.width == 60),
        (["plus", "0"], lambda chart: chart.window.whole),
        (["plus", "f"], lambda chart: chart.window.whole),
        (["x"], lambda chart: chart.log_y),
        (["a"], lambda chart: chart.axis == "tokens"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
async def test_the_chart_of_compare(
    make_app: Make, three: object, keys: list[str], changed: Callable[[object], bool]
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        chart = await drawn(app, pilot, "r8-1", "r16-1")
        await pilot.press(*keys)
        await until(pilot, lambda: changed(chart), 3)


async def test_outliers_and_following_on_compare(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time() - 100)
    run, journal = fakes.begin(runs, "live-1", clock, 120)
    journal.append(e.Step(step=1, epoch=0.1, loss=900.0, tokens=10, seconds=1.0))
    fakes.train(journal, clock, 2, 100, 120)
    fakes.whole_run(runs, "a-1", 60)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            chart = await drawn(app, pilot, "live-1", "a-1")
            await until(pilot, lambda: chart.live)
            await pilot.press("o")
            assert chart.full
            await pilot.press("plus", "less_than_sign")
            assert not chart.window.follow
            await pilot.press("F")
            assert chart.window.follow
            assert not chart.window.whole


# Monitor and its log, Runs, Demo


async def test_monitor_leads_to_tokens_copies_and_resumes(
    make_app: Make, runs: Path, copied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fakes.crashed_run(runs, "a-1", 40)
    done: list[str] = []

    async def resume(name: str, runs_dir: Path) -> Started:
        done.append(f"resume {name}")
        return Started(run=name)

    monkeypatch.setattr(acts, "resume_run", resume)
    monkeypatch.setattr(LuthierApp, "open_run_tokens", lambda app, name, step=0: done.append(f"tokens {name}"))
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "a-1", "crashed")
        await pilot.press("t")
        assert done == ["tokens a-1"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor) and app.screen.composed)
        await pilot.press("t")
        assert done == ["tokens a-1"] * 2
        await pilot.press("Y", "y")
        await until(pilot, lambda: len(copied) == 2)
        assert copied == ["luthier resume a-1", str(run.path)]
        await pilot.press("r")
        await until(pilot, lambda: done[2:] == ["resume a-1"])


async def test_monitor_kills_where_stop_was_asked_already(
    make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = fakes.Clock(time.time() - 60)
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 40)
    killed: list[Path] = []
    monkeypatch.setattr("engine.runs.ending.kill", lambda path: killed.append(path) or True)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "running")
            await pilot.press("enter")
            await sees(pilot, "S stop")
            await pilot.press("S", "enter")
            await until(pilot, run.commands.exists)
            await pilot.press("S")
            await sees(pilot, "kill now")
            assert killed == []
            await pilot.press("enter")
            await until(pilot, lambda: killed == [run.path])


async def test_the_whole_log(make_app: Make, runs: Path, copied: list[str]) -> None:
    run = fakes.crashed_run(runs, "a-1", 40)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "a-1", "crashed")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor) and app.screen.composed)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("y")
        await until(pilot, lambda: copied == [str(run.log)])
        log = app.screen.query_one(LogPane)
        before = log.least
        await pilot.press("v")
        assert log.least != before


async def test_the_command_of_the_demo(make_app: Make, runs: Path, tmp_path: Path, copied: list[str]) -> None:
    fakes.story(tmp_path / "starter")
    fakes.whole_run(runs, "demo-1", 12)
    async with make_app(demo=True).run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "After", "94%")
        await until(pilot, lambda: "demo-1" in pilot.app.link.runs)  # type: ignore[attr-defined]
        await pilot.press("y")
        await until(pilot, lambda: copied == ["luthier status demo-1"])


async def test_the_screen_is_sent_again(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        sent: list[object] = []
        whole = app._display
        app._display = lambda *args, **more: (sent.append(args), whole(*args, **more))[1]  # type: ignore[method-assign]
        await pilot.press("ctrl+l")
        await until(pilot, lambda: sent, 3)


async def test_runs_are_read_though_a_key_came_before_the_first_paint(
    make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = LuthierApp.call_after_refresh
    # What Textual does with callbacks of a screen that is left before it is painted: it forgets them.
    monkeypatch.setattr(
        LuthierApp, "call_after_refresh", lambda app, call, *args: call == app._begin or whole(app, call, *args)
    )
    fakes.whole_run(runs, "a-1", 12)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "a-1" in app.link.runs, 5)


# Configure


async def test_configure_plans_for_another_gpu(make_app: Make, run_file: Path) -> None:
    app = make_app()
    async with filling(app, run_file) as pilot:
        await pilot.press("v")
        await sees(pilot, "plan for", "this machine's own device", "a GPU of 24 GB")
        await pilot.press(*"24", "enter")
        await until(pilot, lambda: app.planning.device == "24GB")


async def test_configure_opens_another_file(make_app: Make, run_file: Path) -> None:
    other = run_file.parent / "other.toml"
    other.write_text(run_file.read_text().replace("rank = 16", "rank = 4"))
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("o")
        await sees(pilot, "path of a run file", "other.toml")
        await pilot.press(*"other.toml", "enter")
        await until(pilot, lambda: draft_of(pilot).origin.path == str(other))
        await sees(pilot, "rank = 4")


async def test_any_value_is_edited_in_the_editor(
    make_app: Make, run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho 64 > "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    app = make_app()
    async with filling(app, run_file) as pilot:
        monkeypatch.setattr(app, "suspend", nullcontext)
        await at(pilot, "lora.rank")
        await pilot.press("E")
        await until(pilot, lambda: draft_of(pilot).changes == {"lora.rank": 64})


async def test_the_panes_of_configure_both_ways(make_app: Make, run_file: Path) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        screen = screen_of(pilot)
        there, back = [screen.pane], []
        for _ in range(5):
            await pilot.press("tab")
            there.append(screen.pane)
        for _ in range(5):
            back.append(screen.pane)
            await pilot.press("shift+tab")
        back.append(screen.pane)
        assert there == back[::-1]
        assert len(set(there)) > 2


# Data


async def test_columns_weights_examining_and_the_pager(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, script = tmp_path / "page.txt", tmp_path / "pager"
    script.write_text(f'#!/bin/sh\ncp "$1" {page}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PAGER", str(script))
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl", 50)) as pilot:
        monkeypatch.setattr(app, "suspend", nullcontext)
        source = app.desk.source
        assert source is not None
        await pilot.press("right")
        assert app.screen.rows.column == "answer"  # type: ignore[attr-defined]
        await pilot.press("left")
        assert app.screen.rows.column == "question"  # type: ignore[attr-defined]
        weight = source.weight
        await pilot.press("minus")
        await until(pilot, lambda: source.weight is not None and source.weight != weight)
        await pilot.press("p")
        await until(pilot, lambda: page.exists() and os.path.getsize(page))
        assert "boat 0" in page.read_text()
        await until(pilot, lambda: source.examined is not None and source.examining is None)
        # Small files are examined whole by themselves: as if this one were large.
        source.examined = replace(source.examined, exact=False)
        asked: list[object] = []
        monkeypatch.setattr(app.desk, "examine", lambda source, exact=False: asked.append((source, exact)))
        await pilot.press("a")
        assert asked == [(source, True)]
