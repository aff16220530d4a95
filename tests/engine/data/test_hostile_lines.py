"""Hostile JSON Lines files: each is read right, or named right by its line, and never costs its neighbours."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.data import DataSection
from engine.data.json_array import JsonArrayTable
from engine.data.json_values import concatenated, parse, quick
from engine.data.open import open_table
from engine.data.rows import BadLine, Row
from engine.data.spans import SpanTable
from engine.data.stream import open_bytes
from engine.errors import DataError

GOOD = b'{"text": "a"}\n'
READ_RIGHT: dict[str, tuple[bytes, int]] = {
    "byte order mark": (b"\xef\xbb\xbf" + GOOD * 2, 2),
    "CRLF": (GOOD.replace(b"\n", b"\r\n") * 2, 2),
    "blank lines": (GOOD + b"\n  \n" + GOOD, 2),
    "no newline at the end": (GOOD + GOOD.strip(), 2),
    "objects side by side": (b'{"text": "a"}{"text": "b"} {"text": "c"}\n', 3),
    "an array": (b'[{"text": "a"}, {"text": "b"}]', 2),
    "an array over lines": (b'[\n{"text": "a"},\n{"text": "b"}\n]\n', 2),
    "gzip": (gzip.compress(GOOD * 2), 2),
    "gzip of an array with a mark": (gzip.compress(b'\xef\xbb\xbf[{"text": "a"}]'), 1),
    "escaped zero": (b'{"text": "a\\u0000b"}\n', 1),
    "escaped pair": (b'{"text": "\\ud83d\\ude42"}\n', 1),
    "line separator inside": ('{"text": "a\u2028b\x85c"}\n'.encode() + GOOD, 2),
    "one huge row": (GOOD + b'{"text": "' + b"x" * 20_000_000 + b'"}\n', 2),
    "nothing": (b"", 0),
    "only newlines": (b"\n\n\n", 0),
}
NAMED: dict[str, tuple[bytes, str]] = {
    "NaN": (b'{"text": "a", "x": NaN}', "NaN is no JSON value"),
    "infinity": (b'{"text": -Infinity}', "-Infinity is no JSON value"),
    "bad UTF-8": (b'{"text": "\xff"}', "is not UTF-8 (byte 11)"),
    "3,000 deep": (b'{"text": ' + b"[" * 3000 + b"]" * 3000 + b"}", "is nested too deeply"),
    "cut in the middle": (b'{"text": "a', "unterminated string starting (column 10)"),
    "raw zero": (b'{"text": "a\x00b"}', "invalid control character (column 12)"),
    "lone surrogate": (b'{"text": "\\ud800"}', "half of a surrogate pair"),
    "trailing comma": (b'{"text": "a",}', "column"),
    "one key twice": (b'{"text": "a", "text": "b"}', "'text' stands twice"),
    "a number": (b"3", "is a number, not an object"),
    "a text": (b'"x"', "is a text, not an object"),
    "null": (b"null", "is null, not an object"),
    "object and rubbish": (b'{"text": "a"} x', "extra data (column 15)"),
}


PIECES = (7, 64, 4 << 20)
"""Sizes of the pieces in which a file is looked at: what a line means may not depend on them."""


def write(folder: Path, content: bytes, name: str = "d.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, piece: int = 4 << 20) -> tuple[list[Row], list[BadLine], str]:
    """The rows, the quarantine and the file's own problem."""
    table = open_table(DataSection(path=str(path)))
    while isinstance(table, SpanTable) and table.grow(piece):
        pass
    records = list(table.scan())
    assert table.complete
    assert records == table.records(0, table.known)
    rows = [record for record in records if isinstance(record, Row)]
    return rows, [record for record in records if isinstance(record, BadLine)], table.problem


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", READ_RIGHT)
def test_read_right(tmp_path: Path, name: str, piece: int) -> None:
    content, count = READ_RIGHT[name]
    rows, bad, problem = read(write(tmp_path, content), piece)
    assert (len(rows), bad, problem) == (count, [], "")


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", NAMED)
def test_named_by_its_line(tmp_path: Path, name: str, piece: int) -> None:
    content, words = NAMED[name]
    rows, (bad,), _ = read(write(tmp_path, GOOD + content + b"\n" + GOOD), piece)
    assert [row.origin for row in rows] == ["d.jsonl:1", "d.jsonl:3"]
    assert bad.origin == "d.jsonl:2"
    assert words in bad.reason
    if "column" in words:
        assert f"(column {bad.column})" in bad.reason


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", [name for name in NAMED if name not in ("object and rubbish", "cut in the middle")])
def test_a_bad_element_of_an_array_costs_only_itself(tmp_path: Path, name: str, piece: int) -> None:
    content, words = NAMED[name]
    rows, (bad,), problem = read(write(tmp_path, b"[" + GOOD + b"," + content + b",\n" + GOOD + b"]", "d.json"), piece)
    assert [row.origin for row in rows] == ["d.json#1", "d.json#3"]
    assert bad.origin == "d.json#2"
    assert words in bad.reason
    assert problem == ""


def test_an_array_that_was_cut_keeps_what_came_before(tmp_path: Path) -> None:
    rows, bad, problem = read(write(tmp_path, b'[{"text": "a"}, {"text": "b"}, {"text": "c', "d.json"))
    assert ([row.values["text"] for row in rows], bad) == (["a", "b"], [])
    assert "ends inside element 3: the array is not closed" in problem
    rows, bad, problem = read(write(tmp_path, b'[{"text": "a"}]\n[{"text": "b"}]', "e.json"))
    assert len(rows) == 0
    assert len(bad) == 2, "two arrays, one a line: each line is named"
    _, _, problem = read(write(tmp_path, b'[{"text":\n"a"}] x', "f.json"))
    assert "goes on behind its array, at byte 16" in problem


def test_nothing_is_coerced(tmp_path: Path) -> None:
    """A late change of type, a number of thirty digits and a missing key stay what they are."""
    content = GOOD * 3 + b'{"text": {"x": 1}}\n{"text": 123456789012345678901234567890}\n{"other": null}\n'
    values = [row.values for row in read(write(tmp_path, content))[0]]
    assert values[3:] == [{"text": {"x": 1}}, {"text": 123456789012345678901234567890}, {"other": None}]
    _, (bad,), _ = read(write(tmp_path, b'{"text": 1e400}\n'))
    assert "the number 1e400 is too large" in bad.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=5), spaced=st.booleans(), plain=st.booleans())
def test_the_quick_way_says_what_the_strict_way_says(value: dict[str, object], spaced: bool, plain: bool) -> None:
    separators = (" , ", " :") if spaced else (",", ":")
    try:
        raw = json.dumps(value, ensure_ascii=plain, separators=separators).encode()
    except UnicodeEncodeError:
        return
    strict, reason, _ = parse(raw)
    fast = quick(raw)
    assert fast is None or (reason == "" and repr(fast) == repr(strict))
    doubled = raw[:-1].rstrip() + (b"," if value else b"") + b'"k": 1, "k"\t: 2}'
    assert quick(doubled) is None
    assert "'k' stands twice" in parse(doubled)[1] or "k" in value


@given(rows=st.lists(JSON, max_size=12), piece=st.integers(1, 40), spaces=st.sampled_from(["", " ", "\n\t"]))
def test_an_array_is_cut_where_json_cuts_it(rows: list[object], piece: int, spaces: str) -> None:
    """Against the standard library, with pieces that end anywhere."""
    text = f"[{spaces}" + f"{spaces},{spaces}".join(json.dumps(row) for row in rows) + f"{spaces}]"
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), text.encode(), "d.json")
        table = JsonArrayTable(open_bytes(path))
        while table.grow(piece):
            pass
        assert [json.loads(table.raw(i)) for i in range(table.known)] == rows
        assert table.problem == ""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_said_once(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match="is in UTF-16"):
        read(write(tmp_path, GOOD.decode().encode(encoding)))


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_packed_files_and_torn_ones(tmp_path: Path, packing: str) -> None:
    packed = pack(GOOD * 5000, packing)
    assert len(read(write(tmp_path, packed, f"d.jsonl.{packing}"))[0]) == 5000
    assert len(read(write(tmp_path, packed, "d.jsonl"))[0]) == 5000, "told by its bytes, whatever it is called"
    rows, _, problem = read(write(tmp_path, packed[: len(packed) * 2 // 3], f"e.jsonl.{packing}"))
    assert len(rows) < 5000
    assert "was not written whole" in problem


def pack(content: bytes, packing: str) -> bytes:
    return gzip.compress(content) if packing == "gz" else pyarrow.compress(content, "zstd", asbytes=True)


def test_packed_behind_the_ending(tmp_path: Path) -> None:
    rows, _, _ = read(write(tmp_path, gzip.compress(b"question,answer\nq,a\n"), "d.csv.gz"))
    assert rows[0].values == {"question": "q", "answer": "a"}
    with pytest.raises(DataError, match=r"has the ending '\.xml'"):
        read(write(tmp_path, gzip.compress(b"<x/>"), "d.xml.gz"))


def test_many_objects_on_one_line_take_time_by_their_number() -> None:
    raw = b"".join(b'{"n": %d, "t": "\xc3\xa9"} ' % number for number in range(20_000))
    started = time.process_time()
    spans = concatenated(raw)
    assert time.process_time() - started < 2  # by the square of their number it would be tens of seconds
    assert [json.loads(raw[start:stop])["n"] for start, stop in spans] == list(range(20_000))
