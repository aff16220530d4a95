"""Home: the runs, the filter, the acts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from engine.runs.commands import CommandReader
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui import settings
from tui.app import LuthierApp
from tui.link import VerbError
from tui.link.verbs import Started
from tui.screens.dialogs import new_run
from tui.screens.home import Home
from tui.screens.monitor import Monitor

Make = Callable[..., LuthierApp]


async def test_the_empty_home_says_what_to_do(make_app: Make) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "d  demo", "n  new run", "luthier spec", "Runs are kept in")


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_runs_are_listed_with_their_state(make_app: Make, runs: Path, size: tuple[int, int]) -> None:
    now = time.time()
    fakes.whole_run(runs, "gsm8k-r8-1", 60, now - 7200)
    fakes.failed_run(runs, "hot-lr-1", now - 9000)
    clock = fakes.Clock(now - 200)
    run, journal = fakes.begin(runs, "gsm8k-r16-1", clock)
    fakes.train(journal, clock, 1, 150)
    with fakes.held(run):
        async with make_app().run_test(size=size) as pilot:
            await sees(pilot, "gsm8k-r8-1", "hot-lr-1", "gsm8k-r16-1", "running", "25%", "done", "failed", "42/600")
            rows = [line for line in shown(pilot.app).splitlines() if "-1  " in line]
            assert "gsm8k-r16-1" in rows[0], "the living come first"
            await pilot.press("j", "j")
            await sees(pilot, "The loss of step 42", "would")


async def test_many_runs_and_only_those_in_view_are_painted(make_app: Make, runs: Path) -> None:
    for i in range(40):
        fakes.whole_run(runs, f"run-{i}", 12, fakes.NOON + i * 100)
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "run-39")
        await until(pilot, lambda: len(pilot.app.link.runs) == 40)  # type: ignore[attr-defined]
        await pilot.pause(0.1)
        assert "run-3 " not in shown(pilot.app)
        await pilot.press("G")
        await sees(pilot, "run-0 ")
        await pilot.press("g", "g")
        await sees(pilot, "run-39")
        await pilot.press("ctrl+d", "k")
        home = pilot.app.screen
        assert isinstance(home, Home)
        assert home.runs.selected == f"run-{39 - home.runs.cursor}"


async def test_the_filter(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "apple-1", 12)
    fakes.crashed_run(runs, "pear-1", 12)
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "apple-1", "pear-1")
        await pilot.press("slash", *"crash", "enter")
        await sees(pilot, "1 of 1 that fit, 2 in all", "pear-1")
        assert "apple-1" not in shown(pilot.app)
        await pilot.press("escape")
        await sees(pilot, "apple-1")
        await pilot.press("slash", *"zzz")
        await sees(pilot, "No run fits the filter")


async def test_what_is_typed_right_behind_the_key_of_the_filter_is_for_it(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "apple-1", 12)
    fakes.crashed_run(runs, "pear-1", 12)
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "apple-1", "pear-1")
        for key in ("slash", *"app", "enter"):  # all at once, as a terminal sends what is typed fast
            app.post_message(events.Key(key, "/" if key == "slash" else key if len(key) == 1 else "\r"))
        await sees(pilot, "1 of 1 that fit, 2 in all")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Home), "enter closes the filter; it opens no run"
        assert app.screen.runs.has_focus


async def test_open_and_back(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 24)
    async with make_app().run_test(size=(80, 24)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, Monitor)
        await pilot.press("q")
        assert isinstance(pilot.app.screen, Home)
        await pilot.press("5")
        assert isinstance(pilot.app.screen, Monitor)
        await pilot.press("escape", "9")
        await sees(pilot, "The demo makes a small")
        await pilot.press("1")
        assert isinstance(pilot.app.screen, Home)


async def test_stop_asks_once(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 12)
    asked = CommandReader(run.commands)
    with fakes.held(run):
        async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
            await sees(pilot, "running")
            await pilot.press("S")
            await sees(pilot, "save a checkpoint, then stop")
            await pilot.press("escape")
            assert asked.poll() == []
            await pilot.press("S")
            await sees(pilot, "save a checkpoint, then stop")
            await pilot.press("enter")
            await until(pilot, lambda: [c.command for c in asked.poll()] == ["stop"])
            await sees(pilot, "It saves a checkpoint and ends.")


async def test_quitting_names_the_runs_that_go_on(make_app: Make, runs: Path) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 12)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(80, 24)) as pilot:
            await sees(pilot, "running")
            await pilot.press("q")
    assert app.return_value == ["a-1"]


async def test_a_new_run_is_started_and_watched(
    make_app: Make, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    run_file = tmp_path / "files" / "gsm8k.toml"
    run_file.write_text("name = 'a'\n")
    monkeypatch.chdir(tmp_path)

    async def start(path: Path, runs_dir: Path) -> Started:
        if path.name != "gsm8k.toml":
            raise VerbError("unknown key `lora.rnak` [/x] did you mean `lora.rank`?")
        clock = fakes.Clock()
        fakes.begin(runs_dir, "a-1", clock)
        return Started(run="a-1")

    monkeypatch.setattr(new_run, "start_run", start)
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("n", *"nowhere.toml", "enter")
        await sees(pilot, "is not there")
        (tmp_path / "bad.toml").write_text("")
        for _ in range(20):
            await pilot.press("backspace")
        await pilot.press(*"bad.toml", "enter")
        await sees(pilot, "unknown key `lora.rnak` [/x] did you mean")
        for _ in range(10):
            await pilot.press("backspace")
        await pilot.press(*"fi", "tab", *"gs", "tab")
        await sees(pilot, "files/gsm8k.toml")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Monitor))
        await sees(pilot, "a-1", "getting ready")


def test_paths_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("alpha-1.toml", "alpha-2.toml", "notes.txt", ".hidden.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "beta").mkdir()
    monkeypatch.chdir(tmp_path)
    assert new_run.complete("") == ("", ["alpha-1.toml", "alpha-2.toml", "beta/"])
    assert new_run.complete("al") == ("alpha-", ["alpha-1.toml", "alpha-2.toml"])
    assert new_run.complete("b") == ("beta/", ["beta/"])
    assert new_run.complete(f"{tmp_path}/alpha-2")[0] == f"{tmp_path}/alpha-2.toml"
    assert new_run.complete("zzz") == ("zzz", [])
    assert new_run.complete("no/such/") == ("no/such/", [])


async def test_the_palette_runs_commands_and_shows_themes(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 24)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "a-1")
        await pilot.press("colon", *"open", "enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor))
        await pilot.press("T", "down", "down")
        assert app.theme == "ebony", "it is shown while one moves"
        await pilot.press("escape")
        assert app.theme == "varnish", "and given back"
        await pilot.press("T", *"spru", "enter")
        await until(pilot, lambda: settings.load()[0].theme == "spruce")
        assert app.theme == "spruce"
    again = make_app()
    async with again.run_test(size=(80, 24)):
        assert again.theme == "spruce"


async def test_problems_with_files_of_the_user_are_said(make_app: Make) -> None:
    path = settings.settings_path()
    (path.parent / "themes").mkdir(parents=True)
    (path.parent / "themes" / "bad.toml").write_text("[[")
    path.write_text("colour = 'x'")
    async with make_app(theme="no-such").run_test(size=(100, 30), notifications=True) as pilot:
        wanted = ("bad.toml", "unknown key 'colour'", "There is no theme 'no-such'")

        def said() -> str:  # on the screen a long path may break anywhere
            return " ".join(toast.message for toast in pilot.app._notifications)

        await until(pilot, lambda: all(text in said() for text in wanted))
        await sees(pilot, "There is no theme 'no-such'")


async def test_small_terminals_get_a_message(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 24)
    async with make_app().run_test(size=(59, 20)) as pilot:
        await sees(pilot, "Luthier needs 60 x 15 cells")
        await pilot.resize_terminal(60, 15)
        await sees(pilot, "a-1")
        for size in ((1, 1), (200, 50), (20, 5), (61, 16), (300, 90)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await pilot.press("enter")
        for size in ((60, 15), (80, 24), (250, 70)):
            await pilot.resize_terminal(*size)
            await sees(pilot, "a-1", "learning rate" if size[0] > 80 else "rate")


async def test_a_bug_of_ours_leaves_a_trace_and_few_words(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("[/] \x1b[2J broken")

    monkeypatch.setattr(Home, "action_new_run", fail)
    app = make_app()

    async def press() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("n")
            await pilot.pause()

    with pytest.raises(RuntimeError, match="broken"):
        await press()
    trace = tmp_path / "state" / "luthier" / "crash.log"
    assert "RuntimeError" in trace.read_text()
    assert app.return_code == 1
