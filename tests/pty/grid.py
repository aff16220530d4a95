"""What a terminal shows after the bytes that the program sent: its letters, in their cells.

It knows the sequences that Luthier may send and refuses all others, so it is a witness of that, too.
"""

from __future__ import annotations

import re

from rich.cells import get_character_cell_size

_PIECE = re.compile(
    r"\x1b\[(?P<row>\d*)(?:;(?P<column>\d*))?H|\x1b\[(?P<mode>\?[0-9;]*)(?P<set>[hl])"
    r"|\x1b\[[0-9;]*m|\x1b\[\?20(?:26|48)\$p|\x1b\[[<>][0-9]*u|\x1b\]22;default\x07"
    r"|(?P<text>[^\x1b]+)"
)
_LONGEST = 80
"""Characters of a sequence with all attributes and two colours."""


def shown(data: bytes, columns: int, rows: int) -> list[str]:
    """The lines of the alternate screen after `data`. Raises AssertionError at a sequence that is not the program's own."""
    text = data.decode("utf-8", "replace")
    lines = [[" "] * columns for _ in range(rows)]
    row = column = at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None and len(text) - at < _LONGEST:  # its end has not come yet
            break
        assert piece is not None, f"no sequence of ours: {text[at : at + 40]!r}"
        at = piece.end()
        if piece["row"] is not None:
            row, column = int(piece["row"] or 1) - 1, int(piece["column"] or 1) - 1
        elif piece["mode"] == "?1049" and piece["set"] == "h":
            lines = [[" "] * columns for _ in range(rows)]
        elif piece["text"]:
            for char in piece["text"]:
                if char == "\r":
                    column = 0
                elif char == "\n":
                    row += 1
                else:
                    size = get_character_cell_size(char)
                    if 0 <= row < rows and column >= 0 and column + size <= columns and size:
                        lines[row][column] = char
                        lines[row][column + 1 : column + size] = [""] * (size - 1)
                    column += size
    return ["".join(line) for line in lines]
