"""Dots and cells: points folded into columns of dots, lines as masks of dots, masks as braille characters.

A column of dots covers the span from the smallest to the largest of its points, so that no spike is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tui.rows import Row

Floats = NDArray[np.floating[Any]]
"""Numbers of four or of eight bytes."""
Indices = NDArray[np.int64]
_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass
class Spans:
    """A curve in columns of dots: index, smallest, largest, first and last value, and whether it goes on."""

    column: Indices
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    joined: NDArray[np.bool_]


@dataclass
class Canvas:
    """A grid of characters and the ink of each; lines x columns."""

    chars: NDArray[np.str_]
    inks: NDArray[np.object_]
    dots: tuple[int, int]
    """Columns and rows of dots in a cell."""
    lines: int = field(init=False)
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        self.lines, self.columns = self.chars.shape


def place(x: Floats, value: float, side: Literal["left", "right"] = "left") -> int:
    """Where a value lies among ascending numbers of any width: numbers of another width would be copied to compare them."""
    return int(np.searchsorted(x, x.dtype.type(value), side))


def fold(x: Floats, y: Floats, x_range: tuple[float, float], count: int) -> Spans:
    """Fold points (`x` ascending, `y` with NaN for gaps) into `count` columns of dots. Nothing of their length is copied."""
    low, high = x_range
    edges = low + (np.arange(1, count) - 0.5) * ((high - low) / max(1, count - 1))
    inner = np.searchsorted(x, edges.astype(x.dtype), "left")
    bounds = np.concatenate(([place(x, low)], inner, [place(x, high, "right")]))
    starts, ends = bounds[:-1], np.maximum(bounds[1:], bounds[:-1])
    column = np.flatnonzero(ends > starts)
    if not len(column):
        return _no_spans()
    starts, ends = starts[column], ends[column]
    begin = int(starts[0])
    inside = y[begin : ends[-1]]
    lows, highs = np.fmin.reduceat(inside, starts - begin), np.fmax.reduceat(inside, starts - begin)
    gaps = np.flatnonzero(np.isnan(inside)) + begin
    if len(gaps):
        some = ~np.isnan(lows)
        if not some.any():
            return _no_spans()
        column, lows, highs, starts, ends = column[some], lows[some], highs[some], starts[some], ends[some]
        starts, ends = _finite_ends(y, starts, ends)
    joined = np.zeros(len(column), dtype=bool)
    joined[:-1] = np.searchsorted(gaps, starts[1:]) == np.searchsorted(gaps, ends[:-1] - 1)
    low_8, high_8, first, last = (part.astype(np.float64) for part in (lows, highs, y[starts], y[ends - 1]))
    return Spans(column, low_8, high_8, first, last, joined)


def _no_spans() -> Spans:
    none = np.zeros(0)
    return Spans(np.zeros(0, dtype=np.int64), none, none, none, none, np.zeros(0, dtype=bool))


def _finite_ends(y: Floats, starts: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """The first point of each column that is a number, and one past the last; each column has one."""
    starts, ends = starts.copy(), ends.copy()
    for i in np.flatnonzero(np.isnan(y[starts]) | np.isnan(y[ends - 1])):
        known = np.flatnonzero(~np.isnan(y[starts[i] : ends[i]]))
        starts[i], ends[i] = starts[i] + known[0], starts[i] + known[-1] + 1
    return starts, ends


def put(canvas: Canvas, mask: NDArray[np.bool_], ascii_char: str, ink: str) -> None:
    """Write the dots of a mask into the cells; a cell without dots keeps what it has."""
    if canvas.dots == (1, 1):
        chars = np.where(mask, ascii_char, " ")
    else:
        cells = mask.reshape(canvas.lines, 4, canvas.columns, 2)
        codes = np.einsum("lrcd,rd->lc", cells, _BRAILLE_BITS)
        chars = np.where(codes > 0, (codes + 0x2800).astype(np.uint32).view("<U1"), " ")
    drawn = chars != " "
    canvas.chars[drawn], canvas.inks[drawn] = chars[drawn], ink


def line_mask(spans: Spans, to_row: Callable[[Floats], Floats], dot_rows: int, dot_columns: int) -> NDArray[np.bool_]:
    """Which dots the line covers, as (rows, columns) of booleans."""
    at = spans.column
    top, bottom, first, last = (to_row(v) for v in (spans.high, spans.low, spans.first, spans.last))
    every = np.arange(at[0], at[-1] + 1)
    index = np.searchsorted(at, every, "right") - 1
    own = at[index] == every
    following = np.minimum(index + 1, len(at) - 1)
    gap = np.maximum(1, at[following] - at[index])
    between = last[index] + (first[following] - last[index]) * (every - at[index]) / gap
    shown = own | spans.joined[index]
    tops, bottoms = np.where(own, top[index], between), np.where(own, bottom[index], between)
    enter, leave = np.where(own, first[index], between), np.where(own, last[index], between)
    middle = (leave[:-1] + enter[1:]) / 2
    joins = spans.joined[index[:-1]]
    down, up = joins & (enter[1:] > leave[:-1]), joins & (enter[1:] < leave[:-1])
    bottoms[:-1][down] = np.maximum(bottoms[:-1][down], middle[down])
    tops[1:][down] = np.minimum(tops[1:][down], middle[down])
    tops[:-1][up] = np.minimum(tops[:-1][up], middle[up])
    bottoms[1:][up] = np.maximum(bottoms[1:][up], middle[up])
    rows = np.arange(dot_rows)[:, None]
    mask = np.zeros((dot_rows, dot_columns), dtype=bool)
    mask[:, every] = (rows >= np.round(tops)) & (rows <= np.round(bottoms)) & shown
    return mask


def merge(chars: NDArray[np.str_], inks: NDArray[np.object_]) -> Row:
    """One line of the canvas as pieces of equal ink."""
    row: Row = []
    start = 0
    names = inks.tolist()
    text = "".join(chars.tolist())
    for i in range(1, len(names) + 1):
        if i == len(names) or names[i] != names[start]:
            row.append((text[start:i], names[start]))
            start = i
    return row
