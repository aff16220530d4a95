"""Tokens one a line, with all that is known of each, as far as there is room."""

from __future__ import annotations

from engine.service.protocol import Tokens
from tui import words
from tui.rows import Row
from tui.text import cell_len, clip, pad, plain
from tui.tokens.fields import segment_of
from tui.tokens.inks import CONTROL_INKS, MARK_INKS, spaced
from tui.tokens.layout import Cell, label_of
from tui.widgets.painted import row_width

_ORDER = ("#", "id", "piece", "bytes", "characters", "role", "label")
_RIGHT = ("#", "id", "label")
"""Columns of numbers: they end in the same cell."""
_LEAST_PIECE, _MOST_PIECE = 12, 24


def columns(room: int) -> list[tuple[str, int]]:
    """Names and widths of the columns there is room for; the reason gets the rest."""
    piece = min(_MOST_PIECE, _LEAST_PIECE + max(0, room - 62) // 3)
    shown = {"#": 6, "id": 6, "piece": piece, "label": 6}
    for name, size, least in (("role", 9, 70), ("characters", 11, 84), ("bytes", 17, 104)):
        if room >= least:
            shown[name] = size
    return [(name, shown[name]) for name in _ORDER if name in shown]


def heading(room: int) -> Row:
    """Names of the columns."""
    return [
        *((pad(name, size, right=name in _RIGHT) + "  ", "faint") for name, size in columns(room)),
        ("why", "faint"),
    ]


def line(row: Tokens, cell: Cell, here: bool, room: int) -> Row:
    """A token; `here`: it has the cursor."""
    fact = row.tokens[cell.token - row.start]
    segment = segment_of(row, fact)
    reason = row.reasons[fact.reason] if 0 <= fact.reason < len(row.reasons) else ""
    ink = f"{MARK_INKS[fact.mark]} {'odd' if cell.token % 2 else 'even'}"
    if here or fact.special:
        ink = "here" if here else f"{CONTROL_INKS[fact.mark]} reverse"
    texts = {
        "#": (words.count(cell.token + 1), "faint"),
        "id": (str(fact.id), "text"),
        "piece": (cell.lead + cell.text, ink),
        "bytes": (spaced(fact.data), "faint"),
        "characters": (f"{fact.start}-{fact.end}" if fact.end > fact.start else "", "faint"),
        "role": (plain(segment.role, 9) if segment else "", "muted"),
        "label": (label_of(fact.mark, fact.id), "train" if fact.mark == "trained" else "muted"),
    }
    out: Row = []
    for name, size in columns(room):
        text, name_ink = clip(texts[name][0], size), texts[name][1]
        fill = " " * (size - cell_len(text))
        out += [(fill, ""), (text, name_ink)] if name in _RIGHT else [(text, name_ink), (fill, "")]
        out.append(("  ", ""))
    return [*out, (plain(reason, max(0, room - row_width(out))), "muted")]
