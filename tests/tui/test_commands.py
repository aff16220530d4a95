"""The one registry: what can be typed behind the colon, what the palette shows, how a line is completed and remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui import history, settings
from tui.app import LuthierApp
from tui.commands import VERBS, Command, commands_for, parse, ranked
from tui.completing import World, common, completion
from tui.keys import keys_of
from tui.screens.compare import Compare
from tui.screens.dialogs.command_line import CommandLine
from tui.screens.dialogs.new_run import NewRun
from tui.screens.help import Help
from tui.screens.home import Home
from tui.screens.monitor import Monitor
from tui.screens.tokens import Tokens

Make = Callable[..., LuthierApp]
HOME = commands_for("home", {"nord": True, "varnish": True}, [key.id for key in keys_of("home", "app")])
WORLD = World(["boats-1", "boats-2", "cars"], ["nord", "varnish"], {"chart.axis": "step"})


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_there_on_every_screen(verb: Command) -> None:
    for where in ("home", "data", "tokens", "monitor", "compare", "log"):
        commands = commands_for(where, {}, [key.id for key in keys_of(where, "app")])  # type: ignore[arg-type]
        spoken = parse(verb.name, commands)
        assert spoken.command is not None
        assert verb.argument in ("", spoken.command.argument) or parse(f"{verb.name} x", commands).command is not None


@pytest.mark.parametrize(
    "key", [key for key in keys_of("home", "app") if key.command], ids=lambda key: f"{key.where}.{key.id}"
)
def test_every_action_has_a_name_that_can_be_typed(key: object) -> None:
    typed = {command.typed for command in HOME} | {alias for command in HOME for alias in command.aliases}
    assert any(command.action == key.id for command in HOME) or key.label in typed  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("theme nord", "theme", ("nord",)),
        (":theme nord", "theme", ("nord",)),
        ("colorscheme nord", "theme", ("nord",)),
        ("tra run.toml", "train", ("run.toml",)),
        ("data 'a b.jsonl'", "data", ("a b.jsonl",)),
        ("compare a b", "compare", ("a", "b")),
        ("monitor boats-1", "open", ("boats-1",)),
        ("open data", "open data", ()),
        ("q", "q", ()),
        ("q!", "quit", ()),
    ],
)
def test_lines_are_understood(line: str, name: str, arguments: tuple[str, ...]) -> None:
    spoken = parse(line, HOME)
    assert spoken.problem == ""
    assert spoken.command is not None
    assert (spoken.command.name, spoken.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("thme nord", "did you mean theme"),
        ("t", "could be"),
        ("quit now", "takes nothing"),
        ("data 'x", "never closed"),
    ],
)
def test_what_is_not_understood_is_said(line: str, says: str) -> None:
    spoken = parse(line, HOME)
    assert spoken.command is None
    assert says in spoken.problem


def test_the_palette_finds_words_first_and_then_letters() -> None:
    commands = [Command("new run", ""), Command("renew", "a run"), Command("near", "")]
    assert [c.name for c in ranked(commands, "run")] == ["new run", "renew"]
    assert [c.name for c in ranked(commands, "nwr")] == ["new run"]


def ways(line: str) -> list[str]:
    found = completion(line, HOME, WORLD)
    return [line[: found.start] + option.text for option in found.options]


def test_names_and_arguments_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ways("them") == ["theme"]
    assert ways("theme n") == ["theme nord"]
    assert ways("open boa") == ["open boats-1", "open boats-2"]
    assert ways("compare boats-1 ") == ["compare boats-1 boats-2", "compare boats-1 cars"]
    assert ways("set chart.a") == ["set chart.axis"]
    assert ways("set chart.axis t") == ["set chart.axis tokens", "set chart.axis time"]
    assert ways("nothing x") == []
    for name in ("run.toml", "rows.jsonl", "my run.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert ways("train r") == ["train run.toml"]
    assert ways("train m") == ["train 'my run.toml'"]
    assert parse("train 'my run.toml'", HOME).arguments == ("my run.toml",)
    assert ways("data fo") == ["data folder/"]
    assert common(completion("open b", HOME, WORLD).options) == "boats-"


def test_history_keeps_each_line_once_and_only_so_many() -> None:
    for number in range(history.MOST + 5):
        history.add(f"theme {number}")
    history.add("theme 100")
    lines = history.load()
    assert len(lines) == history.MOST
    assert lines[-1] == "theme 100"
    assert lines.count("theme 100") == 1
    history.history_path().write_bytes(b"\xff\x1b[2J\nok\n")
    assert history.load() == ["ok"]


async def type_line(pilot: object, line: str) -> None:
    app = pilot.app  # type: ignore[attr-defined]
    await pilot.press("colon")  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(app.screen, CommandLine), 6)  # type: ignore[arg-type]
    await pilot.press(*[{" ": "space"}.get(char, char) for char in line], "enter")  # type: ignore[attr-defined]


async def test_lines_do_what_the_screens_do(make_app: Make, runs: Path, tmp_path: Path) -> None:
    for name in ("a-1", "b-2"):
        fakes.whole_run(runs, name, 12)
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await sees(pilot, "a-1", "b-2")
        await type_line(pilot, "open a-1")
        await until(pilot, lambda: isinstance(app.screen, Monitor), 6)
        assert app.screen.run_name == "a-1"  # type: ignore[attr-defined]
        await type_line(pilot, "theme nord")
        await until(pilot, lambda: settings.load()[0].theme == "nord", 6)
        await type_line(pilot, "compare a-1 b-2")
        await until(pilot, lambda: isinstance(app.screen, Compare), 6)
        await type_line(pilot, "tokens a-1")
        await until(pilot, lambda: isinstance(app.screen, Tokens), 6)
        await type_line(pilot, "help checkpoint")
        await until(pilot, lambda: isinstance(app.screen, Help), 6)
        await sees(pilot, " of ")
        await type_line(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, Tokens), 6)
        await type_line(pilot, "runs")
        await until(pilot, lambda: isinstance(app.screen, Home), 6)
        file = tmp_path / "x.toml"
        file.write_text("")
        await type_line(pilot, f"train {file}")
        await until(pilot, lambda: isinstance(app.screen, NewRun), 6)
        assert app.screen.path == str(file)  # type: ignore[attr-defined]
    assert history.load()[0] == "open a-1"


async def test_settings_are_changed_and_remembered(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await type_line(pilot, "set quit.confirm yes")
        await until(pilot, lambda: settings.load()[0].confirm_quit, 6)
        await type_line(pilot, "set keys.preset vim")
        await until(pilot, lambda: app.user_keys.changed, 6)
        await pilot.press("q")
        await sees(pilot, "Runs go on without Luthier.")
        await pilot.press("escape")
        await type_line(pilot, "set chart.axis")
        await sees(pilot, "chart.axis = step")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("open nobody", "There is no run 'nobody'."),
        ("theme no", "There is no theme 'no'."),
        ("train none.toml", "There is no run file 'none.toml'."),
        ("tokens none", "neither a run nor a run file"),
        ("set chart.axis up", "one of step, tokens, time"),
        ("set nothing 1", "There is no setting 'nothing'"),
        ("frobnicate", "There is no command"),
        ("open a b", "takes one RUN"),
    ],
)
async def test_what_is_wrong_is_said_in_the_line_which_stays(make_app: Make, line: str, says: str) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await type_line(pilot, line)
        await sees(pilot, says, line)
        assert isinstance(app.screen, CommandLine)
        await pilot.press("backspace")
        assert says not in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home), 6)
    assert history.load() == []


async def test_tab_completes_and_arrows_remember(make_app: Make, runs: Path) -> None:
    history.add("theme spruce")
    fakes.whole_run(runs, "boats-1", 12)
    fakes.whole_run(runs, "boats-2", 12)
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await sees(pilot, "boats-2")
        await pilot.press("colon", "up")
        await until(pilot, lambda: isinstance(app.screen, CommandLine), 6)
        field = app.screen.query_one("#wanted")
        await until(pilot, lambda: field.value == "theme spruce", 6)  # type: ignore[attr-defined]
        await pilot.press("down")
        assert field.value == ""  # type: ignore[attr-defined]
        await pilot.press(*"op", "tab", "tab")
        assert field.value == "open"  # type: ignore[attr-defined]
        await pilot.press("space", "b", "tab")
        assert field.value == "open boats-"  # type: ignore[attr-defined]
        await pilot.press("tab")
        assert field.value in ("open boats-1", "open boats-2")  # type: ignore[attr-defined]
        first = field.value  # type: ignore[attr-defined]
        await pilot.press("tab")
        assert field.value != first  # type: ignore[attr-defined]
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor), 6)


async def test_a_verb_of_the_palette_that_needs_more_opens_the_line(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p", *"set", "enter")
        await until(pilot, lambda: isinstance(app.screen, CommandLine), 6)
        assert app.screen.query_one("#wanted").value == "set "  # type: ignore[attr-defined]


async def test_keys_that_are_typed_ahead_reach_the_line(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("colon", *"help", "enter")
        await until(pilot, lambda: isinstance(app.screen, Help), 6)
