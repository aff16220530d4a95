"""Two tokenizers, a vocabulary, a typed line, parity: what they show and post. All of them with hostile text, at every size."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.widget import Widget

from engine.service import protocol as p
from tests.tui import hostile
from tests.tui.conftest import shown, until
from tests.tui.test_hostile import harmless
from tests.tui.tokenfacts import (
    Make,
    batch,
    compared,
    findings,
    heard,
    hosting,
    lengths,
    parity,
    pieces,
    split,
    strategies,
)
from tui.text import cell_len
from tui.widgets.batch_map import BatchMap
from tui.widgets.field_above import FieldAbove
from tui.widgets.length_chart import LengthChart
from tui.widgets.parity_view import ParityView
from tui.widgets.scroller import Scroller
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings
from tui.widgets.tokenizer_panes import CompareView, ScratchView, VocabularyView


def lines(app: object) -> list[str]:
    return shown(app).splitlines()  # type: ignore[arg-type]


async def test_two_tokenizers_by_language(make_app: Make) -> None:
    widget = CompareView()
    app = make_app()
    async with hosting(app, widget, (100, 20)) as pilot:
        assert "No other tokenizer is chosen." in shown(app)
        widget.show(compared(), "smollm2", "qwen2")
        await pilot.pause()
        screen = lines(app)
        assert "smollm2 and qwen2" in screen[0]
        assert "500 rows" in screen[0]
        assert [row.strip("│ ").split()[0] for row in (screen[2], screen[6], screen[10])] == ["all", "en", "zh"]
        en, other = screen[7].split(), screen[8].split()
        assert en[-6:] == ["40,000", "✓", "20.0", "%", "fewer", "│"]
        assert en[-8:-6] == ["5.00", "0.200"]
        assert other[-4:-1] == ["4.00", "0.250", "50,000"]
        assert "✓ 46.7 % fewer" in screen[12]
        assert "smollm2" in screen[11]
        assert "✓" not in screen[11]
        assert screen[7].count("█") > screen[8].count("█") > screen[12].count("█") > screen[11].count("█") > 0
        assert "vocabulary 49,152 and 151,936" in shown(app)
        same = compared()
        same.languages = [same.languages[1]]
        same.languages[0].other_tokens = same.languages[0].tokens
        widget.show(same, "a", "b")
        await pilot.pause()
        assert "fewer" not in shown(app), "neither is better"
        assert "all rows" not in shown(app), "there is one language only"


async def test_a_vocabulary_is_searched_and_asked_for_in_parts(make_app: Make) -> None:
    widget = VocabularyView()
    app = make_app()
    async with hosting(app, widget, (80, 20)) as pilot:
        widget.field.focus()
        assert "Looking…" in shown(app)
        widget.show(pieces(0, 200, matches=49_152))
        await pilot.pause()
        assert "49,152 entries" in shown(app)
        zero, one = lines(app)[3:5]
        assert zero.strip("│ ┃").split() == ["0", "special", "Ġ", "piece0", "bytes", "only", "f0", "9f"]
        assert one.strip("│ ┃").split()[:5] == ["1", "added", "Ġ", "piece1", "·piece1"]
        assert "20 70 69" in one
        await pilot.press(*"ab")
        await until(pilot, lambda: heard(app))
        assert [(message.pattern, message.start) for message in heard(app)] == [("ab", 0)]
        widget.show(pieces(0, 200, matches=3), "a")
        await pilot.pause()
        assert "Looking…" in shown(app), "that is what was looked for before"
        widget.show(pieces(0, 200, matches=1000), "ab")
        await pilot.press("down", "down")
        assert widget.current is not None
        assert widget.current.id == 2
        assert "1,000 of 49,152 match" in shown(app)
        await pilot.press("enter", "G")
        await until(pilot, lambda: len(heard(app)) > 1)
        assert [(message.pattern, message.start) for message in heard(app)[1:]] == [("ab", 800)]
        assert widget.current is None
        assert " … " in shown(app)
        widget.show(pieces(800, 200), "ab")
        await pilot.pause()
        assert widget.current.id == 999  # type: ignore[attr-defined]
        stale = pieces(0, 3, matches=3)
        await pilot.press("tab")
        widget.field.value = "abc"
        await until(pilot, lambda: heard(app)[-1].pattern == "abc")
        widget.show(stale, "ab")
        await pilot.pause()
        assert "Looking…" in shown(app)
        stale.draft = 2
        widget.show(stale, "x\ny")
        await pilot.pause()
        assert "3 of 49,152 match" in shown(app), "another draft has its own pattern"
        assert widget.field.value == "x⏎y"
        widget.show(p.Pieces(draft=2, size=49_152, matches=0, start=0, pieces=[]), "x\ny")
        await pilot.pause()
        assert "No entry matches." in shown(app)
        widget.show(None, "ab", problem="There is no such tokenizer.")
        await pilot.pause()
        assert "There is no such tokenizer." in shown(app)


async def test_what_a_typed_text_becomes(make_app: Make) -> None:
    widget = ScratchView()
    app = make_app()
    async with hosting(app, widget, (80, 20)) as pilot:
        widget.field.focus()
        assert "Type a text above." in shown(app)
        await pilot.press("a", "space", "b")
        widget.field.post_message(Paste("\n\tc 🙂\n"))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: heard(app))
        text = heard(app)[-1].text
        assert text == "a b\n\tc 🙂\n"
        widget.show(split(text), None, "smollm2")
        await pilot.pause()
        assert "a·b ⏎⇥c" in shown(app)
        assert "🙂⟨f0⟩+⟨9f⟩+⟨99⟩+⟨82⟩" in shown(app)
        assert "900    901  902  903" in shown(app)
        assert "8 tokens" in shown(app)
        widget.show(split(text), split(text, 1), "smollm2", "qwen2")
        await pilot.pause()
        assert "smollm2 4 fewer" in lines(app)[1]
        assert "qwen2" in shown(app)
        long = split("word " * 40)
        long.total = 5000
        widget.show(long)
        await pilot.pause()
        await pilot.press("enter", "G")
        assert f"and {5000 - len(long.tokens):,} more" in shown(app)


async def test_parity_token_by_token(make_app: Make) -> None:
    widget = ParityView()
    app = make_app()
    async with hosting(app, widget, (80, 20)) as pilot:
        assert "No row was compared yet." in shown(app)
        widget.show(parity())
        await pilot.pause()
        screen = lines(app)
        assert "row 12" in screen[0]
        assert "✗ 1 of 2 equal" in screen[0]
        assert "✓ this template   equal (164 ids)" in screen[1]
        assert "✗ the tokenizer's chat template  differs at 12 of 164 ids" in screen[4]
        assert "It ends a turn with its own token." in screen[5]
        rows = [line.strip("│ ").split() for line in screen[7:14]]
        assert rows[0] == ["at", "trained", "at", "given"]
        assert rows[1] == ["10", "10", "w0", "10", "10", "w0"]
        assert rows[3] == ["✗", "12", "2", "<|im_end|>"]
        assert rows[4] == ["12", "12", "w2", "13", "12", "w2"]
        one = parity()
        one.comparisons = one.comparisons[:1]
        widget.show(one)
        await pilot.pause()
        assert "✓ 1 of 1 equal" in shown(app)


# All of them

TEXT = f"{hostile.TEXT} 中文 🏳️‍🌈 न\u200d"


def filled() -> dict[str, Widget]:
    """Every widget, full of text that tries to act on the terminal."""
    batch_map, chart, table, found = BatchMap(), LengthChart(), StrategiesTable(), TokenFindings()
    batch_map.show(batch(TEXT), journaled=TEXT)
    chart.show(lengths(), 700, note=TEXT)
    ways = strategies()
    ways[3].note = TEXT
    table.show(ways, 0.01)
    found.show(findings(TEXT), "answer_cut", rows=5000)
    compare, vocabulary, scratch, same = CompareView(), VocabularyView(), ScratchView(), ParityView()
    compare.show(compared(TEXT), TEXT, TEXT)
    vocabulary.show(pieces(0, 200, text=TEXT))
    scratch.show(split(TEXT), split(TEXT, 1), TEXT, TEXT)
    same.show(parity(TEXT))
    return {
        "batch": batch_map,
        "lengths": chart,
        "strategies": table,
        "findings": found,
        "compare": compare,
        "vocabulary": vocabulary,
        "scratch": scratch,
        "parity": same,
    }


NAMES = list(filled())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_bears_hostile_text(make_app: Make, name: str, ascii_only: bool) -> None:
    app, widget = make_app(ascii_only=ascii_only), filled()[name]
    async with hosting(app, widget, (80, 24)) as pilot:
        inner = widget.query_one(Scroller) if isinstance(widget, FieldAbove) else widget
        for size in ((80, 24), (200, 60), (60, 15), (20, 3), (33, 7), (5, 2), (1, 1), (120, 36)):
            await pilot.resize_terminal(*size)
            for name_ in ("list_down", "change", "list_up", "change_back", "list_end"):
                if action := getattr(inner, f"action_{name_}", None):
                    action()
            await pilot.pause()
            harmless(app)
            assert all(cell_len(line) == size[0] for line in lines(app))
            if ascii_only:
                assert shown(app).isascii()
        assert len(shown(app).replace(" ", "")) > 300


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_is_said_by_colour_alone(make_app: Make, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with hosting(app, filled()[name], (100, 30)) as pilot:
        await pilot.pause()
        coloured = shown(app)
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with hosting(app, filled()[name], (100, 30)) as pilot:
        await pilot.pause()
        assert shown(app) == coloured
        if name in ("batch", "strategies", "findings", "vocabulary"):
            strips = app.screen._compositor.render_strips()
            assert any(segment.style and segment.style.reverse for strip in strips for segment in strip)
        if name == "batch":
            full = [segment for strip in strips for segment in strip if "█" in segment.text]
            assert full
            assert not any(segment.style and segment.style.reverse for segment in full), "it would look empty"


@pytest.mark.parametrize("name", ["batch", "lengths", "strategies", "findings"])
async def test_what_is_shown_again_sends_nothing(make_app: Make, name: str) -> None:
    """A widget that is shown the same anew paints no cell."""
    widget = filled()[name]
    app = make_app()
    async with hosting(app, widget, (80, 24)) as pilot:
        await pilot.pause()
        painted: list[object] = []
        refresh = widget.refresh
        widget.refresh = lambda *regions, **more: (painted.append(regions), refresh(*regions, **more))[1]  # type: ignore[method-assign]
        widget.repaint()  # type: ignore[attr-defined]
        assert painted == []
