"""Home as a table: filter, sort, marks, columns, the place of the cursor; and the parts that need no screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.card import Card, write_card
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.queue import keeper_lock
from engine.runs.store import Run
from engine.runs.ticket import Ticket, write_ticket
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui.app import LuthierApp
from tui.facts import figures, kept_steps
from tui.glyphs import ASCII, UNICODE
from tui.run_filter import read
from tui.run_table import RunTable
from tui.screens.home import Home
from tui.shelf import Shelf
from tui.text import cell_len
from tui.widgets import run_cells
from tui.widgets.painted import row_width
from tui.widgets.run_list import RunList

Make = Callable[..., LuthierApp]


def table_of(runs: Path) -> RunTable:
    """The table of a folder, read whole."""
    shelf = Shelf(runs)
    names = sorted(path.name for path in runs.iterdir() if not path.name.startswith("."))
    shelf.take(shelf.read(names))
    table = RunTable()
    table.refresh(names, {name: Run(RunDir(runs / name)).load() for name in names}, shelf)
    return table


def fitting(table: RunTable, text: str, regex: bool = False) -> list[str]:
    """The runs that fit."""
    table.filter = read(text, regex)
    table.arrange()
    return sorted(table.shown)


@pytest.fixture
def some(runs: Path) -> Path:
    """Four runs that differ in everything."""
    write_card(fakes.whole_run(runs, "gsm8k-1", 24, fakes.NOON), Card(tags=("keep", "math"), note="the good one"))
    fakes.whole_run(runs, "alpaca-1", 48, fakes.NOON + 500, seed=8)
    fakes.failed_run(runs, "hot-1", fakes.NOON + 900)
    write_card(fakes.crashed_run(runs, "zh-1", 20, fakes.NOON - 900), Card(title="Chinese trial", tags=("trial",)))
    return runs


# Without a screen


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["alpaca-1", "gsm8k-1", "hot-1", "zh-1"]),
        ("gsm", ["alpaca-1", "gsm8k-1", "hot-1", "zh-1"]),  # the data of all of them is gsm8k
        ("name:gsm", ["gsm8k-1"]),
        ("tag:ma", ["gsm8k-1"]),
        ("tag:", ["alpaca-1", "hot-1"]),
        ("-tag:keep state:done", ["alpaca-1"]),
        ("state:succeeded", ["alpaca-1", "gsm8k-1"]),
        ("state:failed", ["hot-1"]),
        ("model:smollm2 -done", ["hot-1", "zh-1"]),
        ("note:good", ["gsm8k-1"]),
        ("chinese", ["zh-1"]),
        ("Chinese", ["zh-1"]),
        ("CHINESE", []),
        ("other:thing", []),
    ],
)
def test_what_fits(some: Path, text: str, names: list[str]) -> None:
    assert fitting(table_of(some), text) == names


def test_a_regular_expression(some: Path) -> None:
    table = table_of(some)
    assert fitting(table, r"^keep\s+math", regex=True) == ["gsm8k-1"]
    assert fitting(table, "(", regex=True) == []
    assert "regular expression" in table.filter.problem
    assert fitting(table, "(a+)+$" * 20, regex=True) == [], "a pattern that never ends fits nothing, soon"


def test_the_order_of_its_own(some: Path) -> None:
    assert table_of(some).shown == ["hot-1", "alpaca-1", "gsm8k-1", "zh-1"], (
        "the newest last word first, as the column says"
    )


@pytest.mark.parametrize("column", ["name", "state", "steps", "loss", "best", "when", "model", "tags"])
def test_sorting_both_ways(some: Path, column: str) -> None:
    table = table_of(some)
    table.sort_by(column)
    first = table.shown
    table.sort_by(column)
    values = {
        "name": ["alpaca-1", "zh-1", "gsm8k-1", "hot-1"],
        "steps": ["alpaca-1", "hot-1", "gsm8k-1", "zh-1"],
        "when": ["hot-1", "alpaca-1", "gsm8k-1", "zh-1"],
        "tags": ["gsm8k-1", "zh-1", "hot-1", "alpaca-1"],
    }
    if column in values:
        assert first == values[column]
    assert sorted(first) == sorted(table.shown)
    if column in ("loss", "best"):
        unknown = 1 if column == "loss" else 2  # of these runs hot-1 and zh-1 were never evaluated
        assert "hot-1" in first[-unknown:], "what has no value comes last, whichever way"
        assert first[-unknown:] == table.shown[-unknown:]


def test_archived_runs_are_hidden_and_counted(some: Path) -> None:
    write_card(RunDir(some / "gsm8k-1"), Card(archived=True))
    table = table_of(some)
    assert "gsm8k-1" not in table.shown
    assert table.archived == 1
    table.with_archived = True
    table.arrange()
    assert "gsm8k-1" in table.shown


def test_a_queue_says_who_waits_for_whom(some: Path) -> None:
    for name, place in (("wait-1", 2), ("wait-2", 1)):
        directory = RunDir(some / name)
        directory.path.mkdir()
        directory.config.write_text("")
        write_ticket(directory, Ticket(run=name, device="cpu", t=1.0, place=place))
    with_keeper = RunLock(keeper_lock(some))
    try:
        table = table_of(some)
    finally:
        with_keeper.release()
    assert table.shown[:2] == ["wait-2", "wait-1"]
    assert table.after(table.rows["wait-2"]) == "next"
    assert table.after(table.rows["wait-1"]) == "after wait-2"
    assert table.rows["wait-1"].word == "queued"


def test_rows_are_made_again_only_when_they_changed(some: Path) -> None:
    table = table_of(some)
    shelf = Shelf(some)
    runs = {name: row.run for name, row in table.rows.items() if row.run}
    table.refresh(list(runs), runs, shelf)
    before = dict(table.rows)
    shelf.put("hot-1", Card(tags=("x",)))
    table.refresh(list(runs), runs, shelf)
    assert [name for name in runs if table.rows[name] is not before[name]] == ["hot-1"]


@pytest.mark.parametrize("width", [40, 54, 75, 80, 96, 130, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_row_is_wider_than_its_room(some: Path, width: int, glyphs: object) -> None:
    table = table_of(some)
    shape = run_cells.layout(width, max(cell_len(row.title) for row in table.rows.values()), True)
    assert row_width(run_cells.heading(shape, table, glyphs)) <= width  # type: ignore[arg-type]
    for row in table.rows.values():
        painted = run_cells.line(row, shape, table, glyphs, True)  # type: ignore[arg-type]
        assert row_width(painted) <= width
        assert row.word in "".join(text for text, _ in painted)


def test_a_phase_is_never_cut_in_a_word(runs: Path) -> None:
    run, journal = fakes.begin(runs, "a-1", fakes.Clock())
    from engine.runs import events as e

    journal.append(e.Phase(name="loading the tokenizer and the model", done=1, total=2))
    journal.close()
    with fakes.held(run):
        table = table_of(runs)
        for width in range(40, 90):
            line = run_cells.line(table.rows["a-1"], run_cells.layout(width, 3, False), table, UNICODE, False)
            text = "".join(part for part, _ in line).partition("starting")[2].strip().partition("  ")[0]
            words = "loading the tokenizer and the model 50%"
            assert words.startswith(text), (width, text)
            assert not text or words[len(text) : len(text) + 1] in ("", " ")


# On the screen


async def test_the_filter_counts_and_is_kept(make_app: Make, some: Path) -> None:
    async with make_app().run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "hot-1", "Chinese trial")
        await pilot.press("slash", *"state:done", "enter")
        await sees(pilot, "1 of 2 that fit, 4 in all")
        assert "hot-1" not in shown(pilot.app)
        home = pilot.app.screen
        assert isinstance(home, Home)
        await pilot.press("n")
        await sees(pilot, "2 of 2 that fit")
        await pilot.press("N", "2", "1")
        await sees(pilot, "1 of 2 that fit")
        await pilot.press("escape")
        await sees(pilot, "hot-1")


async def test_the_filter_as_a_regular_expression(make_app: Make, some: Path) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "hot-1", "Chinese trial")
        await pilot.press("slash", "ctrl+r", *"ho[t]-1", "enter")
        await sees(pilot, "1 of 1 that fit")
        await pilot.press("slash", *"(")
        await sees(pilot, "no regular expression")


async def test_sorting_by_key_and_by_a_click_on_a_head(make_app: Make, some: Path) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "hot-1", "Chinese trial")
        runs = app.screen.query_one(RunList)
        await pilot.press("s")
        assert (runs.table.sort, runs.names[0]) == ("name", "alpaca-1")
        await pilot.press("R")
        assert runs.names[-1] == "alpaca-1"
        start, _, _ = next(part for part in runs._layout(runs.inner[0] - 1).starts() if part[2] == "steps")
        await pilot.click(RunList, offset=(2 + start + 1, 1))
        assert (runs.table.sort, runs.names[0]) == ("steps", "alpaca-1")
        await sees(pilot, "▼steps")
        await pilot.click(RunList, offset=(2 + start + 1, 1))
        assert runs.names[-1] == "alpaca-1"


async def test_the_cursor_stays_on_its_run_and_its_line(make_app: Make, runs: Path) -> None:
    for i in range(40):
        fakes.whole_run(runs, f"run-{i:02}", 6, fakes.NOON + i * 100)
    clock = fakes.Clock(time.time() - 100)
    run, journal = fakes.begin(runs, "live-1", clock)
    fakes.train(journal, clock, 1, 5)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "live-1", "run-39")
            await pilot.press(*["j"] * 20)
            table = app.screen.query_one(RunList)
            before, line = table.selected, table.cursor - table.top
            fakes.whole_run(runs, "newer-1", 6, fakes.NOON + 9000)
            fakes.train(journal, clock, 6, 9)
            await until(pilot, lambda: "newer-1" in table.names)
            assert (table.selected, table.cursor - table.top) == (before, line)


async def test_marks(make_app: Make, some: Path) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "hot-1", "Chinese trial")
        table = app.screen.query_one(RunList)
        await pilot.press("space", "space")
        await sees(pilot, "2 marked")
        assert [run.dir.name for run in table.targets] == ["hot-1", "alpaca-1"]
        await pilot.press("slash", *"name:zh", "enter")
        await sees(pilot, "2 of them not shown")
        await pilot.press("escape", "asterisk")
        await sees(pilot, "4 marked")
        await pilot.press("escape")
        assert table.marks == set()
        await pilot.click(RunList, offset=(2, 3))
        assert table.marks == {"alpaca-1"}


async def test_the_preview_names_what_differs_from_the_run_before(make_app: Make, runs: Path) -> None:
    for name, rank, t in (("a-1", 8, 0), ("a-2", 16, 5000)):
        run = fakes.whole_run(runs, name, 12, fakes.NOON + t)
        run.config.write_text(f"name = 'a'\n[lora]\nrank = {rank}\n")
    async with make_app().run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "differs from a-1", "lora.rank 8 → 16")


async def test_after_an_error_that_repeats_the_run_file_is_named(make_app: Make, runs: Path) -> None:
    run = fakes.failed_run(runs, "hot-1")
    async with make_app().run_test(size=(160, 40), notifications=True) as pilot:
        await sees(pilot, "would most likely")
        text = "".join(line[100:].strip(" │") for line in shown(pilot.app).splitlines())
        assert str(run.config) in text.replace(" ", "")
        assert "Cclonesit" in text.replace(" ", "")


async def test_two_hundred_runs_are_filtered_at_once(make_app: Make, runs: Path) -> None:
    for i in range(200):
        clock = fakes.Clock(fakes.NOON + i)
        _, journal = fakes.begin(runs, f"run-{i:03}", clock)
        journal.close()
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        table = app.screen.query_one(RunList)
        await until(pilot, lambda: len(app.link.runs) == 200 and len(table.names) == 200)
        began = time.perf_counter()
        table.use_filter(read("run-1 -state:done"))
        table.refresh_runs()
        assert len(table.names) == 100
        assert time.perf_counter() - began < 0.25


async def test_nothing_is_painted_while_nothing_happens(
    make_app: Make, some: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "hot-1", "Chinese trial")
        await pilot.pause(0.3)
        sent: list[object] = []
        monkeypatch.setattr(type(app.screen), "refresh", lambda *args, **kwargs: sent.append(args))
        monkeypatch.setattr(RunList, "refresh", lambda self, *args, **kwargs: sent.append(args))
        await pilot.pause(2.2)
        assert sent == []


@pytest.mark.parametrize("width", [71, 75, 96, 130])
def test_tags_have_a_column_and_archived_runs_say_so(runs: Path, width: int) -> None:
    write_card(fakes.whole_run(runs, "a-run-of-mine-1", 12), Card(tags=("fast",), archived=True))
    table = table_of(runs)
    shape = run_cells.layout(width, 15, True)
    assert "tags" in [column.key for column in shape.columns]
    text = "".join(part for part, _ in run_cells.line(table.rows["a-run-of-mine-1"], shape, table, UNICODE, False))
    assert "fast" in text
    assert "archived" in text


def test_only_checkpoints_that_are_there_are_told(runs: Path) -> None:
    made = fakes.whole_run(runs, "a-1", 60)
    run = Run(made).load()
    assert kept_steps(run) == []
    for step in (50, 60):
        made.checkpoints.joinpath(f"checkpoints/{step}").mkdir(parents=True)
    assert kept_steps(run) == [50, 60]
    assert any("50 · 60" in "".join(part for part, _ in row) for row in figures(run, 60, UNICODE))
