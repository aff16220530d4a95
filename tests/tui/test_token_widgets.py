"""The numbers of the Tokens screen: batch, batching, lengths, findings. What they show, post, and how they bear any size."""

from __future__ import annotations

import pytest

from tests.tui.conftest import shown
from tests.tui.tokenfacts import Make, batch, batch_of, findings, heard, hosting, lengths, line_of, strategies
from tui.widgets.batch_map import BatchMap
from tui.widgets.length_chart import LengthChart
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings


def lines(app: object) -> list[str]:
    return shown(app).splitlines()  # type: ignore[arg-type]


# The batch


async def test_a_batch_in_training_order(make_app: Make) -> None:
    widget = BatchMap()
    app = make_app()
    async with hosting(app, widget, (80, 14)) as pilot:
        widget.show(batch(), journaled="9f2c41ab77d0")
        await pilot.pause()
        screen = lines(app)
        assert "batch 3 of 934" in screen[0]
        assert "epoch 0.0032" in screen[0]
        assert "9f2c41ab77d0 ✓ as journaled · 300 tokens · 111 trained · waste 25.0 %" in screen[1]
        first, packed, single, last = screen[2:6]
        assert [row[2] for row in (first, packed, single, last)] == ["╭", "╰", "╭", "╰"], "two micro-batches"
        assert first.index("▒") < first.index("█") < first.index("·")
        assert first.count("▒") * 5 == pytest.approx(first.count("█") * 3, abs=5)
        assert [row[4:9] for row in (first, packed, single)] == ["17   ", "20 +2", "30   "], "one source: numbers do"
        assert packed.count("▏") == 2
        assert single.count("█") == 1
        assert first.rstrip(" │").endswith(" 80")
        assert "row 17  80 tokens  50 trained  rows.jsonl:17" in screen[-3]
        await pilot.resize_terminal(60, 14)
        assert lines(app)[5].count("▓") == 1, "the one trained token is seen where it prevails nowhere"
        assert "█" not in lines(app)[5]
        assert "█ trained  ▓ a few  ▒ prompt  · padding  ▏ next row" in lines(app)[-2]


async def test_rows_of_several_sources_are_told_apart(make_app: Make) -> None:
    widget = BatchMap()
    app = make_app()
    made = [line_of(("a.jsonl:3", 10, 20), width=50, first=3), line_of(("b.jsonl:1398", 10, 20), width=50, first=2398)]
    async with hosting(app, widget, (80, 12)) as pilot:
        widget.show(batch_of(made, 50))
        await pilot.pause()
        assert "a.jsonl:3" in lines(app)[2]
        assert "b.jsonl:1398" in lines(app)[3]
        made[0].documents[0].origin = "b.jsonl:3"
        widget.show(batch_of(made, 50))
        await pilot.pause()
        assert lines(app)[2][4:9] == "    3"
        assert lines(app)[3][4:9] == "2,398", "numbers stand at the right"


async def test_the_cursor_goes_over_rows_and_into_packed_sequences(make_app: Make) -> None:
    widget = BatchMap()
    app = make_app()
    async with hosting(app, widget, (80, 14)) as pilot:
        await pilot.press("enter", "right")
        widget.show(batch())
        await pilot.press("enter", "j", "enter", "right", "right", "right", "enter", "left", "enter", "j", "enter")
        assert [message.row for message in heard(app)] == [17, 20, 22, 21, 30]
        await pilot.press("k", "right")
        await pilot.pause()
        assert "▸" in lines(app)[3]
        assert "◂ 2 of 3 ▸ row 21  40 tokens  20 trained" in shown(app)
        await pilot.click(BatchMap, offset=(40, 4))
        assert widget.cursor == 2
        await pilot.click(BatchMap, offset=(40, 12))
        assert widget.cursor == 2, "the legend is no sequence"
        same = batch()
        widget.show(same)
        assert widget.cursor == 2, "the same step again"
        widget.show(batch_of(same.lines, 100, step=4))
        assert widget.cursor == 0


@pytest.mark.parametrize(
    ("journaled", "said"),
    [
        ("9f2c41ab77d0", "✓ as journaled"),
        ("000000000000", "✗ differs: journal 000000000000"),
        ("", "not trained yet"),
    ],
)
async def test_what_the_journal_says(make_app: Make, journaled: str, said: str) -> None:
    widget = BatchMap()
    app = make_app()
    async with hosting(app, widget, (120, 14)) as pilot:
        widget.show(batch(), journaled=journaled)
        await pilot.pause()
        assert f"fingerprint 9f2c41ab77d0 {said} · 300 tokens" in shown(app)
        assert "✓ as journaled" not in shown(app) or journaled == "9f2c41ab77d0"
        widget.show(batch(), journaled=None)
        await pilot.pause()
        assert "fingerprint 9f2c41ab77d0 · 300 tokens" in shown(app), "of a draft that is no run nothing is said"


async def test_why_there_is_no_batch(make_app: Make) -> None:
    widget = BatchMap()
    app = make_app()
    async with hosting(app, widget, (60, 10)) as pilot:
        assert "No batch is chosen." in shown(app)
        widget.show(None, waiting="Measuring rows: 40 %")
        await pilot.pause()
        assert "Measuring rows: 40 %" in shown(app)
        widget.show(None, problem="No row is left to train on.")
        await pilot.pause()
        assert "No row is left to train on." in shown(app)
        widget.show(batch_of([], 0))
        await pilot.pause()
        assert "holds no sequence" in shown(app)
        await pilot.press("enter")
        assert heard(app) == []


async def test_padding_on_the_left_and_narrower_micro_batches(make_app: Make) -> None:
    padded = line_of(("a:1", 10, 20), width=100)
    padded.cells.insert(0, padded.cells.pop())
    padded.documents[0].start, padded.documents[0].end = 70, 100
    narrow = line_of(("a:2", 10, 20), width=30)
    widget = BatchMap()
    app = make_app()
    async with hosting(app, widget, (80, 12)) as pilot:
        widget.show(batch_of([padded, narrow], 100, micro_batch_size=1))
        await pilot.pause()
        left, right = lines(app)[2:4]
        assert left.index("·") < left.index("▒") < left.index("█")
        assert "·" not in right, "what is not computed is no padding"
        assert "30 tokens  20 trained" in shown(app)
        assert left[2] == right[2] == "─", "each is a micro-batch"


# Batching


async def test_ways_of_batching_side_by_side(make_app: Make) -> None:
    widget = StrategiesTable()
    app = make_app()
    async with hosting(app, widget, (80, 12)) as pilot:
        assert "Nothing is measured yet." in shown(app)
        widget.show(strategies())
        await pilot.press("enter")
        screen = lines(app)
        assert screen[1].strip("│ ").split() == ["waste", "sequences", "steps", "time"]
        assert screen[2].strip("│ ").split()[:3] == ["◆", "random", "38.2"]
        assert screen[2].strip("│ ").split()[-4:] == ["7,473", "934", "1.00", "x"]
        assert screen[4].strip("│ ").split()[-4:] == ["2,410", "301", "0.62", "x"]
        assert screen[2].count("█") > 5
        assert "▉" in screen[3]
        assert "wrapped   Only for running text." in screen[5]
        assert heard(app) == [], "it is the present way"
        await pilot.press("j", "enter", "j", "enter", "j", "enter")
        assert [(message.name, message.changes) for message in heard(app)] == [
            ("grouped", {"tokens.group_by_length": True}),
            ("packed", {"tokens.packing": "bfd"}),
        ]
        widget.show(strategies(), seconds_per_cell=0.001)
        await pilot.pause()
        assert lines(app)[2].strip("│ ").endswith("33 min")
        assert lines(app)[4].strip("│ ").endswith("21 min")
        assert widget.cursor == 3, "the cursor stays"


async def test_columns_of_figures_never_touch(make_app: Make) -> None:
    widget = StrategiesTable()
    app = make_app()
    async with hosting(app, widget, (38, 12)) as pilot:
        ways = strategies()
        ways[3].note = "no sequence to train on"
        widget.show(ways, seconds_per_cell=481 / 1_290_000)
        await pilot.pause()
        assert "grouped    4.2 %  8 min 01 s" in shown(app)
        assert "wrapped no sequence to train on" in shown(app)
        ways[3].note = "no sequence to train on whatever one does"
        widget.show(ways)
        await pilot.press("G")
        await pilot.pause()
        assert "to train on whatever one does" in " ".join(line.strip("│ ") for line in lines(app)[7:]), "in full below"


# Lengths


async def test_lengths_and_their_limit(make_app: Make) -> None:
    widget = LengthChart()
    app = make_app()
    async with hosting(app, widget, (80, 16)) as pilot:
        assert "No lengths are known yet." in shown(app)
        await pilot.press("right")
        widget.show(lengths(left_out=3), note="first 1,000 rows")
        await pilot.pause()
        screen = lines(app)
        assert "lengths  limit ◂ 512 ▸" in screen[0]
        assert "first 1,000 rows" in screen[0]
        places = {line.index("┃") for line in screen[1:11]}
        assert len(places) == 1
        assert min(places) == pytest.approx(2 + 75 * 0.512, abs=1)
        assert "49 % of rows too long (487) · 118,828 tokens lost (24 %)" in shown(app)
        assert "p50 499 · p95 949 · p99 989 · max 999 · 1,000 sequences · 3 tokens left out" in shown(app)
        assert "~" not in screen[-3]
        axis = next(line for line in screen if "256" in line)
        assert axis.split()[-3:-1] == ["256", "512"]
        assert "~49 %" in screen[screen.index(axis) + 1]
        assert "~74 %" in screen[screen.index(axis) + 1]
        assert screen[screen.index(axis) + 1].strip("│ ").startswith("cut ")


async def test_the_limit_moves_at_once_and_what_it_cuts_is_estimated(make_app: Make) -> None:
    widget = LengthChart()
    app = make_app()
    async with hosting(app, widget, (80, 16)) as pilot:
        widget.show(lengths(), context=1000)
        await pilot.pause()
        before = lines(app)[3].index("┃")
        await pilot.press("right")
        assert [message.limit for message in heard(app)] == [576]
        assert "limit ◂ 576 ▸ was 512" in lines(app)[0]
        assert lines(app)[3].index("┃") > before
        assert "~42 % of rows too long (~423) · ~89,6" in shown(app)
        assert "… sequences · … tokens left out" in shown(app)
        await pilot.press("left", "left")
        widget.move_to(1000)
        await pilot.press("right", "left")
        assert [message.limit for message in heard(app)] == [576, 512, 448, 1000, 960], "no further than the model"
        widget.move_to(500)
        widget.show(lengths(max_length=500, over=499, lost=124_750), context=1000)
        await pilot.pause()
        assert "50 % of rows too long (499) · 124,750 tokens lost" in shown(app)
        assert "~" not in lines(app)[-3]
        widget.show(lengths(max_length=500), 600, truncation="split")
        await pilot.pause()
        assert "… tokens lost" in shown(app), "what a split loses does not follow from the lengths"
        await pilot.click(LengthChart, offset=(2 + 75 // 4, 4))
        assert heard(app)[-1].limit == 256


async def test_a_limit_beyond_the_longest_row(make_app: Make) -> None:
    widget = LengthChart()
    app = make_app()
    async with hosting(app, widget, (60, 12)) as pilot:
        widget.show(lengths(max_length=4096, over=0, lost=0))
        await pilot.pause()
        assert "0 % of rows too long (0) · 0 tokens lost (0 %)" in shown(app)
        assert lines(app)[2].rstrip("│ ").endswith("┃")
        widget.show(lengths(rows=0, counts=[0] * 20, tokens=0))
        await pilot.pause()
        assert "No training row can be tokenized." in shown(app)
        widget.show(lengths(edges=[7], counts=[]))
        await pilot.press("right", "left")


# Findings


async def test_findings_tell_why_and_their_fixes(make_app: Make) -> None:
    widget = TokenFindings()
    app = make_app()
    async with hosting(app, widget, (80, 16)) as pilot:
        assert "Nothing is measured yet." in shown(app)
        widget.show(findings(), rows=7473)
        await pilot.pause()
        screen = lines(app)
        assert "✗ nothing to train on" in screen[1]
        assert screen[1].strip("│ ").split()[-3:] == ["2", "0.03", "%"]
        assert "Empty." in screen[2]
        assert "! answer cut" in screen[4]
        assert "· control token in a text" in screen[5]
        assert "unknown tokens" not in shown(app)
        await pilot.press("enter", "j", "enter", "j", "enter", "j", "enter", "j", "enter", "k", "enter")
        posted = [getattr(message, "changes", message.rule) for message in heard(app)]
        assert posted == [
            "no_trained",
            "answer_cut",
            {"tokens.max_length": 811},
            {"tokens.truncation": "drop"},
            "special",
            "answer_cut",
        ]
        assert "The end of the answer is not trained." in shown(app)
        assert "→ max_length 811  tokens.max_length = 811" in shown(app)
        assert "Empty." not in shown(app)
        await pilot.press("G", "enter", "g", "g", "enter")
        assert [message.rule for message in heard(app)[-2:]] == ["special", "no_trained"]


async def test_findings_keep_their_place(make_app: Make) -> None:
    widget = TokenFindings()
    app = make_app()
    async with hosting(app, widget, (80, 16)) as pilot:
        widget.show(findings(), "answer_cut", rows=100, complete=False)
        await pilot.press("j")
        assert "▸! answer cut" in shown(app)
        assert "first 100 rows" in lines(app)[0]
        more = findings()
        more[0].rows, more[2].severity = 3000, "error"
        widget.show(more, "answer_cut", rows=7473)
        await pilot.press("enter")
        assert heard(app)[-1].changes == {"tokens.max_length": 811}, "the fix keeps the cursor"
        widget.show(more, "special", rows=7473)
        await pilot.press("enter")
        assert heard(app)[-1].rule == "special", "the finding that is walked through now"
        await pilot.resize_terminal(40, 16)
        await pilot.press("enter")
        assert heard(app)[-1].rule == "special", "texts take other lines at another width"


async def test_what_is_said_of_a_finding_is_in_view(make_app: Make) -> None:
    widget = TokenFindings()
    app = make_app()
    async with hosting(app, widget, (60, 7)) as pilot:
        widget.show(findings(), rows=100)
        await pilot.press("j")
        assert "leave them out" in shown(app)
        assert "answer cut" in lines(app)[1], "the list went up for it"
        await pilot.resize_terminal(60, 5)
        assert "answer cut" in lines(app)[1], "the cursor is never lost"


async def test_names_and_changes_have_the_room(make_app: Make) -> None:
    widget = TokenFindings()
    app = make_app()
    async with hosting(app, widget, (39, 16)) as pilot:
        found = findings()
        found[2].title = "special token in a text"
        found[0].fixes[0].changes = {"data[0].exclude.finding": "answer cut"}
        widget.show(found, "answer_cut", rows=7473)
        await pilot.pause()
        assert "special token in a text" in shown(app)
        assert "%" not in shown(app), "shares give way"
        assert "1,204" in shown(app)
        fix = next(i for i, line in enumerate(lines(app)) if "→ max_length 811" in line)
        below = " ".join(line.strip("│ ") for line in lines(app)[fix + 1 : fix + 3])
        assert below.startswith('data[0].exclude.finding = "answer cut"')
        await pilot.press("j")
        assert widget.fix is found[0].fixes[0]
        await pilot.press("j")
        assert widget.fix is found[0].fixes[1], "the line below is passed over"


@pytest.mark.parametrize(("no_color", "ascii_only"), [(False, False), (True, False), (True, True)])
async def test_the_pane_with_the_focus_is_known_without_colour(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, no_color: bool, ascii_only: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    widget = TokenFindings()
    app = make_app(ascii_only=ascii_only)

    def reversed_cells() -> bool:
        strips = app.screen._compositor.render_strips()
        return any(segment.style and segment.style.reverse for strip in strips for segment in strip)

    async with hosting(app, widget, (60, 9)) as pilot:
        widget.show(findings(), rows=100)
        await pilot.pause()
        mark = "+> findings" if ascii_only else "╭▸ findings"
        assert mark in lines(app)[0]
        assert reversed_cells() is no_color
        app.screen.set_focus(None)
        await pilot.pause()
        assert mark not in lines(app)[0]
        assert not reversed_cells()
        assert any("resting" in ink.split() for row in widget._rows for _, ink in row)


async def test_no_finding(make_app: Make) -> None:
    widget = TokenFindings()
    app = make_app()
    async with hosting(app, widget, (60, 6)) as pilot:
        widget.show([], rows=7473)
        await pilot.press("enter", "j")
        assert "✓ Nothing found in 7,473 rows." in shown(app)
        widget.show([], rows=2000, complete=False)
        await pilot.pause()
        assert "Nothing found in the first 2,000 rows." in shown(app)
        assert heard(app) == []
