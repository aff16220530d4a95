"""Tokens as coloured splits, with their ids below where they are wanted. Knows rows, not widgets.

Between two tokens stands a blank, or a plus where they spell one character together, so that the grounds say nothing alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.token_facts import TokenFact
from tui.glyphs import Glyphs
from tui.rows import Row
from tui.text import cell_len, clip, pad
from tui.tokens.pieces import Kind, written

_INKS: dict[Kind, str] = {"text": "text", "bytes": "muted", "special": "reverse", "added": "reverse"}
_GROUNDS = ("even", "odd")


def splits(
    tokens: Sequence[TokenFact], text: str, width: int, glyphs: Glyphs, *, text_start: int = 0, ids: bool = False
) -> list[Row]:
    """Return `tokens` as rows of at most `width` cells. `text` is the rendered text from character `text_start` on.

    With `ids` every line of tokens has one of ids below it, and a blank one below that.
    """
    lines: list[list[tuple[str, str, str, str]]] = [[]]  # of each token: what joins it to the one before, text, id, ink
    used = 0
    for index, (token, shown) in enumerate(
        zip(tokens, written(tokens, text, text_start, glyphs.ascii_only), strict=True)
    ):
        word, number = clip(f"{shown.lead}{shown.text}", max(1, width)), str(token.id) if ids else ""
        size = max(cell_len(word), len(number))
        if lines[-1] and used + 1 + size > width:
            lines.append([])
        joint = "" if not lines[-1] else "+" if shown.member and not shown.group else " "
        used = size if not lines[-1] else used + 1 + size
        ground = "" if shown.kind in ("special", "added") else f" {_GROUNDS[index % 2]}"
        lines[-1].append((joint, pad(word, size), pad(number, size), _INKS[shown.kind] + ground))
        if shown.ends_line:
            lines.append([])
    rows: list[Row] = []
    for line in (line for line in lines if line):
        rows.append([piece for joint, word, _, ink in line for piece in ((joint, "faint"), (word, ink)) if piece[0]])
        if ids:
            rows.append([(f"{' ' * len(joint)}{number}", "faint") for joint, _, number, _ in line])
            rows.append([])
    return rows[:-1] if ids else rows
