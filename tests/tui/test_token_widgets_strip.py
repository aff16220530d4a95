"""The strip of tokens: where its cursor is and what its table has room for, in every kind of terminal; help, joiners."""

from __future__ import annotations

import pytest
from textual import events

from engine.service import protocol as p
from engine.token_facts import TokenFact
from tests.tui.conftest import shown, until
from tests.tui.tokenfacts import Make, hosting
from tui.glyphs import ASCII, UNICODE
from tui.screens.help import KeyList
from tui.widgets.token_strip import TokenStrip
from tui.widgets.tokenizer_panes import ScratchView


def row() -> p.Tokens:
    """Two words, the second one trained with its end token."""
    texts = [("Boat", "masked", False), (" sails", "trained", False), ("<|end|>", "trained", True)]
    tokens, at = [], 0
    for number, (text, mark, special) in enumerate(texts):
        data = "" if special else text.encode().hex()
        tokens.append(TokenFact(300 + number, text, data, at, at + len(text), 0, mark, special, 0))
        at += len(text)
    reasons = ["the answer: trained (supervise = assistant)"]
    text = "".join(text for text, _, _ in texts)
    return p.Tokens(
        draft=1,
        row=1,
        origin="a:1",
        source=0,
        split="train",
        template="qa",
        total=3,
        text=text,
        tokens=tokens,
        reasons=reasons,
        sequences=[(0, 3)],
    )


@pytest.mark.parametrize(("no_color", "ascii_only"), [(False, False), (True, False), (True, True)])
async def test_the_cursor_is_no_control_token(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, no_color: bool, ascii_only: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    widget = TokenStrip()
    app = make_app(ascii_only=ascii_only)
    async with hosting(app, widget, (80, 12)) as pilot:
        widget.show(row(), 2, 64)
        await pilot.pause()
        screen = shown(app).splitlines()
        assert ("|>" if ascii_only else "▌▸") in screen[1], "the line of the cursor"
        assert "cursor" in screen[-2], "the legend names it"
        assert ("[<|end|>]" in screen[1]) is no_color
        inks = {text: ink.split() for line in widget._rows for text, ink in line}
        assert inks["<|end|>"] == ["here"]
        widget.show(row(), 0, 64)
        await pilot.pause()
        assert shown(app).splitlines()[1].count("[") == no_color
        inks = {text: ink.split() for line in widget._rows for text, ink in line}
        assert "control" in inks["<|end|>"]
        assert "here" not in inks["<|end|>"]
        app.screen.set_focus(None)
        await pilot.pause()
        inks = {text: ink.split() for line in widget._rows for text, ink in line}
        assert inks["Boat"] == ["title", "resting"], "the keys go elsewhere"


async def test_a_table_leaves_the_room_to_the_reason(make_app: Make) -> None:
    widget = TokenStrip()
    app = make_app()
    async with hosting(app, widget, (80, 12)) as pilot:
        widget.view = "table"
        widget.show(row(), 1, 64)
        await pilot.pause()
        screen = shown(app).splitlines()
        assert screen[1].startswith("│   #   id  piece   ")
        assert "the answer: trained (supervise = assistant)" in screen[2]
        assert "▌▸2  301  ·sails" in screen[3]


async def test_help_begins_where_one_is(make_app: Make) -> None:
    first = KeyList(first=["data", "find"])
    app = make_app()
    async with hosting(app, first, (80, 60)):
        screen = shown(app)
        assert screen.index("Data\n" if "Data\n" in screen else "Data ") < screen.index("Everywhere")
        assert first.places[:2] == ["data", "find"]
    assert KeyList().places[0] == "app"


async def test_help_knows_the_screen_below(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "question_mark")
        await until(pilot, lambda: app.screen.query(KeyList))
        assert app.screen.query_one(KeyList).places[0] == "tokens"


async def test_joiners_are_typed_too(make_app: Make) -> None:
    widget = ScratchView()
    app = make_app()
    async with hosting(app, widget, (60, 9)) as pilot:
        widget.field.focus()
        await pilot.pause()
        for char in ("a", "\u200d", "\u200c", "b"):
            widget.field.post_message(events.Key(char, char))
        await pilot.pause()
        assert widget.field.value == "a\u200d\u200cb"


def test_ascii_marks_are_no_keys_and_no_sums() -> None:
    assert ASCII.mark == "*"
    assert ASCII.between == "|"
    assert UNICODE.between == "·"
