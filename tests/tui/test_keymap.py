"""Keys as the user wants them: what cannot be is said, and everything shows the keys that hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tui import settings
from tui.app import LuthierApp
from tui.keys import KEYS, keys_of
from tui.keys.user import PRESETS, UNBOUND, UserKeys, id_of, named
from tui.screens.data import Data
from tui.screens.help import Help

Make = Callable[..., LuthierApp]


def test_ids_are_unique() -> None:
    ids = [id_of(key) for key in KEYS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_no_preset_has_a_conflict(preset: str) -> None:
    keys = UserKeys(preset)
    assert keys.problems == []
    assert set(keys.changed) == set(PRESETS[preset])
    assert set(PRESETS) == set(settings.KNOWN["keys.preset"].choices)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("P", "P"),
        ("?", "question_mark"),
        ("ctrl+r", "ctrl+r"),
        ("ctrl+R", "ctrl+r"),
        ("f5, p", "f5,p"),
        ("alt+x", "alt+x"),
        (",", "comma"),
        ("Enter", "enter"),
        ("#", "number_sign"),
        ("question_mark", "question_mark"),
        ("+", "plus"),
    ],
)
def test_keys_can_be_written_as_people_do(text: str, names: str) -> None:
    assert named(text) == (names, "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ctrl+h", "backspace"),
        ("ctrl+i", "tab"),
        ("ctrl+m", "enter"),
        ("ctrl+[", "escape"),
        ("ctrl+z", "suspends"),
        ("ctrl+shift+p", "most terminals"),
        ("ctrl+enter", "most terminals"),
        ("hyper+x", "no key"),
        ("wheel", "no key"),
        ("", "no key"),
    ],
)
def test_what_no_terminal_sends_is_refused(text: str, says: str) -> None:
    names, wrong = named(text)
    assert names == ""
    assert says in wrong


def test_a_wish_that_cannot_be_is_a_sentence_and_the_key_stays() -> None:
    wishes = {"home.stopp": "x", "data.copy": "j", "app.quit": "", "data.mark": "ctrl+h", "data.use": "U"}
    keys = UserKeys("default", wishes)
    assert keys.changed == {"data.use": "U"}
    assert len(keys.problems) == 4
    said = " ".join(keys.problems)
    assert "did you mean 'home.stop'" in said
    assert "data.copy = 'j' is list.list_down already" in said
    assert "app.quit cannot be without a key" in said
    assert "backspace" in said


def test_two_things_can_change_places() -> None:
    keys = UserKeys("default", {"data.mark": "x", "data.exclude": "space"})
    assert keys.problems == []
    assert keys.changed == {"data.mark": "x", "data.exclude": "space"}


def test_a_thing_can_be_without_a_key() -> None:
    keys = UserKeys("default", {"data.exclude": ""})
    assert keys.changed == {"data.exclude": UNBOUND}
    key = next(key for key in keys_of("data") if key.id == "exclude")
    assert keys.shown(key) == ""


def user_keys(text: str) -> None:
    path = settings.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def test_the_users_keys_work_and_are_shown(make_app: Make) -> None:
    user_keys('[keymap]\n"app.show_data" = "D2"\n"data.open_data" = "Q"\n"app.help" = "f2"\n')
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "'D2' is no key")
        await pilot.press("escape", "2")
        await until(pilot, lambda: isinstance(app.screen, Data))
        await sees(pilot, "Q open data")
        assert "? help" not in shown(app).splitlines()[-1]
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Data), "the old key is free"
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.press("slash", *"data.open_data")
        await sees(pilot, "1 of", " Q ")


async def test_the_vim_preset(make_app: Make) -> None:
    user_keys('[keys]\npreset = "vim"\n')
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        keys = app.screen.query_one("#keys")
        await pilot.press("ctrl+f")
        assert keys.top > 5  # type: ignore[attr-defined]
        await pilot.press("ctrl+b", "ctrl+e")
        assert keys.top == 1  # type: ignore[attr-defined]


async def test_what_has_no_key_is_not_in_the_footer(make_app: Make, runs: Path) -> None:
    fakes.whole_run(runs, "a-1", 3)
    user_keys('[keymap]\n"home.open_run" = ""\n')
    async with make_app().run_test(size=(120, 30), notifications=True) as pilot:
        await sees(pilot, "a-1", "c compare")
        assert shown(pilot.app).splitlines()[-1].startswith(" c compare")  # type: ignore[arg-type]
