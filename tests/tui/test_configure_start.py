"""Starting from the Configure screen, copying commands, cloning runs. Nothing is started: the door to the verbs is replaced."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, until
from tests.tui.formscreens import TEXT, Make, at, filling, form_of, run_file, screen_of, typed
from tui.link.verbs import Queued, Started
from tui.screens.configure import Configure
from tui.widgets.form_text import FormText

__all__ = ["run_file"]


# Starting


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was started or queued, instead of starting it."""
    calls: list[tuple[Any, ...]] = []

    async def start(path: Path, runs: Path, overrides: Any = (), device: str = "") -> Started:
        calls.append(("now", path.name, tuple(overrides), device))
        return Started("boats-1")

    async def queue(path: Path, runs: Path, overrides: Any = (), device: str = "") -> Queued:
        calls.append(("queue", path.name, tuple(overrides), device))
        return Queued("boats-1", place=2)

    monkeypatch.setattr("tui.configure_acts.start_run", start)
    monkeypatch.setattr("tui.configure_acts.queue_run", queue)
    return calls


async def test_start_now(make_app: Make, run_file: Path, door: list[Any], runs: Path) -> None:
    from tui.screens.monitor import Monitor

    fakes.whole_run(runs, "boats-1", 12)
    app = make_app()
    async with filling(app, run_file) as pilot:
        await until(pilot, lambda: "boats-1" in app.link.runs)
        await pilot.press("s")
        await sees(pilot, "start boats", "start now", "into the queue", "copy the command", "boats.jsonl", "2 epochs")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor))
        assert door == [("now", "boats.toml", (), "")]


async def test_unwritten_changes_are_asked_about(make_app: Make, run_file: Path, door: list[Any]) -> None:
    app = make_app()
    async with filling(app, run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "32", "enter")
        await pilot.press("s")
        await sees(pilot, "write them into the file first")
        await pilot.press("j", "j", "j", "right")
        await sees(pilot, "run with them, unwritten")
        await pilot.press("k", "k", "enter")
        await until(pilot, lambda: bool(door))
        assert door == [("queue", "boats.toml", ("lora.rank=32",), "")]
        await sees(pilot, "It waits in place 2.")
        assert run_file.read_text() == TEXT
        await pilot.press("Q")
        await sees(pilot, "write them into the file first")
        await sees(pilot, "lora.rank 16 -> 32")
        await pilot.press("Q")  # what is written was shown: nobody is asked again
        await until(pilot, lambda: len(door) == 2)
        assert door[1] == ("queue", "boats.toml", (), "")
        assert "rank = 32" in run_file.read_text()


async def test_queue_at_once_where_nothing_is_to_be_asked(make_app: Make, run_file: Path, door: list[Any]) -> None:
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("Q")
        await until(pilot, lambda: bool(door))
        assert door == [("queue", "boats.toml", (), "")]


async def test_mistakes_refuse_a_start(make_app: Make, run_file: Path, door: list[Any]) -> None:
    async with filling(make_app(), run_file) as pilot:
        await at(pilot, "lora.rank")
        await typed(pilot, "0", "enter")
        await pilot.press("s")
        await sees(pilot, "boats cannot be started", "it must be at least 1")
        await pilot.press("s", "enter")
        await pilot.pause(0.1)
        assert door == []
        assert isinstance(pilot.app.screen, Configure)


async def test_copying(make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with filling(app, run_file) as pilot:
        await at(pilot, "lora.target_modules")
        await typed(pilot, "q_proj, it's", "enter")
        await typed(pilot, "q_proj, v_proj", "enter")
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))
        assert copied == ["""--set 'lora.target_modules=["q_proj", "v_proj"]'"""]
        await pilot.press("Y")
        await until(pilot, lambda: len(copied) == 2)
        assert copied[1].startswith(f"luthier train {run_file} --set ")
        assert copied[1].endswith("--detach")
        await pilot.press("s")
        await sees(pilot, "copy the command")
        await pilot.press("y")
        await until(pilot, lambda: len(copied) == 3)
        assert "--set" not in copied[2]


async def test_a_draft_without_a_file_is_written_under_the_name_that_was_shown(
    make_app: Make, run_file: Path, door: list[Any]
) -> None:
    from tui.screens.monitor import Monitor
    from tui.tokens.model import Origin

    tables = {"model": {"path": "model"}, "data": [{"path": "boats.jsonl"}]}
    app = make_app()
    async with filling(app, run_file) as pilot:
        for name, asked in (("fresh", False), ("boats", True)):  # boats.toml is there: it is not written over unasked
            app.open_configure(Origin(table=tuple(tables.items()), name=name), made=True)
            await pilot.press("s")
            await sees(pilot, f"{name}.toml, a new file", "start now")
            await pilot.press("enter")
            if asked:
                await sees(pilot, "write the changes")
                await pilot.press("escape")
            else:
                await until(pilot, lambda: bool(door))
                await until(pilot, lambda: isinstance(app.screen, Monitor))
        assert [call[1] for call in door] == ["fresh.toml"]
        assert run_file.read_text() == TEXT


async def test_a_second_run_is_asked_about(
    make_app: Make, run_file: Path, door: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.configure_run.busy_with", lambda runs: "cpu is busy with train-1")
    async with filling(make_app(), run_file) as pilot:
        await pilot.press("s")
        await sees(pilot, "cpu is busy with train-1", "In the queue")
        await pilot.press("enter")
        await until(pilot, lambda: bool(door))
        assert door[0][0] == "queue"


@pytest.mark.parametrize(("key", "done"), [("enter", "queued"), ("n", "started"), ("escape", "")])
async def test_a_run_file_is_not_started_beside_a_run_unasked(
    make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch, key: str, done: str
) -> None:
    from tui.screens.dialogs.new_run import NewRun

    calls: list[str] = []

    async def start(path: Path, runs: Path) -> Started:
        calls.append("started")
        return Started("boats-1")

    async def queue(path: Path, runs: Path) -> Queued:
        calls.append("queued")
        return Queued("boats-1", place=1)

    monkeypatch.setattr("tui.screens.dialogs.new_run.start_run", start)
    monkeypatch.setattr("tui.screens.dialogs.new_run.queue_run", queue)
    monkeypatch.setattr("tui.screens.dialogs.new_run.busy_with", lambda runs: "cpu is busy with train-1")
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        app.new_run(str(run_file))
        await sees(pilot, "cpu is busy with train-1", "into the queue")
        await pilot.press(key)
        if done:
            await until(pilot, lambda: not isinstance(app.screen, NewRun) and bool(calls))
        else:
            await until(pilot, lambda: isinstance(app.screen, NewRun))
        assert calls == ([done] if done else [])


def test_a_living_run_makes_its_device_busy(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.runs.devices import write_launched
    from tui import occupied

    monkeypatch.setattr(occupied, "usual_device", lambda: "cpu")
    run = fakes.whole_run(runs, "boats-1", 3)
    assert occupied.busy_with(runs) == ""
    monkeypatch.setattr("engine.runs.queue.is_held", lambda path: path == run.lock)
    assert occupied.busy_with(runs) == "A device is busy with boats-1"  # nobody noted which one it has
    write_launched(run, "cpu")
    assert occupied.busy_with(runs) == "cpu is busy with boats-1"
    assert occupied.busy_with(runs, "1") == ""


# From a run


async def test_a_run_is_cloned_under_the_next_name(make_app: Make, run_file: Path, runs: Path) -> None:
    from engine.config.load import dump, load

    run = fakes.whole_run(runs, "boats-1", 12)
    run.config.write_text(dump(load(run_file)))
    app = make_app()
    async with filling(app, None) as pilot:
        await until(pilot, lambda: "boats-1" in app.link.runs)
        app.clone_run("boats-1")
        await sees(pilot, "boats-2", "in no file yet")
        assert [line.text for line in screen_of(pilot).query_one(FormText).lines if "rank" in line.text] == []
        assert form_of(pilot).value("train.batch_size") == 4
        assert os.listdir(run_file.parent).count("boats-2.toml") == 0
        assert form_of(pilot).value("name") == "boats"  # the run gets its own number
        await pilot.press("ctrl+q")
        await sees(pilot, "boats-2: it is in no file")
        await pilot.press("escape")


async def test_the_verbs_are_given_changes_and_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tui.link import verbs

    said: list[tuple[str, ...]] = []

    async def answer(*arguments: str) -> bytes:
        said.append(arguments)
        return b'{"run": "boats-1", "path": "/runs/boats-1", "place": 3}'

    monkeypatch.setattr(verbs, "_said", answer)
    started = await verbs.start_run(tmp_path / "a.toml", tmp_path, ["lora.rank=8", "name='x'"], "1")
    queued = await verbs.queue_run(tmp_path / "a.toml", tmp_path)
    assert (started.run, queued.place) == ("boats-1", 3)
    assert said[0][:2] == ("train", str(tmp_path / "a.toml"))
    assert said[0][-6:] == ("--set", "lora.rank=8", "--set", "name='x'", "--device", "1")
    assert said[1][:3] == ("queue", "add", str(tmp_path / "a.toml"))
    assert "--set" not in said[1]


async def test_who_leaves_the_screen_ends_no_start(
    make_app: Make, run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verb takes seconds; leaving meanwhile is no wish to end it, and nobody is taken away from where one went."""
    from tui.screens.home import Home

    go_on, done = asyncio.Event(), []

    async def start(path: Path, runs: Path, overrides: Any = (), device: str = "") -> Started:
        await go_on.wait()
        done.append(path.name)
        return Started("boats-1")

    monkeypatch.setattr("tui.configure_acts.start_run", start)
    app = make_app()
    async with filling(app, run_file) as pilot:
        await pilot.press("s")
        await sees(pilot, "start boats")
        await pilot.press("s")
        await sees(pilot, "are checked first")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Home))
        go_on.set()
        await until(pilot, lambda: bool(done))
        await sees(pilot, "It runs; Monitor shows it.")
        assert isinstance(app.screen, Home)
