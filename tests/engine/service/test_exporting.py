"""Rows written as they stand, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.data import export as exporting
from engine.data.export import json_text
from engine.errors import DataError
from engine.service.jobs import Ended
from engine.service.protocol import Export, Exported, Filter, Matched
from tests.engine.service.talk import Talk


def test_lines_are_copied_byte_for_byte(talk: Talk, tmp_path: Path) -> None:
    path, target = tmp_path / "odd.jsonl", tmp_path / "out.jsonl"
    lines = [b'{"a" :  "\\u7684", "b":1e2}', '{"a": "的"}'.encode(), b'{"a": "c"}\r', b'{"a": "d"}']
    path.write_bytes(b"\xef\xbb\xbf" + b"\n\n".join(lines))
    source = talk.open(path)
    done = talk.ask(Export, Exported, source=source.number, path=str(target))
    assert (done.path, done.rows, done.unreadable) == (str(target), 4, 0)
    assert target.read_bytes() == b"".join(line + b"\n" for line in lines)
    assert sorted(os.listdir(tmp_path)) == ["odd.jsonl", "out.jsonl"]


def test_unreadable_rows_go_beside_it(talk: Talk, mixed_file: Path, tmp_path: Path) -> None:
    source = talk.open(mixed_file)
    target = tmp_path / "out.jsonl"
    done = talk.ask(Export, Exported, source=source.number, path=str(target))
    assert (done.rows, done.unreadable) == (299, 1)
    lines = mixed_file.read_bytes().splitlines()
    assert (tmp_path / "out.jsonl.bad").read_bytes() == lines[4] + b"\n"
    assert target.read_bytes().splitlines() == lines[:4] + lines[5:]


def test_a_view_is_written_in_its_order_and_rows_in_theirs(talk: Talk, mixed_file: Path, tmp_path: Path) -> None:
    source = talk.open(mixed_file)
    lines = mixed_file.read_bytes().splitlines()
    view = talk.ask(Filter, Matched, source=source.number, pattern="keeper 1", sort="#", descending=True).view
    talk.ask(Export, Exported, source=source.number, view=view, path=str(tmp_path / "view.jsonl"))
    written = (tmp_path / "view.jsonl").read_bytes().splitlines()
    assert written == [lines[i] for i in [*range(199, 99, -1), *range(19, 9, -1), 1]]
    talk.ask(Export, Exported, source=source.number, rows=[7, 2, 7], path=str(tmp_path / "rows.jsonl"))
    assert (tmp_path / "rows.jsonl").read_bytes().splitlines() == [lines[6], lines[1], lines[6]]
    with pytest.raises(DataError, match="rows 1 to 300; there is no row 301"):
        talk.ask(Export, Exported, source=source.number, rows=[301], path=str(tmp_path / "no.jsonl"))


def test_other_files_become_json(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('question,answer\n"的 ""a""",1\n', encoding="utf-8")
    source = talk.open(path)
    talk.ask(Export, Exported, source=source.number, path=str(tmp_path / "out.jsonl"))
    written = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert "的" in written
    assert json.loads(written) == {"question": '的 "a"', "answer": "1"}


def test_nothing_is_replaced_without_leave(talk: Talk, mixed_file: Path, tmp_path: Path) -> None:
    source = talk.open(mixed_file)
    target = tmp_path / "out.jsonl"
    target.write_text("mine")
    with pytest.raises(DataError, match=r"out\.jsonl is there already"):
        talk.ask(Export, Exported, source=source.number, path=str(target))
    assert target.read_text() == "mine"
    talk.ask(Export, Exported, source=source.number, path=str(target), overwrite=True, rows=[1])
    assert target.read_bytes() == mixed_file.read_bytes().splitlines()[0] + b"\n"


def test_what_is_being_read_is_never_written_over(talk: Talk, mixed_file: Path, tmp_path: Path) -> None:
    source = talk.open(mixed_file)
    other = tmp_path / "other.jsonl"
    other.write_text('{"question": "a", "answer": "b"}\n')
    talk.open(other)
    before = mixed_file.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(mixed_file)
    for target in (mixed_file, other, tmp_path / "link.jsonl"):
        with pytest.raises(DataError, match="a file that is being read"):
            talk.ask(Export, Exported, source=source.number, path=str(target), overwrite=True)
    assert mixed_file.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "message"), [("", "needs the path"), ("{}", "is a folder"), ("{}/no/rows.jsonl", "There is no folder")]
)
def test_places_that_cannot_be_written(talk: Talk, mixed_file: Path, tmp_path: Path, path: str, message: str) -> None:
    source = talk.open(mixed_file)
    with pytest.raises(DataError, match=message):
        talk.ask(Export, Exported, source=source.number, path=path.format(tmp_path))


def test_a_full_disk_leaves_nothing_behind(
    talk: Talk, mixed_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    source = talk.open(mixed_file)
    monkeypatch.setattr(exporting.os, "fsync", full)
    with pytest.raises(DataError, match=r"cannot be written: No space left on device"):
        talk.ask(Export, Exported, source=source.number, path=str(tmp_path / "out.jsonl"))
    assert os.listdir(tmp_path) == ["mixed.jsonl"]


def test_an_export_that_is_cancelled_while_the_disk_works_leaves_nothing(
    talk: Talk, mixed_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = talk.open(mixed_file)
    monkeypatch.setattr(exporting.os, "fsync", lambda fd: talk.jobs.cancel_all())
    with pytest.raises(Ended):
        talk.ask(Export, Exported, source=source.number, path=str(tmp_path / "out.jsonl"))
    assert os.listdir(tmp_path) == ["mixed.jsonl"]


def test_what_came_there_meanwhile_is_not_replaced(
    talk: Talk, mixed_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.jsonl"
    source = talk.open(mixed_file)
    monkeypatch.setattr(exporting.os, "fsync", lambda fd: target.write_text("mine"))
    with pytest.raises(DataError, match="File exists"):
        talk.ask(Export, Exported, source=source.number, path=str(target))
    assert target.read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["mixed.jsonl", "out.jsonl"]


def test_a_name_that_is_too_long_is_explained(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    for length in (250, 300):
        with pytest.raises(DataError, match="cannot be written: File name too long"):
            talk.ask(Export, Exported, source=source.number, path=str(mixed_file.parent / ("x" * length)))


def test_not_a_number_becomes_what_json_has_for_it() -> None:
    assert json_text({"a": float("nan"), "b": [float("inf"), 1.5, "ü"]}) == '{"a":null,"b":[null,1.5,"ü"]}'
