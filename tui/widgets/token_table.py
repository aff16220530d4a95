"""Tokens one a line, with all that is known of each, as far as there is room."""

from __future__ import annotations

from typing import NamedTuple

from engine.service.protocol import Tokens
from tui import words
from tui.rows import Row
from tui.text import cell_len, clip, pad, plain
from tui.tokens.fields import segment_of
from tui.tokens.inks import CONTROL_INKS, MARK_INKS, spaced
from tui.tokens.layout import Cell, label_of
from tui.tokens.pieces import Written
from tui.widgets.painted import row_width

_ORDER = ("#", "id", "piece", "bytes", "characters", "role", "label")
_RIGHT = ("#", "id", "label")
"""Columns of numbers: they end in the same cell."""
_LEAST_PIECE, _MOST_PIECE = 12, 24


class Sizes(NamedTuple):
    """Cells that the columns of a window take."""

    number: int = 6
    id: int = 6
    piece: int = _MOST_PIECE


def sizes(row: Tokens, pieces: list[Written]) -> Sizes:
    """What a window takes, whose tokens are written as `pieces`."""
    ids = max((fact.id for fact in row.tokens), default=0)
    longest = max((cell_len(piece.lead) + cell_len(piece.text) for piece in pieces), default=0)
    piece = min(_MOST_PIECE, max(len("piece"), longest))
    return Sizes(len(words.count(row.start + len(row.tokens))), max(2, len(str(ids))), piece)


def columns(room: int, taken: Sizes) -> list[tuple[str, int]]:
    """Names and widths of the columns there is room for; the reason gets the rest."""
    piece = min(taken.piece, _LEAST_PIECE + max(0, room - 62) // 3)
    shown = {"#": taken.number, "id": taken.id, "piece": piece, "label": max(len("label"), taken.id)}
    spared = 18 - shown["#"] - shown["id"] - shown["label"]
    for name, size, least in (("role", 9, 90), ("characters", 11, 104), ("bytes", 17, 124)):
        if room + spared >= least:
            shown[name] = size
    return [(name, shown[name]) for name in _ORDER if name in shown]


def heading(room: int, taken: Sizes) -> Row:
    """Names of the columns."""
    return [
        *((pad(name, size, right=name in _RIGHT) + "  ", "faint") for name, size in columns(room, taken)),
        ("why", "faint"),
    ]


def line(row: Tokens, cell: Cell, cursor: str, room: int, taken: Sizes) -> Row:
    """A token; `cursor` is the ink of the cursor where it stands on it."""
    fact = row.tokens[cell.token - row.start]
    segment = segment_of(row, fact)
    reason = row.reasons[fact.reason] if 0 <= fact.reason < len(row.reasons) else ""
    ink = f"{MARK_INKS[fact.mark]} {'odd' if cell.token % 2 else 'even'}"
    if cursor or fact.special:
        ink = cursor or CONTROL_INKS[fact.mark]
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
    for name, size in columns(room, taken):
        text, name_ink = clip(texts[name][0], size), texts[name][1]
        fill = " " * (size - cell_len(text))
        out += [(fill, ""), (text, name_ink)] if name in _RIGHT else [(text, name_ink), (fill, "")]
        out.append(("  ", ""))
    return [*out, (plain(reason, max(0, room - row_width(out))), "muted")]
