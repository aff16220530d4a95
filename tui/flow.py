"""Parts of a sentence laid on as many lines as they take, with a faint dot between them. A part is never broken."""

from __future__ import annotations

from tui.glyphs import Glyphs
from tui.rows import Row
from tui.text import cell_len

GAP = 3
"""Cells of a dot with its blanks."""


def flowed(parts: list[Row], width: int, glyphs: Glyphs) -> list[Row]:
    """Return lines of at most `width` cells, save where one part alone is wider. Empty parts are left out."""
    lines: list[Row] = []
    used = 0
    for part in (part for part in parts if part):
        size = sum(cell_len(text) for text, _ in part)
        if lines and used + GAP + size <= width:
            lines[-1] += [(f" {glyphs.between} ", "faint"), *part]
            used += GAP + size
        else:
            lines.append([*part])
            used = size
    return lines
