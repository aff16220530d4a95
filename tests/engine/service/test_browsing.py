"""Opening, pages, rows in full, other readings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import ConfigError, DataError
from engine.service import sources as sources_module
from engine.service.protocol import (
    Close,
    Detail,
    Done,
    Filter,
    Grown,
    Interpret,
    Matched,
    Opened,
    Page,
    RowInFull,
    Rows,
)
from tests.engine.service.talk import Talk


def test_what_opening_says(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    opened, grown = talk.channel.said
    assert isinstance(opened, Opened)
    assert opened.section == {"path": str(mixed_file)}
    assert opened.facts.format == "question_answer"
    assert opened.facts.kind == "jsonl"
    assert [column.name for column in opened.facts.columns] == ["question", "answer"]
    assert isinstance(grown, Grown)
    assert (grown.id, grown.rows, grown.complete, grown.problem) == (opened.id, 300, True, "")
    assert grown.bytes_done == grown.bytes_total == mixed_file.stat().st_size
    assert source.known == 300


def test_a_page_has_cells_on_one_line_and_says_what_is_wrong(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file, exclude={"rows": [3]}, max_rows=260)
    page = talk.ask(Page, Rows, source=source.number, start=0, count=10, clip=12)
    assert page.columns == ["question", "answer"]
    assert [row.number for row in page.rows] == list(range(1, 11))
    assert page.rows[0].cells == ["Who keeps l…", "Keeper 0."]
    states = {row.number: (row.state, row.note) for row in page.rows if row.state != "ok"}
    assert states[3] == ("excluded", "left out by exclude.rows")
    assert states[5][0] == "unreadable"
    assert "column 44" in states[5][1]
    assert page.rows[4].cells == ["", ""]
    assert states[7] == ("misfit", "column 'answer' is a number, not a text")
    assert states[9] == ("excluded", "nothing to learn: with an empty answer")
    assert set(states) == {3, 5, 7, 9}
    late = talk.ask(Page, Rows, source=source.number, start=250, count=1)
    assert (late.rows[0].state, late.rows[0].note) == ("ok", "also has place")
    assert talk.ask(Page, Rows, source=source.number, start=270, count=1).rows[0].note == "beyond max_rows = 260"


def test_pages_beyond_the_end_are_short_or_empty(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    assert [row.number for row in talk.ask(Page, Rows, source=source.number, start=298, count=50).rows] == [299, 300]
    assert talk.ask(Page, Rows, source=source.number, start=5000, count=50).rows == []
    assert talk.ask(Page, Rows, source=source.number, start=-5, count=2).rows[0].number == 1


def test_values_that_are_no_texts_are_shown_as_json(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    row = {"n": 10**30, "list": ["é", 1], "null": None, "text": "a\nb\x1b[31m", "long": "x" * 100_000}
    path.write_text(json.dumps(row) + "\n")
    source = talk.open(path)
    (brief,) = talk.ask(Page, Rows, source=source.number, clip=20).rows
    assert brief.cells == [str(10**30)[:19] + "…", '["é",1]', "null", "a⏎b␛[31m", "x" * 19 + "…"]
    full = talk.ask(Detail, RowInFull, source=source.number, number=1, limit=50)
    fields = {field.name: field for field in full.fields}
    assert fields["list"].text == '[\n  "é",\n  1\n]'
    assert (fields["long"].text, fields["long"].cut) == ("x" * 50, 99_950)
    assert fields["text"].text == "a\nb\x1b[31m"
    assert {name: field.kind for name, field in fields.items()} == {
        "n": "number",
        "list": "list",
        "null": "null",
        "text": "text",
        "long": "text",
    }
    whole = talk.ask(Detail, RowInFull, source=source.number, number=1, limit=0)
    assert [field.cut for field in whole.fields] == [0] * 5


def test_a_row_in_full_has_its_turns(talk: Talk, tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"x": 1}'}}
    turns = [
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call], "weight": 0},
        {"role": "tool", "content": "There."},
        {"role": "assistant", "content": "There it is."},
    ]
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"messages": turns}) + "\n")
    source = talk.open(path)
    full = talk.ask(Detail, RowInFull, source=source.number, number=1)
    assert full.origin == "chat.jsonl:1"
    (conversation,) = full.conversations
    assert [(turn.role, turn.trained) for turn in conversation] == [
        ("user", False),
        ("assistant", False),
        ("tool", False),
        ("assistant", True),
    ]
    assert conversation[1].text.startswith("I look.\nfind(")
    assert conversation[3].source == "messages[3]"


def test_an_unreadable_row_is_shown_as_it_stands(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    full = talk.ask(Detail, RowInFull, source=source.number, number=5)
    assert (full.state, full.fields, full.conversations) == ("unreadable", [], [])
    assert full.raw == '{"question": "Who keeps lamp 4?", "answer": '
    assert talk.ask(Detail, RowInFull, source=source.number, number=7).conversations == []
    with pytest.raises(DataError, match=r"has 300 rows; there is no row 301"):
        talk.ask(Detail, RowInFull, source=source.number, number=301)
    with pytest.raises(DataError, match="no row 0"):
        talk.ask(Detail, RowInFull, source=source.number, number=0)


def test_other_keys_read_the_same_rows(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    keys = {"path": str(mixed_file), "columns": {"prompt": "answer", "answer": "question"}, "format": "question_answer"}
    opened = talk.ask(Interpret, Opened, source=source.number, section=keys)
    assert opened.source == source.number
    assert opened.section == keys
    assert {column.name: column.role for column in opened.facts.columns} == {"question": "answer", "answer": "prompt"}
    full = talk.ask(Detail, RowInFull, source=source.number, number=1)
    assert [turn.text for turn in full.conversations[0]] == ["Keeper 0.", "Who keeps lamp 0?"]


def test_keys_that_would_make_other_rows_are_refused(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    with pytest.raises(DataError, match="Open it anew to change `text_unit`"):
        talk.ask(Interpret, Opened, source=source.number, section={"path": str(mixed_file), "text_unit": "document"})
    with pytest.raises(ConfigError, match=r"\[\[data\]\]: unknown key `formt`; did you mean `format`"):
        talk.ask(Interpret, Opened, source=source.number, section={"path": str(mixed_file), "formt": "text"})


def test_a_file_that_is_not_there_is_said(talk: Talk, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no data file"):
        talk.open(tmp_path / "none.jsonl")
    assert talk.sources.all() == []


def test_a_closed_source_is_gone(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    talk.ask(Filter, Matched, source=source.number, pattern="lamp")
    talk.ask(Close, Done, source=source.number)
    with pytest.raises(DataError, match=r"no open source 1 \(open: none\)"):
        talk.ask(Page, Rows, source=source.number)


def test_many_columns_are_cut_and_that_is_said(talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "MOST_COLUMNS", 3)
    path = tmp_path / "wide.jsonl"
    path.write_text(json.dumps({f"c{i}": str(i) for i in range(5)}) + "\n")
    source = talk.open(path)
    assert talk.ask(Page, Rows, source=source.number).columns == ["c0", "c1", "c2"]
    assert any("5 columns" in note for note in source.facts.notes)
    assert len(talk.ask(Detail, RowInFull, source=source.number, number=1).fields) == 5
