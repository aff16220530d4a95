"""Finding words in a list: / with n and N, the count, esc; words and regular expressions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.conftest import sees, shown, until
from tui.app import LuthierApp
from tui.find import Finder, matcher
from tui.rows import Row
from tui.screens.frame import Frame
from tui.widgets.bars import Footer
from tui.widgets.scroller import Picker, Scroller

Make = Callable[..., LuthierApp]
NAMES = [f"{color} {thing} {number}" for number in range(17) for color in ("red", "green") for thing in ("boat", "car")]


class Names(Picker):
    def count(self, width: int) -> int:
        return len(NAMES)

    def line(self, index: int, width: int) -> Row:
        return [(NAMES[index], "text")]


class Text(Scroller):
    def count(self, width: int) -> int:
        return len(NAMES)

    def line(self, index: int, width: int) -> Row:
        return [(NAMES[index], "text")]


class Lists(Frame):
    where = "log"
    AUTO_FOCUS = "#names"

    def body(self):  # type: ignore[no-untyped-def]
        yield Names(id="names")
        yield Text(id="text")


async def open_lists(app: LuthierApp) -> Names:
    await app.push_screen(Lists())
    return app.screen.query_one(Names)


def test_words_and_expressions() -> None:
    assert matcher("boat RED", False)("RED boat")
    assert not matcher("boat RED", False)("red boat"), "a capital counts"
    assert matcher("boat red", False)("Red Boat")
    assert matcher(r"^red.*\d$", True)("Red boat 3")
    with pytest.raises(ValueError, match="no regular expression"):
        matcher("(", True)


def test_an_expression_that_takes_for_ever_is_said() -> None:
    finder = Finder()
    finder.look(r"(a+)+$", True, 1, lambda _: "a" * 5000 + "b")
    assert "too long" in finder.count(0) or finder.rows == []


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 29))
def test_the_next_match_is_the_nearest_one_and_goes_around(holds: list[bool], row: int) -> None:
    finder = Finder()
    finder.look("x", False, len(holds), lambda index: "x" if holds[index] else "")
    matches = [index for index, yes in enumerate(holds) if yes]
    assert finder.rows == matches
    if not matches:
        assert finder.beside(row) is None
        return
    assert finder.beside(row) == next((m for m in matches if m > row), matches[0])
    assert finder.beside(row, forward=False) == next((m for m in reversed(matches) if m < row), matches[-1])
    assert finder.beside(row, here=True) == next((m for m in matches if m >= row), matches[0])


def test_the_count() -> None:
    finder = Finder()
    finder.look("x", False, 4, lambda index: "x" if index % 2 else "")
    assert [finder.count(row) for row in range(4)] == ["2 found", "1 of 2", "2 found", "2 of 2"]
    finder.look("y", False, 4, lambda _: "")
    assert finder.count(0) == "none found"


async def test_slash_finds_and_n_goes_around(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        names = await open_lists(app)
        await pilot.press("slash", *"boat gre")
        await until(pilot, lambda: names.cursor == 2)
        await sees(pilot, "1 of 17")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Lists))
        assert "/boat gre 1 of 17" in shown(app).splitlines()[-1], "the footer says it"
        await pilot.press("n", "n")
        assert names.cursor == 10
        await pilot.press("N", "N", "N")
        assert names.cursor == 66, "around the end"
        assert "17 of 17" in app.screen.query_one(Footer)._found_words()
        await pilot.press("escape")
        assert isinstance(app.screen, Lists), "esc clears the search first"
        assert names.found_words == ""
        await pilot.press("n")
        assert names.cursor == 66, "n means nothing any more"


async def test_esc_in_the_line_goes_back_to_where_one_was(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        names = await open_lists(app)
        await pilot.press("j", "j", "j", "slash", *"16")
        await until(pilot, lambda: names.cursor == 64)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Lists))
        assert names.cursor == 3
        assert names.found_words == ""


async def test_expressions_and_what_is_wrong_with_them(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        names = await open_lists(app)
        await pilot.press("slash", "ctrl+r", *"car (1|2)$")
        await sees(pilot, "regex", "1 of 4")
        await pilot.press("backspace", "backspace")
        await sees(pilot, "no regular expression")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Lists))
        assert names.cursor == 0


async def test_a_text_without_a_cursor_lifts_what_was_found(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_lists(app)
        text = app.screen.query_one(Text)
        text.focus()
        await pilot.press("slash", *"red car 16", "enter")
        await until(pilot, lambda: isinstance(app.screen, Lists))
        assert "red car 16" in shown(app)
        assert text.row_here() == NAMES.index("red car 16")
        painted = text.paint(*text.inner)
        lifted = [row for row in painted if any("selected" in ink for _, ink in row)]
        assert ["".join(part for part, _ in row)[:11].strip() for row in lifted] == ["red car 16"]
