"""A loss curve in lines of text, for verbs that are not the TUI: every step has its part in it, and no spike is lost.

A column of dots spans from the smallest to the largest loss of its steps. Where a few spikes would flatten all the rest the
upper bound leaves them out and marks their columns.
"""

from __future__ import annotations

import math
from itertools import pairwise

from engine.runs.series import as_array
from engine.runs.view import RunView

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_USUAL = 0.98
_REACH = 3.0
LEAST_COLUMNS, LEAST_LINES = 30, 4


def loss_curve(view: RunView, width: int, height: int, ascii_only: bool = False) -> list[str]:
    """The training loss of a run, and its evaluations as marks, in `height` lines; none without a step or without room."""
    loss = view.series.get("loss")
    if loss is None or width < LEAST_COLUMNS or height < LEAST_LINES:
        return []
    lines, left = height - 1, 9
    columns = width - left
    wide, tall = (1, 1) if ascii_only else (2, 4)
    first, last = loss.steps[0], max(loss.steps[-1], loss.steps[0] + 1)
    spans = _spans(loss.steps, loss.values, columns * wide)
    known = [span for span in spans if span is not None]
    if not known:
        return []
    held_out = view.series.get("eval_loss")
    marks = (
        [(s, v) for s, v in zip(held_out.steps, held_out.values, strict=True) if math.isfinite(v)] if held_out else []
    )
    low, high, above = _range([span[0] for span in known], [span[1] for span in known], [v for _, v in marks])

    def row_of(value: float, rows: int) -> int:
        return min(rows - 1, max(0, round((high - value) / (high - low) * (rows - 1))))

    cells = [[0] * columns for _ in range(lines)]
    for x, span in enumerate(spans):
        if span is not None:
            for y in range(row_of(span[1], lines * tall), row_of(span[0], lines * tall) + 1):
                cells[y // tall][x // wide] |= 1 if ascii_only else _BITS[y % 4][x % 2]
    text = [[_char(cell, ascii_only) for cell in row] for row in cells]
    for x, span in enumerate(spans):
        if span is not None and span[1] > high:
            text[0][x // wide] = "^" if ascii_only else "▲"
    for step, value in marks:
        if first <= step <= last:
            text[row_of(value, lines)][round((step - first) / (last - first) * (columns - 1))] = (
                "o" if ascii_only else "●"
            )
    wall = "|" if ascii_only else "│"
    labels = (
        {0: high, lines - 1: low}
        if lines < 7
        else {0: high, lines // 2: high - (high - low) * (lines // 2) / (lines - 1), lines - 1: low}
    )
    drawn = [f"{_label(labels.get(i)):>7} {wall}{''.join(row).rstrip()}" for i, row in enumerate(text)]
    return [*drawn, _floor(left, columns, first, last, above)]


def _char(cell: int, ascii_only: bool) -> str:
    if not cell:
        return " "
    return "*" if ascii_only else chr(0x2800 + cell)


def _label(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if abs(value) < 1000 else f"{value:.1e}"


def _floor(left: int, columns: int, first: float, last: float, above: float | None) -> str:
    start, end = f"step {first:,.0f}", f"{last:,.0f}"
    spike = f"up to {_label(above)}" if above is not None else ""
    gap = columns - len(start) - len(end)
    return " " * left + start + (spike.center(gap) if len(spike) + 2 <= gap else " " * gap) + end


def _spans(steps: memoryview[float], values: memoryview[float], columns: int) -> list[tuple[float, float] | None]:
    """The smallest and largest finite value of each column; None where it has none. A column between two steps goes on."""
    import numpy as np

    xs, ys = as_array(steps), as_array(values)
    low, high = float(xs[0]), max(float(xs[-1]), float(xs[0]) + 1)
    edges = low + (high - low) * np.arange(1, columns) / columns
    bounds = [0, *np.searchsorted(xs, edges).tolist(), len(xs)]
    spans: list[tuple[float, float] | None] = []
    for begin, end in pairwise(bounds):
        part = ys[begin:end]
        part = part[np.isfinite(part)]
        if len(part):
            spans.append((float(part.min()), float(part.max())))
        else:
            spans.append(spans[-1] if begin == end and spans else None)
    return spans


def _range(lows: list[float], highs: list[float], marks: list[float]) -> tuple[float, float, float | None]:
    """Lower and upper bound, and the largest value that the upper one leaves out."""
    low, high, above = min(lows + marks), max(highs + marks), None
    usual = sorted(highs)[int(_USUAL * (len(highs) - 1))]
    cap = usual + _REACH * (usual - low)
    if high > cap > low:
        above, high = high, max([v for v in highs + marks if v <= cap], default=cap)
    if high - low < 1e-12:
        margin = abs(low) * 0.1 or 0.5
        low, high = low - margin, high + margin
    return low, high, above
