"""What holds on every screen: help, finding, back, the footer, lists, sizes. A new screen is in here by being a `Frame`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

import tui.screens
import tui.widgets
from tests.tui import fakes
from tests.tui.conftest import shown, until
from tui.about import PANES
from tui.about import SCREENS as SCREENS_ABOUT
from tui.app import LuthierApp
from tui.keys import FOOTER_KEYS, KEYS, keys_of
from tui.keys.user import UserKeys
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.confirm import Confirm
from tui.screens.frame import Frame
from tui.screens.help import Help
from tui.widgets.bars import TABS, Footer, Header
from tui.widgets.painted import Painted
from tui.widgets.scroller import Picker, Scroller

Make = Callable[..., LuthierApp]
WAYS = {
    "Home": [],
    "Data": ["2"],
    "Tokens": ["3"],
    "Configure": ["4"],
    "Monitor": ["5"],
    "Compare": ["6"],
    "Demo": ["9"],
    "LogScreen": ["5", "@show_log"],
    "Help": ["question_mark"],
}
"""Screen -> the keys that lead there from Home; @show_log: the key of that action."""
NO_LIST = {"Save", "LengthChart", "CurveChart", "LossChart", "CompareChart"}
"""What takes the focus and is no list: a button, and drawings whose cursor goes left and right."""


def modules() -> None:
    for package in (tui.screens, tui.widgets):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


def leaves(kind: type) -> Iterator[type]:
    below = kind.__subclasses__()
    for other in below:
        yield from leaves(other)
    if not below and kind.__module__.startswith("tui."):
        yield kind


modules()
SCREENS = sorted({kind.__name__ for kind in leaves(Frame)})


async def go(pilot: Pilot[object], name: str) -> Frame:
    app: LuthierApp = pilot.app  # type: ignore[assignment]
    await until(pilot, lambda: app.link.listed and "a-1" in shown(app), 6)
    for key in WAYS[name]:
        before = app.screen
        if key.startswith("@"):
            key = next(found.keys.split(",")[0] for found in keys_of("monitor") if found.id == key[1:])
        await pilot.press(key)
        await until(pilot, lambda before=before: app.screen is not before and app.screen.is_mounted, 6)  # type: ignore[misc]
    await pilot.pause()
    assert type(app.screen).__name__ == name
    return app.screen  # type: ignore[return-value]


@pytest.fixture
def some(runs: Path) -> Path:
    fakes.whole_run(runs, "a-1", 24)
    fakes.whole_run(runs, "b-2", 24)
    return runs


def test_every_screen_is_walked_over() -> None:
    assert sorted(WAYS) == SCREENS


@pytest.mark.parametrize("name", SCREENS)
async def test_help_back_and_footer(make_app: Make, some: Path, name: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await go(pilot, name)
        footer = screen.query_one(Footer)
        assert 1 <= len(footer._spots) <= FOOTER_KEYS
        assert screen.query_one(Header)._spots, "the tabs can be clicked"
        if name != "Help":
            for key in ("question_mark", "f1"):
                await pilot.press(key)
                await until(pilot, lambda: isinstance(app.screen, Help))
                assert screen.where in app.screen.query_one("#keys").places[:1]  # type: ignore[attr-defined]
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is screen)
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not screen or not app.is_running or app._exit)


@pytest.mark.parametrize("name", SCREENS)
async def test_slash_opens_a_search_and_esc_takes_it_back(make_app: Make, some: Path, name: str) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        screen = await go(pilot, name)
        if not any(isinstance(widget, Scroller) for widget in screen.focus_chain):
            return  # nothing lies open that could be searched: an empty screen says what to do
        if not isinstance(screen.focused, Scroller) and not screen.has_own_search:
            next(widget for widget in screen.focus_chain if isinstance(widget, Scroller)).focus()
        allowed = [
            key for key in keys_of(screen.where) if key.keys == "slash" and screen.check_action(key.id, ()) is not False
        ]
        if screen.has_own_search and not allowed:
            return
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input) or app.screen is not screen)
        await pilot.press(*"zz", "escape")
        await until(pilot, lambda: app.screen is screen or app.screen is app.frame)
        await pilot.pause()
        assert not any(isinstance(other, Dialog) for other in app.screen_stack)


@pytest.mark.parametrize("name", SCREENS)
async def test_every_key_is_bound_and_every_hint_can_be_clicked(make_app: Make, some: Path, name: str) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await go(pilot, name)
        bound = {binding.id for names in screen._bindings.key_to_bindings.values() for binding in names}
        missing = [key.id for key in keys_of(screen.where) if f"{screen.where}.{key.id}" not in bound]
        held = {
            binding.id
            for widget in screen.query("*")
            for names in widget._bindings.key_to_bindings.values()
            for binding in names
        }
        assert [key for key in missing if f"{screen.where}.{key}" not in held] == []
        footer = screen.query_one(Footer)
        for _, _, action in footer._spots:
            name_, _, rest = action.rpartition(".")
            assert hasattr(app if name_ == "app" else screen, f"action_{rest}")


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("options", [{}, {"ascii_only": True}])
async def test_sizes_and_a_storm_of_them(make_app: Make, some: Path, name: str, options: dict[str, object]) -> None:
    app = make_app(**options)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await go(pilot, name)
        for size in ((60, 15), (1, 1), (200, 50), (59, 14), (300, 90), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            if size in ((60, 15), (80, 24)):
                assert len(shown(app).splitlines()) == size[1]
                assert "Luthier needs" not in shown(app)
            elif size[0] < 60:
                assert screen.has_class("-too-small")
        if options:
            assert shown(app).isascii()


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36)])
async def test_the_tabs_fit_beside_a_run_and_each_can_be_clicked(
    make_app: Make, runs: Path, size: tuple[int, int]
) -> None:
    clock = fakes.Clock(1_700_000_000)
    run, journal = fakes.begin(runs, "a-run-with-a-long-name", clock)
    fakes.train(journal, clock, 1, 120)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.link.live())
            await until(pilot, lambda: "20%" in shown(app).splitlines()[0])
            line = shown(app).splitlines()[0]
            assert all(f" {key}" in line for key, _, _ in TABS)
            header = app.screen.query_one(Header)
            start = next(start for start, _, action in header._spots if action == "show_monitor")
            await pilot.click(Header, offset=(start + 1, 0))
            await until(pilot, lambda: type(app.screen).__name__ == "Monitor")


@pytest.mark.parametrize(
    "kind", sorted(leaves(Painted), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__
)
def test_every_list_knows_the_keys_of_lists(kind: type[Painted]) -> None:
    if not kind.can_focus or kind.__name__ in NO_LIST:
        return
    assert issubclass(kind, Scroller), "what takes the focus is a list, or in NO_LIST with a reason"
    merged = kind._merge_bindings().key_to_bindings  # type: ignore[attr-defined]
    assert {"j", "k", "down", "up", "g", "G", "home", "end", "ctrl+d", "ctrl+u", "pagedown", "pageup"} <= set(merged)
    if issubclass(kind, Picker):
        assert hasattr(kind, "on_click")


def test_help_has_words_for_everything_that_takes_the_focus() -> None:
    kinds = [kind for kind in leaves(Painted) if kind.can_focus]
    mute = [
        kind.__name__
        for kind in kinds
        if not getattr(kind, "about", "") and not PANES.keys() & {k.__name__ for k in kind.__mro__}
    ]
    assert mute == []
    assert {key.where for key in KEYS} >= set(SCREENS_ABOUT)


@pytest.mark.parametrize("name", SCREENS)
async def test_lists_move_by_letters_and_arrows(make_app: Make, some: Path, name: str) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        screen = await go(pilot, name)
        for widget in [widget for widget in screen.focus_chain if isinstance(widget, Scroller)]:
            widget.focus()
            for keys in (("j", "down"), ("k", "up"), ("G",), ("g", "g"), ("end",), ("home",), ("ctrl+d", "ctrl+u")):
                await pilot.press(*keys)
                assert app.screen is screen
            if isinstance(widget, Picker) and widget.count(widget.inner[0]) > 1:
                await pilot.press("g", "g")
                first = widget.cursor
                await pilot.press("G")
                assert widget.cursor >= first


async def test_help_in_a_dialog_leads_back_to_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(Confirm("stop", "It ends.", "stop"))
        for key in ("question_mark", "f1"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Help))
            assert app.screen.query_one("#keys").places[0] == "dialog"  # type: ignore[attr-defined]
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.press("1")
        await until(pilot, lambda: type(app.screen).__name__ == "Home")
        assert len(app.screen_stack) == 2, "the dialog was closed on the way"


async def test_f1_in_a_field_and_a_question_mark_is_a_letter(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query("#wanted"))
        await pilot.press("question_mark")
        assert app.screen.query_one("#wanted", Input).value == "?"
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Help))


async def test_help_is_made_from_the_bindings(make_app: Make, some: Path) -> None:
    app = make_app()
    async with app.run_test(size=(130, 60)) as pilot:
        screen = await go(pilot, "Monitor")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        text = "\n".join("".join(part for part, _ in row) for row in app.screen.query_one("#keys")._make(126))  # type: ignore[attr-defined]
        for names in screen._bindings.key_to_bindings.values():
            for binding in names:
                assert binding.id is None or binding.id in text  # those of Textual itself have none
        assert "One run: its loss" in text
        assert "shift while dragging" in text.replace("\n", " ")


def test_no_key_that_a_terminal_cannot_send_is_needed() -> None:
    for key in (*keys_of("app"), *keys_of("list"), *keys_of("dialog")):
        names = UserKeys().keys(key).split(",")
        if any(name.startswith("f") and name[1:].isdigit() for name in names):
            assert len(names) > 1, "a function key has a plain alternative"


async def test_the_header_says_what_lies_open_and_what_a_run_trains_on(make_app: Make, runs: Path) -> None:
    from tui.tokens.model import Origin

    clock = fakes.Clock(1_700_000_000)
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 60)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(160, 36)) as pilot:
            await until(pilot, lambda: app.link.live() and "a-1 10%" in shown(app).splitlines()[0], 6)
            assert "NVIDIA H200" in shown(app).splitlines()[0]
            app.drafts.open(Origin("/nowhere/mine.toml"))
            app.screen.query_one(Header).repaint()
            await until(pilot, lambda: "mine.toml" in shown(app).splitlines()[0], 6)
