"""The parts of the Data screen by themselves: pages, column widths, histograms, paths, rows as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.facts import FieldText, Histogram, Turn
from engine.service.protocol import RowBrief, RowInFull
from tests.tui.datafiles import boats
from tui import words
from tui.data import recent
from tui.data.model import Wanted
from tui.data.pages import MOST_ASKED, MOST_PAGES, PAGE_ROWS, Pages
from tui.data.places import complete, listing, parted, section_of, sections_of
from tui.data.whole import as_json, as_page
from tui.glyphs import ASCII, UNICODE
from tui.histogram import bars, columns_of, drawn, figure
from tui.keys import KEYS, PLACES
from tui.text import cell_len
from tui.widgets.path_input import one_line_of
from tui.widgets.row_view import LEAST_SHARED, around, column_widths, highlighted


def filled(pages: Pages, page: int, rows: int = PAGE_ROWS) -> None:
    """A page comes."""
    briefs = [RowBrief(page * PAGE_ROWS + i + 1, [str(i)]) for i in range(rows)]
    pages.take(page, pages.generation, ["a"], briefs)


def test_pages_are_asked_for_around_the_view_and_never_many() -> None:
    pages = Pages()
    assert pages.missing(0, 30, 0) == []
    assert pages.missing(0, 30, 1_000_000) == [0, 1]
    assert pages.missing(PAGE_ROWS * 5 + 50, PAGE_ROWS * 6 + 10, 1_000_000) == [5, 6]
    pages.ask(5, 1_000_000)
    assert pages.missing(PAGE_ROWS * 5 + 50, PAGE_ROWS * 6 + 10, 1_000_000) == [6]
    pages.ask(6, 1_000_000)
    assert pages.missing(0, 30, 1_000_000) == [], f"{MOST_ASKED} are on their way"
    for page in range(100):
        filled(pages, page)
    assert len(pages) == MOST_PAGES
    assert pages.row(99 * PAGE_ROWS + 3).number == 99 * PAGE_ROWS + 4  # type: ignore[union-attr]
    assert pages.row(3) is None


def test_a_page_that_was_not_whole_is_asked_for_again_when_there_are_more_rows() -> None:
    pages = Pages()
    pages.ask(0, 10)
    filled(pages, 0, 10)
    assert pages.missing(0, 30, 10) == []
    assert pages.missing(0, 30, 40) == [0]
    pages.ask(0, 40)
    filled(pages, 0, 12)
    assert pages.missing(0, 30, 40) == [], "a page that stays short is not asked for without end"


def test_what_was_asked_for_before_a_refresh_is_not_taken() -> None:
    pages = Pages()
    filled(pages, 0)
    pages.ask(1, 200)
    before = pages.generation
    pages.refresh()
    pages.take(1, before, ["old"], [RowBrief(1, ["x"])])
    assert pages.row(PAGE_ROWS) is None
    assert pages.row(0) is not None, "what is here is shown until it comes anew"
    assert pages.missing(0, 30, 200) == [0, 1]
    pages.lose(0, pages.generation, "no such view")
    assert pages.missing(0, 30, 200) == [], "what failed is not asked for without end"


@given(st.lists(st.integers(4, 100), min_size=1, max_size=12), st.integers(10, 200))
def test_columns_share_the_room(natural: list[int], room: int) -> None:
    widths = column_widths(natural, room)
    gaps = 2 * (len(widths) - 1)
    if sum(natural) + gaps <= room:
        assert sum(widths) + gaps == room
        assert all(width >= wanted for width, wanted in zip(widths, natural, strict=True))
    else:
        assert all(0 < width <= wanted for width, wanted in zip(widths, natural, strict=True))
    if sum(widths) + gaps > room:  # the rest is reached by scrolling, and none is wider than the least
        assert max(widths) <= LEAST_SHARED


def test_the_layers_of_a_view_come_off_in_turn() -> None:
    wanted = Wanted(pattern="x")
    wanted.put("search", True)
    wanted.put("kept", True)
    wanted.kept = True
    assert [wanted.take_off(), wanted.take_off(), wanted.take_off()] == ["kept", "search", None]
    assert wanted.plain
    assert not wanted.pattern


def test_what_is_found_is_seen_and_lifted() -> None:
    text = "x" * 50 + "needle" + "y" * 50
    assert around(text, "NEEDLE", 30).startswith("…xxxxxxxxxxneedle")
    assert around("needle" + text, "needle", 30) == "needle" + text
    assert highlighted("a needle", "NEED", "text") == [("a ", "text"), ("need", "strong"), ("le", "text")]
    assert highlighted("İstanbul needle", "needle", "text")[0][0].startswith("İ"), "letters that change with their case"


def test_histograms_show_every_row() -> None:
    tall = Histogram([0, 10, 20, 30], [10_000, 0, 1])
    rows = drawn(tall, 12, 3, UNICODE)
    assert [text for row in rows for text, _ in row] == ["████        ", "████        ", "████    ▁▁▁▁", "0         30"]
    assert all(text.isascii() for row in drawn(tall, 12, 3, ASCII) for text, _ in row)
    assert columns_of(Histogram(list(range(31)), [1] * 30), 10) == [3] * 10
    assert drawn(Histogram([0, 1], [0]), 10, 2, UNICODE) == []
    named = bars({"中文": 90, "en": 10, "de": 1}, 30, 2, UNICODE)
    assert [sum(cell_len(text) for text, _ in row) <= 42 for row in named] == [True] * 3
    assert named[2] == [("and 1 more values in 1 rows", "faint")]
    assert [figure(value) for value in (None, 3.0, 0.1234, 1234567.0, float("inf"), 45.678)] == [
        *("-", "3", "0.123", "1.2M", "inf", "45.7"),
    ]
    assert [words.short_bytes(value) for value in (812, 4_166_206, 1.2e9)] == ["812 B", "4.2 MB", "1.2 GB"]


def test_paths_as_people_type_and_paste_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "two words").mkdir()
    spaced, plain = boats(tmp_path / "two words" / "a b.jsonl", 2), boats(tmp_path / "b.jsonl", 2)
    assert sections_of(str(spaced)) == [{"path": str(spaced)}]
    assert sections_of(f"'{spaced}' ~/b.jsonl") == [{"path": str(spaced)}, {"path": str(plain)}]
    assert sections_of(str(spaced).replace(" ", "\\ ")) == [{"path": str(spaced)}]
    assert sections_of(one_line_of(f"{spaced}\n{plain}\n")) == [{"path": str(spaced)}, {"path": str(plain)}]
    assert sections_of("gsm8k openai/gsm8k") == [{"preset": "gsm8k"}, {"path": "openai/gsm8k"}]
    assert sections_of("it's") == [{"path": str(tmp_path / "it's")}]
    assert section_of("nothing.jsonl") == {"path": str(tmp_path / "nothing.jsonl")}
    assert sections_of("  ") == []
    names = [entry.name for entry in listing(*parted("two words/"))]
    assert names == ["a b.jsonl"]
    assert complete("tw", listing(*parted("tw"))) == "two words/"
    assert complete("zzz", listing(*parted("zzz"))) == "zzz"


def test_what_was_opened_last_comes_first_and_a_broken_file_is_no_matter(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        recent.remember({"path": f"/{name}.jsonl", "format": "auto", "weight": 2.0, "columns": {"prompt": name}})
    assert recent.load() == [
        {"path": "/a.jsonl", "columns": {"prompt": "a"}},
        {"path": "/b.jsonl", "columns": {"prompt": "b"}},
    ]
    recent.recent_path().write_text("[1, {")
    assert recent.load() == []
    recent.remember({"preset": "gsm8k"})
    assert recent.load() == [{"preset": "gsm8k"}]


def test_a_row_as_json_says_what_the_file_says() -> None:
    values = {
        "text": 'a "b"\n\u200b',
        "number": 12345678901234567890,
        "list": [1, {"x": None}],
        "nothing": None,
        "yes": True,
    }
    fields = [
        FieldText(
            name, "text" if isinstance(value, str) else "other", value if isinstance(value, str) else json.dumps(value)
        )
        for name, value in values.items()
    ]
    row = RowInFull(
        source=1, number=3, origin="f:3", fields=fields, conversations=[[Turn("assistant", "hi", "a", True)]]
    )
    assert json.loads(as_json(row)) == values
    assert "assistant (trained):\nhi" in as_page(row)
    assert as_json(RowInFull(source=1, number=3, origin="f:3", raw="{torn")) == "{torn"


def test_every_place_has_keys() -> None:
    assert {key.where for key in KEYS} == set(PLACES)
