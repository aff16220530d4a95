"""Large figures: each digit 3 x 5 dots, drawn with half blocks in three rows."""

from __future__ import annotations

_DOTS: dict[str, tuple[str, ...]] = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "%": ("#   #", "   # ", "  #  ", " #   ", "#   #"),
    ".": (" ", " ", " ", " ", "#"),
    " ": (" ", " ", " ", " ", " "),
}


def large(text: str, ascii_only: bool = False) -> list[str]:
    """Return `text` (digits, percent sign, point, space) as rows: three of half blocks, or five of # in ASCII."""
    glyphs = [_DOTS[char] for char in text]
    rows = [" ".join(glyph[y] for glyph in glyphs) for y in range(5)]
    if ascii_only:
        return rows
    rows.append(" " * len(rows[0]))
    both = {("#", "#"): "█", ("#", " "): "▀", (" ", "#"): "▄", (" ", " "): " "}
    return ["".join(both[pair] for pair in zip(rows[y], rows[y + 1], strict=True)) for y in (0, 2, 4)]
