"""Histograms and bars drawn with block characters, or with # and the like in ASCII. Knows numbers, not widgets."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

from engine.facts import Histogram
from tui import words
from tui.glyphs import Glyphs
from tui.rows import Row
from tui.text import pad, plain


def figure(value: float | None) -> str:
    """A number of a statistic, in at most six characters or so."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= 100_000:
        return words.short_count(value)
    if value == int(value):
        return words.count(value)
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def columns_of(histogram: Histogram, width: int) -> list[float]:
    """Counts spread over the columns of a drawing: each bin as wide as the next, at most 4 columns.

    A bin that two columns share is counted in each by its part, so that no column stands out for where it lies.
    """
    counts = histogram.counts
    if not counts or width < 1:
        return []
    if len(counts) > width:
        upto = [0, *accumulate(counts)]
        edges = [i * len(counts) / width for i in range(width + 1)]
        sums = [upto[int(edge)] + (edge - int(edge)) * (counts[int(edge)] if edge % 1 else 0) for edge in edges]
        return [round(b - a, 6) for a, b in pairwise(sums)]
    size = min(4, width // len(counts))
    return [float(count) for count in counts for _ in range(size)]


def drawn(histogram: Histogram, width: int, height: int, glyphs: Glyphs, ink: str = "train") -> list[Row]:
    """The histogram as `height` rows of blocks, and a row with its first and last edge."""
    columns = columns_of(histogram, width)
    if not columns or not (top := max(columns)):
        return []
    steps = len(glyphs.blocks)
    # Whatever is there at all shows at least as the lowest step: one row of ten thousand is still a row.
    levels = [0 if not count else max(1, round(count / top * height * steps)) for count in columns]
    rows: list[Row] = [[(text, ink)] for text in levels_drawn(levels, height, glyphs)]
    left, right = figure(histogram.edges[0]), figure(histogram.edges[-1])
    rows.append([(left + pad(right, max(len(right) + 1, len(columns) - len(left)), right=True), "faint")])
    return rows


def levels_drawn(levels: list[int], height: int, glyphs: Glyphs) -> list[str]:
    """Columns as `height` lines of blocks, each filled to its level, which counts the steps of a block."""
    steps = len(glyphs.blocks)
    lines: list[str] = []
    for y in range(height):
        base = (height - 1 - y) * steps
        lines.append(
            "".join(
                " " if level <= base else glyphs.full if level >= base + steps else glyphs.blocks[level - base - 1]
                for level in levels
            )
        )
    return lines


def lying(share: float, room: int, glyphs: Glyphs) -> str:
    """A lying bar for a share of `room` cells; what is there at all shows at least as the thinnest one."""
    steps = len(glyphs.eighths)
    level = min(room * steps, round(share * room * steps)) if room > 0 else 0
    level = max(1, level) if share > 0 and room > 0 else max(0, level)
    full, rest = divmod(level, steps)
    return glyphs.line * full + (glyphs.eighths[rest - 1] if rest else "")


def bars(values: dict[str, int], width: int, most: int, glyphs: Glyphs, ink: str = "train") -> list[Row]:
    """A lying bar for each value, the commonest first; the rest in one line."""
    if not values or width < 16:
        return []
    shown = list(values.items())[:most]
    total = sum(values.values())
    label = min(max(len(plain(name, 20)) for name, _ in shown), max(6, width // 3))
    numbers = max(len(words.count(count)) for _, count in shown)
    room = max(1, width - label - numbers - 3)
    top = max(count for _, count in shown) or 1
    rows: list[Row] = []
    for name, count in shown:
        size = max(1 if count else 0, round(room * count / top))
        text = pad(plain(name, label) if name else "(empty)", label)
        rows.append([(text + " ", "text"), (pad(words.count(count), numbers, right=True), "muted")])
        rows[-1].append((" " + glyphs.line * size, ink))
    if len(values) > most:
        rest = total - sum(count for _, count in shown)
        rows.append([(f"and {words.count(len(values) - most)} more values in {words.count(rest)} rows", "faint")])
    return rows
