"""What can be done with runs on Home: each key, and what lies on the disk afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs import events as e
from engine.runs.card import Card, read_card, write_card
from engine.runs.commands import CommandReader
from engine.runs.lock import RunLock, is_held
from engine.runs.paths import RunDir
from engine.runs.queue import keeper_lock, queue_of
from engine.runs.ticket import Ticket, write_ticket
from tests.tui import fakes, hostile
from tests.tui.conftest import sees, shown, until
from tui import acts
from tui.app import LuthierApp
from tui.link.verbs import Started
from tui.screens import home_keys
from tui.screens.compare import Compare
from tui.screens.home import Home
from tui.widgets.queue_line import QueueLine
from tui.widgets.run_list import RunList

Make = Callable[..., LuthierApp]


@pytest.fixture
def three(runs: Path) -> list[RunDir]:
    """Three runs that ended, the newest first: c-1, b-1, a-1."""
    made = [fakes.whole_run(runs, f"{name}-1", 12, fakes.NOON + i * 500) for i, name in enumerate("abc")]
    return made[::-1]


@contextmanager
def waiting(runs: Path, *names: str) -> Iterator[list[RunDir]]:
    """Runs in the queue; nobody starts them, since the test holds the keeper's lock."""
    made = []
    for place, name in enumerate(names, 1):
        directory = RunDir(runs / name)
        directory.path.mkdir()
        directory.config.write_text(f"name = '{name}'\n")
        write_ticket(directory, Ticket(run=name, device="cpu", t=1.0, place=place))
        made.append(directory)
    lock = RunLock(keeper_lock(runs))
    try:
        yield made
    finally:
        lock.release()


async def test_name_tags_and_note(make_app: Make, three: list[RunDir]) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("i")
        await sees(pilot, "what the lists call it")
        await pilot.press(*"Best 1", "tab", *"a b a", "tab", *"r 16", "enter", *"ok", "ctrl+s")
        await until(pilot, lambda: read_card(three[0]).title)
        assert read_card(three[0]) == Card(title="Best 1", tags=("a", "b"), note="r 16\nok")
        await sees(pilot, "Best 1")
        await pilot.press("i")
        await sees(pilot, "what the lists call it")
        await pilot.press("tab", "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))
        assert read_card(three[0]).title == "Best 1", "nothing was changed, nothing is written"


async def test_a_card_that_was_changed_is_not_lost_by_esc(make_app: Make, three: list[RunDir]) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("i")
        await sees(pilot, "what the lists call it")
        await pilot.press("x", "escape")
        await sees(pilot, "What you changed is not kept")
        await pilot.press("escape")
        await sees(pilot, "what the lists call it")
        await pilot.press("escape")
        await sees(pilot, "What you changed is not kept")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))
        assert read_card(three[0]) == Card()


async def test_tags_of_several_runs(make_app: Make, three: list[RunDir]) -> None:
    write_card(three[0], Card(tags=("old", "keep")))
    write_card(three[1], Card(tags=("keep",)))
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await until(pilot, lambda: pilot.app.shelf.tags())  # type: ignore[attr-defined]
        await pilot.press("space", "space", "number_sign")
        await sees(pilot, "tags of 2 runs", "[x] keep", "[-] old")
        await pilot.press(*"keep", "space", *"new", "enter")
        await until(pilot, lambda: "new" in read_card(three[1]).tags)
        assert read_card(three[0]).tags == ("old", "new"), "what only some have stays with those that have it"
        assert read_card(three[1]).tags == ("new",)
        assert read_card(three[2]).tags == ()
        await pilot.press("slash", *"tag:new", "enter")
        await sees(pilot, "1 of 2 that fit")


async def test_archive_and_back(make_app: Make, three: list[RunDir]) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("space", "space", "A")
        await sees(pilot, "2 archived")
        assert [read_card(run).archived for run in three] == [True, True, False]
        table = pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: table.names == ["a-1"])
        await pilot.press("H")
        assert len(table.names) == 3
        await pilot.press("g", "g", "A")
        await until(pilot, lambda: not read_card(three[0]).archived)


async def test_delete_asks_and_can_be_taken_back(make_app: Make, runs: Path, three: list[RunDir]) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("space", "space", "D")
        await sees(pilot, "2 runs (c-1, b-1)", "move to the trash")
        await pilot.press("escape")
        assert three[0].path.is_dir()
        await pilot.press("D")
        await sees(pilot, "move to the trash")
        await pilot.press("enter")
        await until(pilot, lambda: not three[1].path.exists())
        assert (runs / ".trash" / "c-1" / "events.jsonl").is_file()
        table = pilot.app.screen.query_one(RunList)
        await until(pilot, lambda: table.names == ["a-1"])
        await pilot.press("u")
        await until(pilot, lambda: three[0].path.is_dir() and three[1].path.is_dir())
        await until(pilot, lambda: len(table.names) == 3)
        await pilot.press("u")
        await sees(pilot, "Nothing was deleted here")


async def test_a_living_run_is_not_deleted(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 3)
    with fakes.held(run):
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "running")
            await pilot.press("D")
            await sees(pilot, "a-1 is running, and not deleted")
            assert run.path.is_dir()


async def test_stop_twice_asks_to_kill(make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 3)
    asked = CommandReader(run.commands)
    killed: list[Path] = []
    monkeypatch.setattr("engine.runs.ending.kill", lambda path: killed.append(path) or True)
    with fakes.held(run):
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "running")
            await pilot.press("S")
            await sees(pilot, "save a checkpoint, then stop")
            await pilot.press("enter")
            await until(pilot, lambda: [c.command for c in asked.poll()] == ["stop"])
            await pilot.press("S")
            await sees(pilot, "kill now", "It was asked to stop")
            await pilot.press("escape")
            assert killed == []
            await pilot.press("X")
            await sees(pilot, "kill now")
            await pilot.press("enter")
            await until(pilot, lambda: killed == [run.path])


async def test_kill_ends_a_real_worker(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 3)
    # By its command line it is a worker: the module's name and the run's directory stand in it.
    code = (
        "import time; from pathlib import Path; from engine.runs.lock import RunLock; "
        f"lock = RunLock(Path({str(run.lock)!r})); print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "engine.train.worker", str(run.path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "running")
            await pilot.press("X")
            await sees(pilot, "kill now", "No checkpoint is there yet")
            await pilot.press("enter")
            await until(pilot, lambda: not is_held(run.lock))
            await sees(pilot, "crashed")
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


async def test_several_runs_are_resumed_after_a_question(
    make_app: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.crashed_run(runs, "a-1", 3)
    fakes.crashed_run(runs, "b-1", 3, fakes.NOON + 500)
    fakes.whole_run(runs, "c-1", 6, fakes.NOON - 500)
    resumed: list[str] = []

    async def resume(name: str, runs_dir: Path) -> Started:
        resumed.append(name)
        return Started(run=name)

    monkeypatch.setattr(acts, "resume_run", resume)
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "a-1", "c-1")
        await pilot.press("asterisk", "r")
        await sees(pilot, "2 runs (b-1, a-1)", "resume all of them")
        await pilot.press("enter")
        await until(pilot, lambda: resumed == ["b-1", "a-1"])


async def test_the_queue_is_shown_reordered_and_cancelled(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "old-1", 6)
    with waiting(runs, "one-1", "two-1", "three-1"):
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "3 queued · next one-1 · 3 for cpu", "after two-1", "queued")
            await sees(pilot, "It waits in the queue.")
            table = pilot.app.screen.query_one(RunList)
            await until(pilot, lambda: table.names[:3] == ["one-1", "two-1", "three-1"])
            await pilot.press("right_curly_bracket")
            await until(pilot, lambda: [t.run for t in queue_of(runs)] == ["two-1", "one-1", "three-1"])
            await until(pilot, lambda: table.names[:3] == ["two-1", "one-1", "three-1"])
            assert table.selected == "one-1"
            await pilot.press("left_curly_bracket")
            await until(pilot, lambda: [t.run for t in queue_of(runs)] == ["one-1", "two-1", "three-1"])
            await pilot.press("x")
            await sees(pilot, "will not be started")
            await pilot.press("enter")
            await until(pilot, lambda: [t.run for t in queue_of(runs)] == ["two-1", "three-1"])
            assert (runs / ".trash" / "one-1" / "run.toml").is_file()
            await pilot.press("u")
            await until(pilot, lambda: len(queue_of(runs)) == 3)


async def test_copying_paths_and_commands(make_app: Make, three: list[RunDir], monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    async def copy(app: object, text: str) -> str:
        copied.append(text)
        return "kept"

    monkeypatch.setattr("tui.screens.home.copy", copy)
    monkeypatch.setattr(home_keys, "copy", copy)
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("y")
        await pilot.press("space", "space", "y", "Y")
        await until(pilot, lambda: len(copied) == 3)
    first, second = str(three[0].path), str(three[1].path)
    assert copied == [first, f"{first}\n{second}", "luthier status c-1\nluthier status b-1"]


async def test_marked_runs_are_compared(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("space", "j", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, Compare))
        assert app.compared.names == ["c-1", "a-1"]


async def test_one_run_is_compared_with_the_one_before(make_app: Make, three: list[RunDir]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Compare))
        assert app.compared.names == ["b-1", "c-1"]


async def test_clone_gives_the_run_to_configure(
    make_app: Make, three: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned: list[str] = []
    monkeypatch.setattr(LuthierApp, "clone_run", lambda self, name: cloned.append(name))
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("j", "C")
        await until(pilot, lambda: cloned == ["b-1"])


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_hostile_names_tags_and_notes(make_app: Make, runs: Path, tmp_path: Path, ascii_only: bool) -> None:
    run = hostile.fill(runs, tmp_path / "starter")
    write_card(run, Card(title=hostile.TEXT, note=hostile.TEXT, tags=(hostile.TEXT, "x" * 300)))
    fakes.whole_run(runs, "a-1", 12)
    async with make_app(ascii_only=ascii_only).run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, hostile.LITERAL, "a-1")
        for keys in (("number_sign", "escape"), ("i", "escape"), ("D", "escape"), ("slash", *"[/]", "enter")):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            text = shown(pilot.app)  # type: ignore[arg-type]
            assert "\x1b" not in text
            assert "\u202e" not in text
            if ascii_only:
                assert text.isascii()


async def test_dialogs_by_mouse(make_app: Make, three: list[RunDir]) -> None:
    write_card(three[0], Card(tags=("old",)))
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1", "old")
        await pilot.press("i")
        await sees(pilot, "what the lists call it")
        await pilot.press(*"New")
        await pilot.click("#card-save", offset=(4, 0))
        await until(pilot, lambda: read_card(three[0]) == Card(title="New", tags=("old",)))
        await sees(pilot, "New")
        await pilot.press("number_sign")
        await sees(pilot, "[x] old")
        await pilot.click("#known-tags", offset=(3, 0))
        await sees(pilot, "[ ] old")
        await pilot.press("enter")
        await until(pilot, lambda: read_card(three[0]).tags == ())


async def test_a_card_that_cannot_be_written_is_told(
    make_app: Make, three: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: RunDir, card: Card) -> None:
        raise RunError(f"{run.name}: its card cannot be written: disk full.")

    monkeypatch.setattr("tui.shelf_acts.write_card", refuse)
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "c-1", "a-1")
        await pilot.press("A")
        await sees(pilot, "disk full")
        assert pilot.app.screen.query_one(RunList).table.archived == 0


async def test_a_paused_run_says_so(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time() - 10)
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 3)
    journal.append(e.Phase(name="paused"))
    with fakes.held(run):
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "paused", "It pauses: Monitor")
            await pilot.press("slash", *"state:paused", "enter")
            await sees(pilot, "1 of 1 that fit")


async def test_the_queue_line_leaves_whole_parts_out(make_app: Make, runs: Path) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True):
        line = app.screen.query_one(QueueLine)
        line.tickets = [Ticket(run="a-run-with-a-long-name-1", device="", t=1.0, place=1)]
        told = {width: "".join(text for text, _ in line.paint(width, 1)[0]).strip() for width in range(20, 120)}
        whole = (
            "◷ 1 queued · next a-run-with-a-long-name-1 · 1 for the first device that is free · { } order · x take out"
        )
        assert told[119] == whole
        for width, text in told.items():
            assert len(text) <= width
            assert text.rsplit(" · ", 1)[-1].lstrip("◷ ") in (
                "1 queued",
                "next a-run-with-a-long-name-1",
                "x take out",
            ), text
