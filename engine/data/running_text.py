"""Plain text files as rows: by line, by paragraph, or whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from engine.data.rows import BadLine, Records, Row
from engine.data.stream import open_bytes

TextUnit = Literal["line", "paragraph", "document"]
COLUMN = "text"


def read_text(path: Path, unit: TextUnit) -> Records:
    """Read a UTF-8 text file. Blank lines separate paragraphs and are no rows; `origin` names the first line of a row.

    A line that is not UTF-8 costs the row that it stands in. Raises DataError for UTF-16 and other compression.
    """
    rows: list[Row] = []
    bad: list[BadLine] = []
    with open_bytes(path) as file:
        for number, lines in _pieces(enumerate(file, 1), unit):
            origin = f"{path.name}:{number}"
            try:
                text = b"".join(lines).decode().replace("\r\n", "\n").strip("\n")
            except UnicodeDecodeError as error:
                bad.append(BadLine(origin, f"is not UTF-8 (byte {error.start + 1} of this {unit})"))
                continue
            if text.strip():
                rows.append(Row(origin, {COLUMN: text}))
    return Records(path, rows, bad)


def _pieces(lines: Iterator[tuple[int, bytes]], unit: TextUnit) -> Iterator[tuple[int, list[bytes]]]:
    """(number of the first line, lines) of each row to be."""
    first, held = 1, list[bytes]()
    for number, line in lines:
        ends = unit == "line" or (unit == "paragraph" and not line.strip())
        if not held:
            first = number
        held.append(line)
        if ends:
            yield first, held
            held = []
    if held:
        yield first, held
