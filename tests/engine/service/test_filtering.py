"""Views that requests describe."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.config.data import DataSection
from engine.data.open import open_table
from engine.data.table import Table
from engine.errors import DataError
from engine.service import sources as sources_module
from engine.service.jobs import Ended
from engine.service.protocol import Filter, Matched, Page, Rows
from engine.service.sources import Source
from tests.engine.service.talk import Talk, until


def numbers(talk: Talk, source: Source, **wanted: Any) -> list[int]:
    matched = talk.ask(Filter, Matched, source=source.number, **wanted)
    assert matched.complete
    page = talk.ask(Page, Rows, source=source.number, view=matched.view, count=1000)
    assert len(page.rows) == matched.matches
    return [row.number for row in page.rows]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"pattern": "LAMP 25"}, [26, *range(252, 261)]),
        ({"pattern": "strasse 的"}, [251]),
        ({"pattern": "250"}, [251]),
        ({"pattern": "keeper 29", "field": "answer"}, [30, *range(291, 301)]),
        ({"pattern": "keeper", "field": "question"}, []),
        ({"pattern": "harbour"}, [251]),
        ({"pattern": "harbour", "field": "place"}, [251]),
        ({"pattern": r"lamp 1\d\?", "regex": True}, list(range(11, 21))),
        ({"pattern": "LAMP", "regex": True}, [251]),
        ({"pattern": '"answer": '}, [5]),
        ({"rows": [9, 3, 3, 999]}, [3, 9]),
        ({"rows": [9, 3], "sort": "#", "descending": True}, [9, 3]),
        ({"pattern": "lamp 2?", "rows": [1, 2, 3]}, [3]),
        ({"pattern": "nothing says this"}, []),
    ],
)
def test_patterns_fields_and_rows(talk: Talk, mixed_file: Path, wanted: dict[str, Any], expected: list[int]) -> None:
    assert numbers(talk, talk.open(mixed_file), **wanted) == expected


def test_rows_that_a_run_would_leave_out_are_left_out(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file, exclude={"rows": [1, 2]}, max_rows=20, bad_lines="skip")
    assert numbers(talk, source, kept=True) == [n for n in range(3, 21) if n not in (5, 7, 9)]


def test_sorting(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "numbers.jsonl"
    rows = [{"text": "b", "n": 10}, {"text": "A"}, {"text": "ccc", "n": 9.5}, {"text": "a", "n": "x"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "not json\n")
    source = talk.open(path)
    assert numbers(talk, source, sort="n") == [3, 1, 4, 2, 5]
    assert numbers(talk, source, sort="n", descending=True) == [4, 1, 3, 2, 5]
    assert numbers(talk, source, sort="text") == [2, 4, 1, 3, 5]
    assert numbers(talk, source, sort="length") == [2, 4, 1, 3, 5]
    assert numbers(talk, source, sort="#", descending=True) == [5, 4, 3, 2, 1]
    assert numbers(talk, source, sort="text", pattern="a") == [2, 4]
    assert numbers(talk, source) == [1, 2, 3, 4, 5]


def test_a_column_may_be_called_length_or_hash(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "named.jsonl"
    rows = [{"length": 3, "#": "b"}, {"length": 20, "#": "a"}, {"length": 1, "#": "c", "more": "x"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = talk.open(path)
    assert numbers(talk, source, sort="length") == [3, 1, 2]
    assert numbers(talk, source, sort="#") == [2, 1, 3]
    assert numbers(talk, source) == [1, 2, 3]
    with pytest.raises(DataError, match="No row has a column 'nothing'; there are length, #, more"):
        talk.ask(Filter, Matched, source=source.number, sort="nothing")


def test_large_rows_are_skimmed_a_few_at_a_time(talk: Talk, mixed_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.spans._BLOCK", 2000)
    assert numbers(talk, talk.open(mixed_file), pattern="lampe 250") == [251]


def test_a_folder_of_files_is_searched_as_one(talk: Talk, tmp_path: Path, mixed_file: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (folder / name).write_bytes(mixed_file.read_bytes())
    source = talk.open(folder)
    expected = [n + offset for offset in (0, 300, 600) for n in range(292, 298)]
    assert numbers(talk, source, pattern=r"lamp 29[1-6]", regex=True) == expected
    assert numbers(talk, source, pattern="LAMP 29", kept=True) == [
        n + offset for offset in (0, 300, 600) for n in (30, *range(291, 301))
    ]


@pytest.mark.parametrize("ending", [".json", ".csv", ".parquet"])
def test_other_kinds_of_files(talk: Talk, tmp_path: Path, ending: str) -> None:
    rows = [{"question": f'Who "keeps" lamp {i}?', "answer": f"Keeper {i}, Hafenstraße"} for i in range(40)]
    path = tmp_path / f"rows{ending}"
    if ending == ".json":
        path.write_text(json.dumps(rows, indent=1))
    elif ending == ".csv":
        cells = [f'"{row["question"]}"'.replace('"keeps"', '""keeps""') + f',"{row["answer"]}"' for row in rows]
        path.write_text("question,answer\n" + "\n".join(cells) + "\n", encoding="utf-8")
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=7)
    source = talk.open(path)
    assert numbers(talk, source, pattern='"KEEPS" lamp 1') == [2, *range(11, 21)]
    assert numbers(talk, source, pattern="7, HAFENSTRASSE") == [8, 18, 28, 38]
    assert numbers(talk, source, sort="question", descending=True)[:2] == [10, 9]


def test_a_bad_pattern_or_column_makes_no_view(talk: Talk, mixed_file: Path) -> None:
    source = talk.open(mixed_file)
    with pytest.raises(DataError, match="no regular expression"):
        talk.ask(Filter, Matched, source=source.number, pattern="(", regex=True)
    with pytest.raises(DataError, match="no finding 'nonsense'"):
        talk.ask(Filter, Matched, source=source.number, findings=["nonsense"])
    assert talk.ask(Filter, Matched, source=source.number).view == 2


class Slow:
    """A table that grows row by row when it is told to."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.allowed = 220
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    @property
    def known(self) -> int:
        return min(self.allowed, self._table.known)

    @property
    def complete(self) -> bool:
        return self.allowed >= self._table.known

    def grow(self) -> bool:
        time.sleep(0.001)
        return not self.complete

    def close(self) -> None:
        self.closed = True


def test_a_filter_goes_along_with_the_counting(talk: Talk, mixed_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "_WAIT_S", 0.001)
    section = DataSection(path=str(mixed_file))
    table = open_table(section)
    while table.grow():
        pass
    slow = Slow(table)
    source = Source(9, section, slow)
    talk.sources.announce(source)
    growing = threading.Thread(target=source.grow, args=(talk.channel, 77, talk.jobs.pace))
    growing.start()
    found: list[list[int]] = []
    filtering = threading.Thread(target=lambda: found.append(numbers(talk, source, pattern="keeper 2")))
    filtering.start()
    until(lambda: any(isinstance(said, Matched) for said in talk.channel.said))
    first = next(said for said in talk.channel.said if isinstance(said, Matched))
    assert not first.complete
    assert first.matches == 31
    assert [row.number for row in talk.ask(Page, Rows, source=9, view=first.view).rows][:2] == [3, 21]
    slow.allowed = 1000
    filtering.join(10)
    growing.join(10)
    assert len(found[0]) == 110


def test_closing_ends_a_filter_and_the_file_is_closed_last(talk: Talk, mixed_file: Path) -> None:
    section = DataSection(path=str(mixed_file))
    table = open_table(section)
    while table.grow():
        pass
    slow = Slow(table)
    source = Source(9, section, slow)
    talk.sources.announce(source)
    ended: list[str] = []

    def run() -> None:
        with pytest.raises(Ended):
            talk.ask(Filter, Matched, source=9, pattern="lamp")
        ended.append("closed" if slow.closed else "open")

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: any(isinstance(said, Matched) for said in talk.channel.said))
    talk.sources.forget(9)
    assert not slow.closed
    talk.jobs.cancel_source(9)
    thread.join(10)
    assert ended == ["closed"]
