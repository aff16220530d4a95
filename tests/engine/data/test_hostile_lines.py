"""Hostile JSON Lines files: each is read right, or named right by its line, and never costs its neighbours."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.data.source import read_records
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


def write(folder: Path, content: bytes) -> Path:
    path = folder / "d.jsonl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", READ_RIGHT)
def test_read_right(tmp_path: Path, name: str) -> None:
    content, count = READ_RIGHT[name]
    found = read_records(write(tmp_path, content))
    assert len(found.rows) == count
    assert found.bad == []


@pytest.mark.parametrize("name", NAMED)
def test_named_by_its_line(tmp_path: Path, name: str) -> None:
    content, words = NAMED[name]
    found = read_records(write(tmp_path, GOOD + content + b"\n" + GOOD))
    assert [row.origin for row in found.rows] == ["d.jsonl:1", "d.jsonl:3"]
    (bad,) = found.bad
    assert bad.origin == "d.jsonl:2"
    assert words in bad.reason


def test_nothing_is_coerced(tmp_path: Path) -> None:
    """A late change of type, a number of thirty digits and a missing key stay what they are."""
    content = GOOD * 3 + b'{"text": {"x": 1}}\n{"text": 123456789012345678901234567890}\n{"other": null}\n'
    values = [dict(row.values) for row in read_records(write(tmp_path, content)).rows]
    assert values[3:] == [{"text": {"x": 1}}, {"text": 123456789012345678901234567890}, {"other": None}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_said_once(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match="is in UTF-16"):
        read_records(write(tmp_path, GOOD.decode().encode(encoding)))


def test_other_compression_and_torn_gzip(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="compressed with zstd"):
        read_records(write(tmp_path, b"\x28\xb5\x2f\xfd" + b"x" * 20))
    with pytest.raises(DataError, match="gzip file that ends after line"):
        read_records(write(tmp_path, gzip.compress(GOOD * 5000)[:-20]))


def test_gzip_behind_the_ending(tmp_path: Path) -> None:
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"question,answer\nq,a\n"))
    assert read_records(tmp_path / "d.csv.gz").rows[0].values == {"question": "q", "answer": "a"}
    (tmp_path / "d.xml.gz").write_bytes(gzip.compress(b"<x/>"))
    with pytest.raises(DataError, match=r"has the ending '\.xml'"):
        read_records(tmp_path / "d.xml.gz")
