"""Tables: the same rows by number, in pages and in a scan, whatever the file and wherever a piece of it ends."""

from __future__ import annotations

import csv
import io
import json
import resource
import tempfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.data import DataSection
from engine.data.delimited import DelimitedTable
from engine.data.open import open_table, splits_of, unassigned_files
from engine.data.rows import BadLine, Row
from engine.data.spans import SpanTable
from engine.data.stream import open_bytes
from engine.data.table import Table
from engine.errors import DataError
from tests.shared import DATA, needs_shared


def opened(path: Path, **keys: Any) -> Table:
    return open_table(DataSection(path=str(path), **keys))


def values(table: Table) -> list[dict[str, Any]]:
    records = list(table.scan())
    assert all(isinstance(record, Row) for record in records)
    return [record.values for record in records if isinstance(record, Row)]


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def lines(*texts: str) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_text_by_line_paragraph_and_document(tmp_path: Path, piece: int) -> None:
    path = write(tmp_path / "t.txt", "\ufeffone\r\n two\n\n\nthree\n\t\nfour")
    wanted = {
        "line": [("one", 1), (" two", 2), ("", 3), ("", 4), ("three", 5), ("\t", 6), ("four", 7)],
        "paragraph": [("one\n two", 1), ("three", 5), ("four", 7)],
        "document": [("one\n two\n\n\nthree\n\t\nfour", 1)],
    }
    for unit, rows in wanted.items():
        table = opened(path, text_unit=unit)
        assert isinstance(table, SpanTable)
        while table.grow(piece):
            pass
        found = [(record.values["text"], record.origin) for record in table.scan() if isinstance(record, Row)]
        assert found == [(text, f"t.txt:{line}") for text, line in rows]


def test_a_row_of_text_that_is_no_utf8_costs_itself(tmp_path: Path) -> None:
    found = list(opened(write(tmp_path / "t.txt", b"a\n\xff\nb\n")).scan())
    assert [type(record) for record in found] == [Row, BadLine, Row]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8), piece=st.integers(1, 60), tab=st.booleans())
def test_csv_cells_come_back_wherever_pieces_end(rows: list[list[str]], piece: int, tab: bool) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t" if tab else ",", quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "d.csv", out.getvalue())
        table = DelimitedTable(open_bytes(path), "tsv" if tab else "csv")
        while table.grow(piece):
            pass
        assert values(table) == [dict(zip("abc", row, strict=True)) for row in rows]


def test_a_csv_record_that_is_wrong_costs_only_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", 'q,a\n1,2\n1,2,3\n"open,2\n3,4\n\n5,"x\ny"\n')
    found = list(opened(path).scan())
    assert [record.origin for record in found] == ["d.csv:2", "d.csv:3", "d.csv:4", "d.csv:5", "d.csv:7"]
    assert [isinstance(record, BadLine) for record in found] == [False, True, True, False, False]
    assert "has 3 cells where the header names 2 columns" in found[1].reason
    with pytest.raises(DataError, match="names a column twice: q, q"):
        opened(write(tmp_path / "e.csv", "q,q\n1,2\n")).grow()


def test_parquet_and_arrow_by_number_across_their_groups(tmp_path: Path) -> None:
    rows = [{"text": f"row {i}", "n": i, "part": {"x": [i]}} for i in range(1000)]
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, tmp_path / "d.parquet", row_group_size=64)
    with pyarrow.OSFile(str(tmp_path / "d.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=64)
    for name in ("d.parquet", "d.arrow"):
        found = opened(tmp_path / name)
        assert (found.known, found.complete) == (1000, True)
        assert values(found) == rows
        some = found.records(60, 70)
        assert [record.origin for record in some] == [f"{name}#{i}" for i in range(61, 71)]
        assert json.loads(found.raw(999)) == rows[999]
    with pytest.raises(DataError, match="no readable Parquet file"):
        opened(write(tmp_path / "bad.parquet", b"PAR1 but not really"))


def test_a_folder_is_read_by_its_splits(tmp_path: Path) -> None:
    write(tmp_path / "d/train-00000.jsonl", lines("a", "b"))
    write(tmp_path / "d/train-00001.jsonl.gz", __import__("gzip").compress(lines("c").encode()))
    write(tmp_path / "d/dev.jsonl", lines("v"))
    write(tmp_path / "d/notes.jsonl", lines("n"))
    write(tmp_path / "d/dataset_info.json", "{}")
    write(tmp_path / "d/.cache/x.jsonl", lines("hidden"))
    section = DataSection(path=str(tmp_path / "d"))
    assert splits_of(section) == ["train", "validation"]
    assert unassigned_files(tmp_path / "d") == ["notes.jsonl"]
    train = open_table(section)
    assert [row["text"] for row in values(train)] == ["a", "b", "c"]
    assert [record.origin for record in train.records(1, 3)] == ["train-00000.jsonl:2", "train-00001.jsonl.gz:1"]
    assert json.loads(train.raw(2)) == {"text": "c"}
    assert values(opened(tmp_path / "d", split="validation")) == [{"text": "v"}]
    with pytest.raises(DataError, match="has no split 'test'; it has train, validation"):
        opened(tmp_path / "d", split="test")
    write(tmp_path / "e/one.jsonl", lines("1"))
    write(tmp_path / "e/sub/test.csv", "text\n2\n")
    assert [row["text"] for row in values(opened(tmp_path / "e"))] == ["1", "2"], "no train among them: no guess"
    (tmp_path / "f").mkdir()
    with pytest.raises(DataError, match="is a folder without data files"):
        opened(tmp_path / "f")


def test_rows_of_equal_files_in_folders_do_not_look_alike(tmp_path: Path) -> None:
    write(tmp_path / "d/a/rows.jsonl", lines("x"))
    write(tmp_path / "d/b/rows.jsonl", lines("y"))
    assert [record.origin for record in opened(tmp_path / "d").scan()] == ["a/rows.jsonl:1", "b/rows.jsonl:1"]


def test_objects_are_one_row_one_list_or_columns(tmp_path: Path) -> None:
    cases: list[tuple[Any, int]] = [
        ({"version": 1, "data": [{"text": "a"}, {"text": "b"}]}, 2),
        ({"messages": [{"role": "user", "content": "u"}]}, 1),
        ({"input_ids": [1, 2, 3], "labels": [1, 2, 3]}, 1),
        ({"input_ids": [[1, 2], [3]], "labels": [[1, 2], [3]]}, 2),
        ({"name": "about", "size": 3}, 1),
    ]
    for number, (value, count) in enumerate(cases):
        for indent in (None, 2):
            path = write(tmp_path / f"{number}-{indent}.json", json.dumps(value, indent=indent))
            assert opened(path).known == count
    assert values(opened(tmp_path / "3-None.json")) == [
        {"input_ids": [1, 2], "labels": [1, 2]},
        {"input_ids": [3], "labels": [3]},
    ]


def test_a_broken_file_in_a_folder_costs_only_itself(tmp_path: Path) -> None:
    write(tmp_path / "d/a.json", '{"text": 1')
    write(tmp_path / "d/b.jsonl", lines("x"))
    bad, row = opened(tmp_path / "d").scan()
    assert isinstance(bad, BadLine)
    assert (bad.origin, bad.column) == ("a.json#1", 11)
    assert row.origin == "b.jsonl:1"


def test_growing_is_seen_and_ends(tmp_path: Path) -> None:
    table = opened(write(tmp_path / "d.jsonl", lines(*map(str, range(5000)))))
    assert isinstance(table, SpanTable)
    known = [table.known]
    while table.grow(10_000):
        known.append(table.known)
    assert known == sorted(set(known))
    assert (table.known, table.complete, table.bytes_done) == (5000, True, table.bytes_total)
    assert [json.loads(table.raw(i))["text"] for i in (0, 2499, 4999)] == ["0", "2499", "4999"]
    block, starts = table.block(10, 13)
    assert block[starts[1] :].startswith(b'{"text": "11"}')
    assert table.records(4998, 9999)[-1].origin == "d.jsonl:5000"
    assert table.records(7000, 7001) == []


def test_what_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", lines("a"))
    with pytest.raises(DataError, match=r"There is no data file .*trian.jsonl. Data files there: train.jsonl"):
        opened(tmp_path / "trian.jsonl")
    with pytest.raises(DataError, match=r"has the ending '.docx'"):
        opened(write(tmp_path / "d.docx", b"x"))
    with pytest.raises(DataError, match="is one file and has no split 'test'"):
        opened(tmp_path / "train.jsonl", split="test")
    with pytest.raises(DataError, match="compressed inside already"):
        opened(write(tmp_path / "d.parquet.gz", b"\x1f\x8b"))


@needs_shared
def test_every_shared_text_keeps_its_lines() -> None:
    for path in sorted((DATA / "datasets" / "text").glob("*.txt")):
        raw = path.read_bytes()
        assert len(list(opened(path).scan())) == raw.count(b"\n") + (not raw.endswith(b"\n")), path.name


def test_a_value_that_python_cannot_hold_costs_its_row(tmp_path: Path) -> None:
    column = pyarrow.array([0, 2**62, 1], pyarrow.timestamp("us"))
    pyarrow.parquet.write_table(pyarrow.table({"at": column}), tmp_path / "t.parquet")
    table = opened(tmp_path / "t.parquet")
    assert [type(record) for record in table.scan()] == [Row, BadLine, Row]
    (bad,) = table.records(1, 2)
    assert isinstance(bad, BadLine)
    assert bad.origin == "t.parquet#2"
    assert "date value out of range" in bad.reason
    assert b"date value out of range" in table.raw(1)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    twins = pyarrow.table([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"])
    pyarrow.parquet.write_table(twins, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="names a column twice: a, a"):
        opened(tmp_path / "t.parquet")


def test_a_header_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"question,ans\xffwer\nq,a\n")
    with pytest.raises(DataError, match=r"names the columns, is not UTF-8 \(byte 13\)"):
        list(opened(tmp_path / "t.csv").scan())


def test_lines_in_a_json_file_are_told_by_most_of_them(tmp_path: Path) -> None:
    good = "".join(json.dumps({"a": number}) + "\n" for number in range(30))
    (tmp_path / "bad.json").write_text('{"a": NaN}\n' + good)
    (tmp_path / "long.json").write_text(json.dumps({"a": "x" * (1 << 20)}) + "\n" + good)
    (tmp_path / "one.json").write_text('{"a": {\n"b": NaN\n},\n"c": 1\n}\n')
    assert [type(record) for record in opened(tmp_path / "bad.json").scan()] == [BadLine] + [Row] * 30
    assert [type(record) for record in opened(tmp_path / "long.json").scan()] == [Row] * 31
    assert [type(record) for record in opened(tmp_path / "one.json").scan()] == [BadLine]


def test_a_file_that_becomes_shorter_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n' * 1000)
    table = opened(path)
    with path.open("r+b") as file:
        file.truncate(900)
    assert len(list(table.scan())) == 100
    assert "became shorter while it was read" in table.problem


def test_more_files_than_may_be_open_are_refused(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"{number}.txt").write_text("x")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        with pytest.raises(DataError, match="more data files than a process may have open at once"):
            opened(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("name", "text"), [("state.json", '{"_data_files": ["x"]}'), ("dataset_dict.json", '{"splits": 5}')]
)
def test_a_saved_folder_that_is_damaged_is_explained(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="Copy"):
        opened(tmp_path)
