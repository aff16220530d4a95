"""The Compare screen: lines, table, differences, and each key."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs import events as e
from engine.runs.card import Card, write_card
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from tests.tui import fakes, hostile
from tests.tui.conftest import sees, shown, until
from tui.app import LuthierApp
from tui.compare_words import markdown
from tui.compared import MARKS, MOST, Compared
from tui.screens import compare as screen
from tui.screens.compare import Compare
from tui.screens.monitor import Monitor
from tui.widgets.compare_chart import CompareChart
from tui.widgets.compare_differences import CompareDifferences, _end_of
from tui.widgets.compare_runs import CompareRuns

Make = Callable[..., LuthierApp]

RUN_FILE = """name = "a"
[model]
path = "models/SmolLM2-135M"
[lora]
rank = {rank}
[train]
learning_rate = {rate}
"""


def tuned(runs: Path, name: str, rank: int, rate: float = 2e-4, steps: int = 60, t: float = fakes.NOON) -> RunDir:
    """A run that ended, with a run file of its own."""
    run = fakes.whole_run(runs, name, steps, t, seed=rank)
    run.config.write_text(RUN_FILE.format(rank=rank, rate=rate))
    return run


@pytest.fixture
def three(runs: Path) -> list[RunDir]:
    """Three runs of different rank and length."""
    return [
        tuned(runs, f"r{rank}-1", rank, steps=steps, t=fakes.NOON + rank)
        for rank, steps in ((8, 60), (16, 60), (32, 24))
    ]


async def compare(app: LuthierApp, pilot: object, *names: str) -> Compare:
    """Open the screen with these runs, read whole."""
    await until(pilot, lambda: set(names) <= set(app.link.runs))  # type: ignore[arg-type]
    app.compare(names)
    await until(pilot, lambda: isinstance(app.screen, Compare))  # type: ignore[arg-type]
    assert isinstance(app.screen, Compare)
    return app.screen


# Without a screen


def test_a_run_keeps_its_sign_and_none_is_shared() -> None:
    compared = Compared()
    compared.set(f"run-{i}" for i in range(5))
    before = dict(compared.signs)
    compared.add(f"other-{i}" for i in range(MOST))
    assert len(compared.names) == MOST
    assert {name: compared.signs[name] for name in before} == before
    for ascii_only in (False, True):
        marks = [sign.mark(ascii_only) for sign in compared.signs.values()]
        assert len({(sign.mark(False), sign.ink) for sign in compared.signs.values()}) == MOST
        assert all(mark.isascii() for mark in marks) or not ascii_only
    assert len({sign.mark(False) for sign in compared.signs.values()}) == MOST, "the mark alone tells them apart"
    compared.remove("run-2")
    compared.add(["run-2"])
    assert compared.signs["run-2"] == before["run-2"], "the same run gets the same sign again"


def test_the_first_six_have_colours_of_their_own() -> None:
    compared = Compared()
    compared.set("abcdef")
    assert len({sign.ink for sign in compared.signs.values()}) == 6
    assert not {"text", "muted"} & {sign.ink for sign in compared.signs.values()}


def test_hidden_lines_and_metrics() -> None:
    compared = Compared()
    compared.set(["a", "b"])
    compared.turn("a")
    assert compared.drawn == ["b"]
    compared.set(["b", "c"])
    assert compared.hidden == set()
    first = compared.metric
    for _ in range(6):
        compared.next_metric()
    assert compared.metric == first
    compared.next_metric(-1)
    assert compared.metric.key == "peak_gib"


def test_markdown_cannot_be_broken_out_of() -> None:
    from engine.runs.differences import Fact
    from engine.runs.figures import FigureRow

    text = markdown(
        ["a|b", "c\nd"],
        [FigureRow("loss", "train loss", (1.0, 2.0), frozenset({0}))],
        [Fact("data", "source", ("<b>|x", ""))],
    )
    lines = text.splitlines()
    assert lines[0] == "| | a\\|b | c␊d |" or lines[0].startswith("| | a\\|b | c")
    assert lines[2] == "| train loss | 1.000 ★ | 2.000 |"
    assert lines[4] == "| source | &lt;b>\\|x | - |"
    assert all(line.replace("\\|", "").count("|") in (4,) for line in lines)


# On the screen


async def test_empty_says_what_to_do(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "r8-1")
        await pilot.press("6")
        await sees(pilot, "Runs side by side.", "pick runs", "space bar, then c")
        await pilot.press("p")
        await sees(pilot, "runs to compare", "[ ] r32-1")
        await pilot.press(*"r1", "space", "backspace", "backspace", *"name:r8", "space", "enter")
        await until(pilot, lambda: app.compared.names == ["r16-1", "r8-1"])
        await sees(pilot, "train loss", "lora.rank")
        await pilot.press("1", "6")
        await sees(pilot, "lora.rank")


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_lines_figures_and_differences(make_app: Make, three: list[RunDir], size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1", "r32-1")
        await sees(pilot, "train loss", "lora.rank", "r8-1", "done", "★")
        marks = {app.compared.signs[name].mark(False) for name in app.compared.names}
        text = shown(app)
        chart = text.partition("▸ runs")[0]
        assert all(mark in chart for mark in marks), "each line carries its mark"
        rank = next(line for line in text.splitlines() if "lora.rank" in line)
        assert rank.replace("│", "").split() == ["lora.rank", "8", "16", "32"]


async def test_metrics_axes_and_crosshair(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r32-1")
        await sees(pilot, "train loss")
        chart, table = app.screen.query_one(CompareChart), app.screen.query_one(CompareRuns)
        await pilot.press("left")
        await sees(pilot, "step 60", "here")
        assert table.here["r32-1"] == "-", "it ended before"
        assert float(table.here["r8-1"]) > 1
        await pilot.press(*["left_square_bracket"] * 9)
        await until(pilot, lambda: table.here["r32-1"] != "-")
        await pilot.press("a")
        await sees(pilot, "by tokens", " tokens")
        assert chart.axis == "tokens"
        await pilot.press("a")
        await sees(pilot, "by time")
        for wanted in ("eval loss", "learning rate", "gradient norm", "tokens/s", "peak memory"):
            await pilot.press("m")
            await sees(pilot, wanted)
            assert chart.drawn
        await pilot.press("M")
        await sees(pilot, "tokens/s")


async def test_hiding_removing_and_opening(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1", "r32-1")
        await sees(pilot, "lora.rank")
        chart = app.screen.query_one(CompareChart)
        await pilot.press("space")
        await sees(pilot, "1 hidden")
        assert [line.label for line in chart.lines("step")] == ["r16-1", "r32-1"]
        await pilot.press("space")
        assert len(chart.lines("step")) == 3
        await pilot.press("j", "r")
        await until(pilot, lambda: app.compared.names == ["r8-1", "r32-1"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor) and app.screen.run_name == "r32-1")


async def test_everything_or_only_what_differs(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1")
        await sees(pilot, "lora.rank")
        assert "model.path" not in shown(app)
        await pilot.press("d")
        await sees(pilot, "model.path", "only these")
        await pilot.press("d")
        await until(pilot, lambda: "model.path" not in shown(app))


async def test_many_runs_are_grouped_by_their_values(make_app: Make, runs: Path) -> None:
    names = [f"many-{i}" for i in range(10)]
    for i, name in enumerate(names):
        tuned(runs, name, 8 if i % 2 else 16, steps=6, t=fakes.NOON + i)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, *names)
        await sees(pilot, "lora.rank")
        line = next(line for line in shown(app).splitlines() if "lora.rank" in line)
        even = "".join(app.compared.signs[name].mark(False) for name in names[::2])
        odd = "".join(app.compared.signs[name].mark(False) for name in names[1::2])
        assert f"16 {even}" in line
        assert f"8 {odd}" in line
        assert even[0] in MARKS


async def test_a_living_run_goes_on_and_a_deleted_one_is_told(make_app: Make, runs: Path, three: list[RunDir]) -> None:
    clock = fakes.Clock(time.time() - 100)
    run, journal = fakes.begin(runs, "live-1", clock)
    fakes.train(journal, clock, 1, 12)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await compare(app, pilot, "r8-1", "live-1")
            await sees(pilot, "running")
            chart = app.screen.query_one(CompareChart)
            fakes.train(journal, clock, 13, 30)
            await until(pilot, lambda: any(line.label == "live-1" and line.x[-1] == 30 for line in chart.lines("step")))
            shutil.rmtree(three[0].path)
            await sees(pilot, "gone: deleted or renamed")
            await pilot.press("r")
            await until(pilot, lambda: app.compared.names == ["live-1"])
            await sees(pilot, "for two runs or more")


async def test_runs_without_a_curve(make_app: Make, runs: Path) -> None:
    for name in ("a-1", "b-1"):
        _, journal = fakes.begin(runs, name, fakes.Clock())
        journal.close()
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "a-1", "b-1")
        await sees(pilot, "None of the runs has train loss yet", "crashed", "Nothing differs")
        await pilot.press("left", "plus", "m", "w", "y", "z", "escape")
        await sees(pilot, "a-1")


async def test_large_numbers_are_shortened_and_never_cut(make_app: Make, runs: Path, three: list[RunDir]) -> None:
    _, journal = fakes.begin(runs, "long-1", fakes.Clock(), steps=1_234_567)
    journal.append(e.Step(step=1_234_567, epoch=1, loss=1.5, tokens=3_000_000_000, seconds=1.0, peak_gib=100.0))
    journal.append(e.Eval(step=1_234_567, loss=1.25))
    journal.close()
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(app, pilot, "long-1", "r8-1")
        await sees(pilot, "1.2M", "3.0B", "100.0 GiB")
        line = next(line for line in shown(app).splitlines() if "long-1 " in line and "crashed" in line)
        assert "…" not in line


async def test_a_loss_that_is_no_number_is_a_gap(make_app: Make, runs: Path, three: list[RunDir]) -> None:
    fakes.failed_run(runs, "hot-1")
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "hot-1", "r8-1")
        await sees(pilot, "train loss", "failed")


async def test_copying_the_table_and_the_command(
    make_app: Make, three: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def copy(app: object, text: str) -> str:
        copied.append(text)
        return "kept"

    monkeypatch.setattr(screen, "copy", copy)
    write_card(three[0], Card(title="Small rank"))
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.shelf.looked and app.shelf.card("r8-1").title)
        await compare(app, pilot, "r8-1", "r16-1")
        await sees(pilot, "lora.rank", "Small rank")
        await pilot.press("y", "Y")
        await until(pilot, lambda: len(copied) == 2)
    assert copied[0].startswith("| | Small rank | r16-1 |\n|---|---:|---:|\n| outcome | done | done |")
    assert "| lora.rank | 8 | 16 |" in copied[0]
    assert copied[1] == "luthier compare r8-1 r16-1"


async def test_writing_the_chart(
    make_app: Make, three: list[RunDir], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wished: list[tuple[object, ...]] = []

    async def draw(*wish: object) -> str:
        wished.append(wish)
        return "drawn"

    monkeypatch.setattr(screen, "draw_runs", draw)
    monkeypatch.chdir(tmp_path)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1", "r32-1")
        await sees(pilot, "lora.rank")
        await pilot.press("space", "m", "a", "x", "w")
        await sees(pilot, "write the chart", "r16-1-r32-1-eval_loss.svg")
        await pilot.press(*["backspace"] * 3, *"gif", "enter")
        await sees(pilot, "must end with")
        await pilot.press(*["backspace"] * 3, *"csv", "enter")
        await until(pilot, lambda: wished)
    names, runs_dir, path, metric, axis, log_y = wished[0]
    assert (names, metric, axis, log_y) == (["r16-1", "r32-1"], "eval_loss", "tokens", True)
    assert (runs_dir, path) == (app.link.runs_dir, tmp_path / "r16-1-r32-1-eval_loss.csv")


async def test_panes_by_key_and_by_mouse(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1", "r32-1")
        await sees(pilot, "lora.rank")
        await pilot.press("tab")
        assert app.focused is app.screen.query_one("#differences")
        await pilot.press("z")
        await until(pilot, lambda: app.screen.query_one("#differences").size.height > 15)
        await pilot.press("z", "shift+tab")
        assert app.focused is app.screen.query_one("#compared")
        await pilot.click(CompareRuns, offset=(5, 3))
        assert app.screen.query_one(CompareRuns).current == "r16-1"
        await pilot.click(CompareChart, offset=(40, 4))
        await until(pilot, lambda: app.screen.query_one(CompareChart).cursor is not None)


async def test_without_news_nothing_is_painted(
    make_app: Make, three: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1")
        await sees(pilot, "lora.rank")
        await pilot.pause(0.3)
        sent: list[object] = []
        for kind in (CompareChart, CompareRuns):
            monkeypatch.setattr(kind, "refresh", lambda self, *args, **kwargs: sent.append(args))
        app.screen.news(set())  # type: ignore[attr-defined]
        await pilot.pause(1.5)
        assert sent == []


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_hostile_runs(make_app: Make, runs: Path, tmp_path: Path, ascii_only: bool) -> None:
    evil = hostile.fill(runs, tmp_path / "starter")
    write_card(evil, Card(title=hostile.TEXT))
    tuned(runs, "r8-1", 8)
    app = make_app(ascii_only=ascii_only)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, hostile.LITERAL, "r8-1")
        await compare(app, pilot, evil.name, "r8-1")
        await sees(pilot, hostile.LITERAL, "sequences")
        await pilot.press("d", "left")
        text = shown(app)
        assert "\x1b" not in text
        assert "\u202e" not in text
        if ascii_only:
            assert text.isascii()


async def test_a_journal_that_grows_under_a_hidden_screen_is_there_afterwards(
    make_app: Make, runs: Path, three: list[RunDir]
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r16-1")
        await sees(pilot, "lora.rank")
        await pilot.press("question_mark")
        journal = Journal(three[0].journal, fakes.Clock(fakes.NOON + 9000))
        journal.append(e.Eval(step=60, loss=0.5))
        journal.close()
        await until(pilot, lambda: app.link.runs["r8-1"].view.last("eval_loss") == 0.5)
        await pilot.press("escape")
        await sees(pilot, "0.500★")


def test_of_a_long_path_the_end_is_shown() -> None:
    path = "/data/models/of/mine/SmolLM2-135M"
    assert _end_of(path, 20) == "…" + path[-19:]
    assert _end_of("a long text without any", 10) == "a long te…"
    assert _end_of(None, 10) == "-"


async def test_no_star_for_a_loss_of_other_data(make_app: Make, runs: Path, three: list[RunDir]) -> None:
    app = make_app()
    clock = fakes.Clock()
    other, journal = fakes.begin(runs, "other-1", clock, 60)
    journal.append(e.Data(sources=[{"path": "else.jsonl", "rows": 3}], train_examples=3, train_tokens=90))
    fakes.train(journal, clock, 1, 60, 60)
    fakes.finish(journal, other, 60)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r32-1")
        await until(pilot, lambda: app.screen.query(CompareRuns))
        best = app.screen.query_one(CompareRuns)
        await until(pilot, lambda: best._best.get("loss"))
        app.compare(["r8-1", "r32-1", "other-1"])
        await until(pilot, lambda: len(best.figures) == 3)
        assert not best._best["loss"] | best._best["best_eval_loss"]


async def test_differences_take_the_room_that_they_need(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(app, pilot, "r8-1", "r32-1")
        await sees(pilot, "lora.rank")
        pane = app.screen.query_one(CompareDifferences)
        await until(pilot, lambda: pane.size.height == pane.count(120) + 2)
        await pilot.press("d")
        await until(pilot, lambda: 10 < pane.size.height == min(16, pane.count(120) + 2))
