"""What the widgets of the Tokens screen reckon with: cells of a batch, a histogram and its limit, splits, lines of parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.token_facts import DocumentFact, LengthFacts
from tests.tui.tokenfacts import lengths, line_of, parity, split, token
from tui.cells import FEW, borders_of, cells_of, trained_within
from tui.flow import flowed
from tui.glyphs import ASCII, UNICODE
from tui.histogram import lying
from tui.lengths import cut_by, length_at, place_of, scaled, stepped
from tui.rows import Row
from tui.splits import splits
from tui.text import cell_len
from tui.widgets.batch_map import ending
from tui.widgets.length_chart import limit_name, share
from tui.widgets.parity_view import first_position, paired
from tui.widgets.token_findings import said

RUNS = st.lists(st.tuples(st.sampled_from("tm."), st.integers(1, 60)), min_size=1, max_size=12)


def text_of(row: Row) -> str:
    return "".join(text for text, _ in row)


# Cells of a batch


def test_a_cell_shows_what_prevails() -> None:
    assert cells_of([("m", 30), ("t", 50), (".", 20)], 100, 10) == "mmmttttt.."
    assert cells_of([("m", 36), ("t", 44), (".", 20)], 100, 10) == "mmmmtttt.."
    assert cells_of([("m", 1), ("t", 1)], 2, 8) == "mmmmtttt", "fewer tokens than cells"
    assert cells_of([("t", 5)], 10, 10) == "ttttt     ", "a micro-batch that is narrower than the batch"
    assert cells_of([], 10, 3) == "   "
    assert cells_of([("t", 5)], 0, 3) == "   "
    assert cells_of([("t", 5)], 5, 0) == ""


def test_a_single_trained_token_is_seen() -> None:
    assert cells_of([("m", 999), ("t", 1)], 1000, 10) == "mmmmmmmmm" + FEW
    assert cells_of([("m", 500), ("t", 1), ("m", 499)], 1000, 10).count(FEW) == 1
    assert cells_of([("m", 95), ("t", 10), ("m", 95)], 200, 10).count(FEW) == 1, "split between two cells"


@given(RUNS, st.integers(1, 80))
def test_cells_keep_every_proportion(runs: list[tuple[str, int]], columns: int) -> None:
    tokens = sum(count for _, count in runs)
    kinds = cells_of(runs, tokens, columns)
    assert len(kinds) == columns
    at = 0
    for kind, count in runs:
        first, last = at * columns // tokens, ((at + count) * columns - 1) // tokens
        if kind == "t":
            assert set(kinds[first : last + 1]) & {"t", FEW}, "no trained run is lost"
        whole = kinds[-(-at * columns // tokens) : (at + count) * columns // tokens]
        assert set(whole) <= {kind}, "a cell within one run is of its kind"
        at += count
    assert " " not in kinds


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=8), st.integers(4, 60))
def test_borders_hide_no_trained_token(rows: list[tuple[int, int]], columns: int) -> None:
    rows = [(masked, trained) for masked, trained in rows if masked + trained] or [(1, 1)]
    width = sum(map(sum, rows))
    line = line_of(*(("o", masked, trained) for masked, trained in rows), width=width)
    kinds = cells_of(line.cells, width, columns)
    borders = borders_of(line.documents, kinds, width)
    assert all(kinds[column] != FEW for column in borders)
    shown = "".join("|" if i in borders else kind for i, kind in enumerate(kinds))
    runs: list[tuple[int, int]] = []  # rows may stand with answer against answer: such a run has one border at most
    at = 0
    for kind, count in line.cells:
        if kind == "t":
            runs.append((at * columns // width, ((at + count) * columns - 1) // width))
        at += count
    for first, last in runs:
        before = set(kinds[max(0, first - 1) : last + 1])
        assert not before & {"t", FEW} or set(shown[max(0, first - 1) : last + 1]) & {"t", FEW}


def test_borders_name_their_row() -> None:
    line = line_of(("a", 10, 20), ("b", 20, 20), ("c", 20, 10), width=100)
    assert borders_of(line.documents, cells_of(line.cells, 100, 50), 100) == {15: 1, 35: 2}
    assert borders_of([], "mmm", 3) == {}
    assert borders_of([DocumentFact(1, "", 0, 3)], "mmm", 0) == {}
    assert [trained_within(line, document.start, document.end) for document in line.documents] == [20, 20, 10]


def test_the_end_of_an_origin_is_kept() -> None:
    assert ending("rows.jsonl:17", 20) == "rows.jsonl:17"
    assert ending("a-long-name-of-rows.jsonl:17", 12) == "…ws.jsonl:17"
    assert ending("x", 0) == ""
    for width in range(1, 20):
        assert cell_len(ending("中文数据集.jsonl:7\x1b[2J" * 30, width)) <= width


# A limit


def test_what_a_limit_cuts_is_exact_at_the_edges_of_bins() -> None:
    facts = lengths()  # one row of each length from 0 to 999
    for limit in (99, 499, 999):
        cut = cut_by(facts, limit)
        assert (cut.exact, cut.rows) == (True, 999 - limit)
        assert cut.tokens == pytest.approx(sum(n - limit for n in range(limit + 1, 1000)))
    cut = cut_by(facts, 512)
    assert not cut.exact
    assert cut.rows == pytest.approx(487), "one of each length is spread evenly, too"
    assert cut_by(facts, 5000) == cut_by(facts, 999)
    assert cut_by(facts, 5000).rows == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 400), st.integers(1, 40))
def test_a_longer_limit_cuts_less(counts: list[int], limit: int, size: int) -> None:
    edges = [i * size for i in range(len(counts) + 1)]
    facts = LengthFacts(
        rows=sum(counts), tokens=1, supervised=0, max_length=8, edges=edges, counts=counts, max=edges[-1]
    )
    here, beyond = cut_by(facts, limit), cut_by(facts, limit + 1)
    assert 0 <= beyond.rows <= here.rows <= sum(counts) + 1e-9
    assert 0 <= beyond.tokens <= here.tokens


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=20, unique=True), st.integers(0, 1200))
def test_a_length_lies_where_it_is_read(edges: list[int], length: int) -> None:
    edges = sorted(edges)
    facts = LengthFacts(
        rows=1, tokens=1, supervised=0, max_length=8, edges=edges, counts=[1] * (len(edges) - 1), max=edges[-1]
    )
    place = place_of(facts, length)
    assert 0 <= place <= 1
    assert length_at(facts, place) == pytest.approx(min(max(length, edges[0]), edges[-1]))


def test_the_limit_moves_in_steps() -> None:
    def ladder(start: int, by: int, times: int, context: int | None = None) -> list[int]:
        found = [start]
        for _ in range(times):
            found.append(stepped(found[-1], by, context))
        return found

    assert ladder(500, 1, 3) == [500, 512, 576, 640]
    assert ladder(500, -1, 2) == [500, 448, 384]
    assert ladder(1984, 1, 3) == [1984, 2048, 2304, 2560]
    assert ladder(2560, -1, 4) == [2560, 2304, 2048, 1984, 1920]
    assert ladder(2100, -1, 1) == [2100, 2048]
    assert ladder(100, -1, 3) == [100, 64, 8, 8]
    assert ladder(8, 1, 2) == [8, 64, 128]
    assert ladder(900, 1, 3, context=1000) == [900, 960, 1000, 1000]
    assert ladder(4096, 1, 1, context=2048) == [4096, 4096], "it is beyond the model already: no further"
    assert ladder(4096, -1, 1, context=2048) == [4096, 2048]
    assert [scaled(512, True, None), scaled(512, True, 1000), scaled(512, False, None), scaled(9, False, None)] == [
        *(1024, 1000, 256, 8),
    ]


@given(st.integers(8, 10_000), st.one_of(st.none(), st.integers(8, 10_000)))
def test_steps_never_leave_what_is_allowed(limit: int, context: int | None) -> None:
    up, down = stepped(limit, 1, context), stepped(limit, -1, context)
    assert up >= limit >= down >= 8
    assert context is None or up <= max(context, limit)


def test_shares_and_names() -> None:
    assert [share(part, 10_000) for part in (0, 0.5, 7, 123, 4100)] == ["0 %", "<0.01 %", "0.07 %", "1.2 %", "41 %"]
    assert share(1, 0) == "0 %"
    assert [limit_name(limit) for limit in (256, 1000, 1024, 8192)] == ["256", "1,000", "1k", "8k"]


# Bars, lines of parts, splits


def test_bars_lie_by_eighths() -> None:
    assert [lying(share_, 2, UNICODE) for share_ in (0, 0.001, 0.25, 0.5, 0.75, 1, 2)] == [
        *("", "▏", "▌", "█", "█▌", "██", "██"),
    ]
    assert [lying(share_, 2, ASCII) for share_ in (0, 0.001, 0.6, 1)] == ["", "#", "#", "##"]
    assert lying(1, 0, UNICODE) == ""


def test_every_symbol_is_one_cell_and_ascii_where_it_must_be() -> None:
    names = ("eighths", "cell_trained", "cell_few", "cell_prompt", "cell_padding", "border", "limit", "tick")
    for name in names:
        assert all(cell_len(char) == 1 for char in getattr(UNICODE, name))
        assert getattr(ASCII, name).isascii()
    for glyphs in (UNICODE, ASCII):
        kinds = [glyphs.cell_trained, glyphs.cell_few, glyphs.cell_prompt, glyphs.cell_padding, glyphs.border]
        assert len(set(kinds)) == len(kinds), "kinds are told apart without colour"


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(5, 80))
def test_parts_flow(sizes: list[int], width: int) -> None:
    rows = flowed([[("x" * size, "text")] for size in sizes], width, UNICODE)
    assert sum(text_of(row).count("x") for row in rows) == sum(sizes)
    assert all(len(text_of(row)) <= max(width, *sizes) for row in rows)
    for row, following in pairwise(rows):
        assert len(text_of(row)) + 3 + len(following[0][0]) > width, "a line is broken only where it must be"


def test_splits_show_blanks_bytes_and_ids() -> None:
    found = split("a b\n🙂c")
    tokens = [token(1, "<s>", special=True), *found.tokens]
    rows = splits(tokens, found.text, 60, UNICODE, ids=True)
    assert [text_of(row).rstrip() for row in rows] == [
        "<s> a·b ⏎",
        "1   3   4",
        "",
        "🙂⟨f0⟩+⟨9f⟩+⟨99⟩+⟨82⟩ c",
        "900    901  902  903  6",
    ]
    assert "reverse" in dict(rows[0])["<s>"]
    assert text_of(splits(tokens, found.text, 60, ASCII)[0]) == "<s> a_b \\n"


@given(st.text(max_size=40), st.integers(1, 40), st.booleans())
def test_splits_fit_whatever_is_split(text: str, width: int, ids: bool) -> None:
    found = split(text, 4)
    rows = splits(found.tokens, text, width, UNICODE, ids=ids)
    size = max(width, 9 if ids else 0)  # an id is never cut
    assert all(sum(cell_len(piece) for piece, _ in row) <= size for row in rows)
    assert sum(len([ink for _, ink in row if ink.endswith(("even", "odd"))]) for row in rows) == len(found.tokens)


# Words


def test_tokens_stand_beside_those_of_the_same_id() -> None:
    fact = parity().comparisons[1]
    assert paired(fact.trained, fact.given) == [(0, 0), (1, 1), (None, 2), (2, 3), (3, 4), (4, 5)]
    assert first_position(fact) == 10
    assert paired([], fact.given[:1]) == [(None, 0)]


def test_changes_in_words() -> None:
    changes = {"tokens.max_length": 811, "tokens.packing": "bfd", "tokens.train_on_eos": False, "model.revision": None}
    assert said(changes) == (
        'tokens.max_length = 811, tokens.packing = "bfd", tokens.train_on_eos = false, no model.revision'
    )
