"""What the keys of Monitor do: to the run, through its commands; to the panes; to files."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.runs import events as e
from engine.runs.card import Card, read_card, write_card
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.view import RunView
from tests.tui import fakes, hostile
from tests.tui.conftest import sees, shown, until
from tui import words
from tui.app import LuthierApp
from tui.curves import area
from tui.plot import Style
from tui.screens.monitor import Monitor
from tui.widgets.checkpoints_pane import CheckpointsPane
from tui.widgets.minis import METRICS, known_metrics
from tui.widgets.samples_pane import SamplesPane

Make = Callable[..., LuthierApp]


@asynccontextmanager
async def watching(
    make_app: Make, name: str, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[tuple[Pilot[object], Monitor]]:
    """Monitor on a run."""
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: name in app.link.runs)
        app.open_run(name)
        await until(pilot, lambda: isinstance(app.screen, Monitor) and app.screen.composed)
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, Monitor)
        yield pilot, screen


def living(runs: Path, steps: int = 40) -> tuple[RunDir, Journal, fakes.Clock]:
    """A run in the middle, with samples, checkpoints, warnings and words of all levels."""
    clock = fakes.Clock(time.time() - 300)
    run, journal = fakes.begin(runs, "a-1", clock, 120)
    fakes.train(journal, clock, 1, steps, 120)
    journal.append(e.Sample(step=steps, prompt="Question: again?", text="Natalia sold 24 clips."))
    journal.append(e.Sample(step=steps + 1, prompt="Question: again?", text="Natalia sold 72 clips."))
    journal.append(
        e.Warning_(
            code="loss_spike",
            message="loss spike at step 30: 3.9",
            hint="`luthier inspect a-1 --batch 30` shows its rows",
            step=30,
        )
    )
    journal.append(e.Log(message="a library grumbled", level="debug"))
    journal.append(e.Log(message="the disk is full", level="error"))
    return run, journal, clock


def footer(pilot: Pilot[object]) -> str:
    return shown(pilot.app).splitlines()[-1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "command", "told"),
    [
        ("p", "pause", "stops after the present step"),
        ("e", "evaluate", "held-out rows are evaluated"),
        ("c", "checkpoint", "A checkpoint is saved"),
        ("s", "sample", "prompts of the run file are answered"),
    ],
)
async def test_a_key_asks_the_worker(make_app: Make, runs: Path, key: str, command: str, told: str) -> None:
    run, journal, _ = living(runs)
    asked = CommandReader(run.commands)
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, _screen):
            await sees(pilot, "40 / 120")
            await pilot.press(key)
            await sees(pilot, "a-1: asked")
            assert told in " ".join(" ".join(shown(pilot.app).split()).split("│"))  # type: ignore[arg-type]
            sent = asked.poll()
            assert [one.command for one in sent] == [command]
            journal.append(e.Ack(command=command, id=sent[0].id))
            await sees(pilot, f"{command}: received")


async def test_a_paused_run_says_so_and_goes_on(make_app: Make, runs: Path) -> None:
    run, journal, _ = living(runs)
    asked = CommandReader(run.commands)
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, _):
            journal.append(e.Phase(name="paused"))
            await sees(pilot, "‖ a-1  paused", "held in memory: p goes on", "p continue")
            await pilot.press("p")
            await sees(pilot, "It goes on.")
            assert [one.command for one in asked.poll()] == ["unpause"]


async def test_stop_asks_first(make_app: Make, runs: Path) -> None:
    run, _, _ = living(runs)
    asked = CommandReader(run.commands)
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, _):
            await sees(pilot, "S stop")
            await pilot.press("S")
            await sees(pilot, "save a checkpoint, then stop")
            await pilot.press("escape")
            assert asked.poll() == []
            await pilot.press("S")
            await sees(pilot, "save a checkpoint, then stop")
            await pilot.press("enter")
            await until(pilot, lambda: [one.command for one in asked.poll()] == ["stop"])


async def test_nothing_is_asked_of_a_run_that_ended(make_app: Make, runs: Path) -> None:
    run = fakes.whole_run(runs, "a-1", 24)
    async with watching(make_app, "a-1") as (pilot, _):
        await sees(pilot, "The adapter is in")
        await pilot.press("p", "e", "c", "s", "S", "r")
        await pilot.pause(0.1)
        assert not run.commands.exists()
        assert all(word not in footer(pilot) for word in ("pause", "checkpoint", "stop", "resume"))


async def test_a_run_in_the_queue_says_its_place(make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.runs import queue

    monkeypatch.setattr(queue, "ensure_keeper", lambda runs: True)
    monkeypatch.setattr("tui.shelf.ensure_keeper", lambda runs: True)
    for name in ("first-1", "second-1"):
        (runs / name).mkdir()
        (runs / name / "run.toml").write_text("")
        queue.enqueue(runs, runs / name)
    async with watching(make_app, "second-1", (80, 24)) as (pilot, _):
        await sees(pilot, "in the queue", "number 2 of 2", "after first-1", "waits, too", "S take out")
        assert "resume" not in footer(pilot)


async def test_tab_goes_through_the_panes(make_app: Make, runs: Path) -> None:
    run, _, _ = living(runs)
    with fakes.held(run):
        async with watching(make_app, "a-1", (80, 24)) as (pilot, screen):
            await sees(pilot, "samples 6", "checkpoints 2", "warnings 1", "log", "Natalia sold 48/2")
            panes = []
            for _ in range(5):
                await pilot.press("tab")
                panes.append(screen.pane)
                assert screen.focused is not None
                assert screen.focused.id == screen.pane
            assert panes == ["samples", "checkpoints", "warnings", "log", "chart"]
            await pilot.press("shift+tab")
            await sees(pilot, "the disk is full")
            await pilot.press("shift+tab")
            await sees(pilot, "One batch was much harder", "→ `luthier inspect", "⏎ its rows")
            await pilot.click("#warnings", offset=(24, 0))  # the name of another pane, in the frame
            await until(pilot, lambda: screen.pane == "checkpoints")


async def test_a_pane_takes_the_whole_screen_and_gives_it_back(make_app: Make, runs: Path) -> None:
    run, _, _ = living(runs)
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, screen):
            await pilot.press("z")
            await until(pilot, lambda: not screen.query_one("#bottom").display or screen.has_class("-chart-alone"))
            await until(pilot, lambda: screen.chart.size.width == 120)
            await pilot.press("tab")
            await until(pilot, lambda: screen.text_pane("samples").size.height > 28)
            await sees(pilot, "z all panes")
            await pilot.press("escape")
            await until(pilot, lambda: screen.chart.size.height > 10)
            await pilot.press("m")
            await sees(pilot, "gradient norm", "tokens/s", "m the loss")
            assert screen.chart.size.height == 0 or not screen.chart.is_on_screen
            await pilot.press("escape")
            await sees(pilot, "each step")


async def test_samples_first_beside_newest(make_app: Make, runs: Path) -> None:
    run, _, _ = living(runs)
    with fakes.held(run):
        async with watching(make_app, "a-1", (160, 50)) as (pilot, screen):
            await sees(pilot, "samples 6")
            await pilot.press("b")
            await sees(pilot, "first and newest", "step 40", "step 41", "sold 24 clips.", "sold 72 clips.")
            pane = screen.query_one(SamplesPane)
            inks = {text: ink for row in pane.make(80) for text, ink in row}
            assert (inks["72"], inks["24"], inks["clips."]) == ("strong", "strong", "muted")
            await pilot.press("b")
            assert not pane.ends


async def test_checkpoints_tell_what_they_are_and_lead_to_their_step(make_app: Make, runs: Path) -> None:
    run, journal, _ = living(runs, 60)
    kept = run.checkpoints / "60"
    kept.mkdir(parents=True)
    journal.append(e.Checkpoint(step=60, path="60", bytes=39_000_000, best=True))
    with fakes.held(run):
        async with watching(make_app, "a-1", (110, 30)) as (pilot, screen):
            await pilot.press("tab", "tab")
            await sees(pilot, "39.0 MB")
            lines = ["".join(text for text, _ in row) for row in screen.query_one(CheckpointsPane).make(70)]
            assert lines[0].split()[:2] == ["★", "60"]
            assert "kept" in lines[0]
            assert all("removed" in line for line in lines[1:])
            copied: list[str] = []
            pilot.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await pilot.press("y")
            await until(pilot, lambda: copied == [str(kept)])
            await pilot.press("j", "enter")
            assert screen.chart.step_under == 40


async def test_a_warning_leads_to_its_rows(make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _, _ = living(runs)
    led: list[tuple[str, int]] = []
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, _):
            monkeypatch.setattr(pilot.app, "open_run_tokens", lambda name, step=0: led.append((name, step)))
            await pilot.press("tab", "tab", "tab", "enter")
            assert led == [("a-1", 30)]
            await pilot.press("escape", "left", "left", "enter")
            assert led[1:] == [("a-1", 39)]


async def test_the_log_by_level_and_by_words(make_app: Make, runs: Path) -> None:
    run, journal, clock = living(runs)
    for number in range(30):
        clock.t += 1
        journal.append(e.Log(message=f"line {number}" + " of note" * (number % 10 == 0)))
    with fakes.held(run):
        async with watching(make_app, "a-1") as (pilot, screen):
            await pilot.press(*["tab"] * 4)
            await sees(pilot, "line 29", "v level")
            await pilot.press("v")
            await sees(pilot, "warnings and errors", "✗ the disk is full")
            assert "line 29" not in shown(pilot.app)  # type: ignore[arg-type]
            await pilot.press("v", "v")
            await sees(pilot, "everything", "line 29")
            await pilot.press("v", "slash", *"note", "enter")
            await sees(pilot, "/note", "of 3")
            before = screen.text_pane("log").row_here()
            await pilot.press("n")
            assert screen.text_pane("log").row_here() != before
            await pilot.press("escape")
            assert screen.text_pane("log").found_words == ""


async def test_title_and_note(make_app: Make, runs: Path) -> None:
    run = fakes.whole_run(runs, "a-1", 24)
    async with watching(make_app, "a-1") as (pilot, _):
        await pilot.press("i")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Monitor))
        await pilot.press(*"warmer", "enter")
        await until(pilot, lambda: read_card(run).title == "warmer")
        await sees(pilot, "warmer  a-1")


async def test_clone_and_compare(make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.whole_run(runs, "a-1", 24)
    led: list[object] = []
    async with watching(make_app, "a-1") as (pilot, _):
        monkeypatch.setattr(pilot.app, "clone_run", led.append)
        monkeypatch.setattr(pilot.app, "compare", led.append)
        await pilot.press("C", "d")
        assert led == ["a-1", ["a-1"]]


async def test_the_chart_is_written_to_a_file(make_app: Make, runs: Path, tmp_path: Path) -> None:
    fakes.whole_run(runs, "a-1", 24)
    async with watching(make_app, "a-1") as (pilot, _):
        await pilot.press("w")
        await sees(pilot, "─ write the chart ─", "enter: write   esc: close ─")
        field = pilot.app.screen.query_one("#answer")
        field.value = str(tmp_path / "x.gif")  # type: ignore[attr-defined]
        await pilot.press("enter")
        await sees(pilot, "must end with .svg, .png or .csv")
        field.value = str(tmp_path / "x.csv")  # type: ignore[attr-defined]
        await pilot.press("enter", "q")  # who leaves meanwhile ends nothing
        await sees(pilot, "Written:")
        lines = (tmp_path / "x.csv").read_text().splitlines()
        assert len(lines) == 25
        assert "loss" in lines[0]


async def test_hostile_text_stays_text_in_every_pane(make_app: Make, runs: Path, tmp_path: Path) -> None:
    run = hostile.fill(runs, tmp_path / "starter")
    write_card(run, Card(title=hostile.TEXT, note=hostile.TEXT, tags=(hostile.TEXT,)))
    journal = Journal(run.journal)
    journal.append(e.Warning_(code="loss_spike", message=hostile.TEXT, hint=hostile.TEXT, step=2))
    journal.append(e.Sample(step=2, prompt=hostile.TEXT, text=hostile.TEXT + " once more"))
    journal.append(e.Log(message=hostile.TEXT, level=hostile.TEXT))
    journal.close()
    async with watching(make_app, run.name) as (pilot, _):
        for keys in (["left"], ["a"], ["tab"], ["b"], ["tab"], ["tab"], ["tab"], ["v"], ["z"], ["z"], ["m"], ["l"]):
            await pilot.press(*keys)
            await pilot.pause()
            text = shown(pilot.app)  # type: ignore[arg-type]
            assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text.replace("\n", ""))
            assert "\u202e" not in text
            assert "\u2066" not in text
        assert hostile.LITERAL in text


async def test_a_damaged_journal_is_told(make_app: Make, runs: Path) -> None:
    run = fakes.whole_run(runs, "a-1", 24)
    lines = run.journal.read_bytes().split(b"\n")
    lines[20] = lines[20][:15] + b"\xff garbage"
    run.journal.write_bytes(b"\n".join(lines))
    async with watching(make_app, "a-1", (80, 24)) as (pilot, _):
        await sees(pilot, "! 1 line of its journal cannot be read", "24 / 24", "The adapter is in")


async def test_a_run_that_never_began_says_how_far_it_came(make_app: Make, runs: Path) -> None:
    _, journal = fakes.begin(runs, "a-1", fakes.Clock())
    journal.close()
    async with watching(make_app, "a-1", (80, 24)) as (pilot, _):
        await sees(pilot, "✓ quantizing", "✗ training", "before the first step", "r starts it over", "C clone")
        await pilot.press("left", "plus", "m", "w", "enter")
        await sees(pilot, "before the first step")


def test_an_estimate_says_how_sure_it_is() -> None:
    assert words.estimate(720, 61) == "12 min ± 1"
    assert words.estimate(42, 3) == "42 s ± 3"
    assert words.estimate(7500, 480) == "2 h 05 ± 8 min"
    assert words.estimate(502, 1.2) == "8 min 22 s ± 1 s"
    assert words.estimate(720, 0.1) == "12 min"


def test_small_charts_are_those_that_the_run_has_the_most_telling_first() -> None:
    view = RunView("a-1")
    view.apply(e.Step(step=1, epoch=0.1, loss=2.0, tokens=10, seconds=1.0, learning_rate=1e-4, grad_norm=1.0))
    view.apply(e.Hardware(cpu_percent=50.0, host_gib=4.0, process_gib=1.0))
    first = ["learning_rate", "grad_norm", "tokens_per_s", "peak_gib"]
    assert [metric.name for metric in known_metrics(view)] == [*first, "cpu_percent", "host_gib", "process_gib"]
    view.apply(e.Hardware(cpu_percent=50.0, host_gib=4.0, process_gib=1.0, gpu_percent=9.0, gpu_celsius=50.0))
    names = [metric.name for metric in known_metrics(view)]
    assert names == [*first, "gpu_percent", "gpu_celsius", "process_gib", "cpu_percent", "host_gib"]


def test_memory_that_nobody_measured_is_no_number() -> None:
    """Imported runs, and devices without a gauge, tell 0."""
    peak = next(metric for metric in METRICS if metric.name == "peak_gib")
    assert [peak.write(value) for value in (0.0, None, 0.5, 9.3)] == ["-", "-", "512 MiB", "9.3 GiB"]


@pytest.mark.parametrize("height", [1, 2, 3])
def test_small_charts_in_ascii_show_the_values(height: int) -> None:
    def drawn(rates: list[float]) -> list[str]:
        view = RunView("a-1")
        for step, rate in enumerate(rates, 1):
            view.apply(e.Step(step=step, epoch=0.1, loss=2.0, tokens=10, seconds=1.0, learning_rate=rate))
        style = Style(axes=False, grid=False, from_zero=True, full=True, ascii_only=True, x_range=(0.0, 20.0))
        return ["".join(part for part, _ in row) for row in area(view, "learning_rate", "rate", 20, height, style)]

    up, down = drawn([i * 1e-5 for i in range(20)]), drawn([(20 - i) * 1e-5 for i in range(20)])
    assert all(len(line) == 20 and line.isascii() for line in up + down)
    assert up != down
    assert len(set("".join(up))) >= 3, "not one sign for all values"
    assert drawn([0.0] * 20) != up


def test_two_lines_of_a_small_chart_have_no_stray_blocks() -> None:
    view = RunView("a-1")
    for step in range(1, 60):
        view.apply(e.Step(step=step, epoch=0.1, loss=2.0, tokens=10, seconds=1.0, learning_rate=1e-3 * min(step, 9)))
    style = Style(axes=False, grid=False, from_zero=True, full=True, x_range=(0.0, 60.0))
    inks = {ink for row in area(view, "learning_rate", "rate", 26, 2, style) for text, ink in row if text.strip()}
    assert inks == {"rate"}
