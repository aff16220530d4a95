"""Charts out of braille dots: pure functions from numbers to rows of cells. Knows nothing of Textual.

Each cell holds 2 x 4 dots. The points that fall into a column of dots are drawn as the span from their smallest to their
largest, so a million points cost no more than a screenful and no spike is lost. Gaps (NaN) stay gaps and take no part
in the range. A blank cell is a space. Where a few values would flatten all others the upper bound leaves them out, marks
their columns with a triangle, and says so in `Plot.above`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tui.canvas import Canvas, Floats, Spans, fold, line_mask, merge, put
from tui.rows import Row
from tui.ticks import Tick, linear_ticks, log_ticks

__all__ = ["Curve", "Floats", "Plot", "Style", "draw", "spark"]

_HUGE = 1e300
_OUTLIER_QUANTILE = 0.98
_OUTLIER_REACH = 3.0
_ENOUGH_COLUMNS = 16
_MORE_TICKS = 6
"""How many more ticks than wanted may be tried until two fall on different lines."""
_DECADES = 1e-15
"""A logarithmic axis reaches down to this part of its upper bound; what is less lies on the lower bound."""


@dataclass(frozen=True)
class Curve:
    """A series to draw: ascending `x`, `y` with NaN for gaps, the ink, and the character for ASCII.

    `mark` draws each point as that character instead of a line; `fill` names the ink of the area below the
    line, which is then drawn, too.
    """

    x: Floats
    y: Floats
    ink: str
    mark: str = ""
    ascii_char: str = "*"
    fill: str = ""


@dataclass
class Plot:
    """A drawn chart and where its numbers lie."""

    rows: list[Row]
    left: int = 0
    """Cells left of the drawing area (labels and axis)."""
    columns: int = 0
    lines: int = 0
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    above: float | None = None
    """Largest value that the upper bound leaves out; None where everything is shown."""

    def x_at(self, column: float) -> float:
        """The x value in the middle of a column of the drawing area."""
        low, high = self.x_range
        return low + (high - low) * column / max(1, self.columns - 1)

    def column_of(self, x: float) -> int:
        """The column of the drawing area in which `x` lies."""
        low, high = self.x_range
        share = (x - low) / (high - low) if high > low else 0.0
        return round(min(1.0, max(0.0, share)) * (self.columns - 1))


@dataclass(frozen=True)
class Style:
    """How to draw. `full` shows every value; otherwise a few outliers may be left above the upper bound.

    `from_zero` keeps zero in the range.
    """

    log_y: bool = False
    full: bool = False
    axes: bool = True
    grid: bool = True
    from_zero: bool = False
    ascii_only: bool = False
    whole_x: bool = True
    x_range: tuple[float, float] | None = None
    cursor_x: float | None = None


def draw(curves: list[Curve], width: int, height: int, style: Style = Style()) -> Plot:
    """Draw `curves` (later ones on top) into `width` x `height` cells; any size and any numbers will do."""
    width, height = max(1, width), max(1, height)
    dots = (1, 1) if style.ascii_only else (2, 4)
    clean = [_clean(curve, style.log_y) for curve in curves]
    x_range = _x_range(clean, style.x_range)
    axes = style.axes and width >= 24 and height >= 5
    lines = height - 2 if axes else height
    guess = [fold(curve.x, curve.y, x_range, 2 * width) for curve in clean if not curve.mark]
    marks = [curve.y for curve in clean if curve.mark]
    y_range, above = _y_range(guess, marks, style)
    to_row = _RowScale(y_range, lines * dots[1], style.log_y)
    ticks = _y_ticks(to_row, y_range, lines) if axes else []
    left = max((len(label) for _, label in ticks), default=1) + 2 if axes else 0
    plot = Plot([], left, width - left, lines, x_range, y_range, above)
    canvas = Canvas(np.full((lines, plot.columns), " "), np.full((lines, plot.columns), "", dtype=object), dots)
    tick_rows = {to_row.line(value, dots[1]): label for value, label in ticks}
    if axes and style.grid:
        for row in tick_rows:
            canvas.chars[row], canvas.inks[row] = "." if style.ascii_only else "┈", "grid"
    if style.cursor_x is not None:
        column = plot.column_of(style.cursor_x)
        canvas.chars[:, column], canvas.inks[:, column] = "|" if style.ascii_only else "│", "cursor"
    for curve in clean:
        _draw_curve(canvas, curve, x_range, y_range, to_row, style)
    plot.rows = [merge(canvas.chars[i], canvas.inks[i]) for i in range(lines)]
    if axes:
        _add_axes(plot, tick_rows, width, style)
    return plot


def _clean(curve: Curve, log_y: bool) -> Curve:
    """The curve with finite x, values within what arithmetic can bear, and NaN for everything that is none."""
    x, y = np.asarray(curve.x, dtype=np.float64), np.asarray(curve.y, dtype=np.float64)
    count = min(len(x), len(y))
    x, y = x[:count], y[:count]
    good_x = np.isfinite(x)
    if not good_x.all():
        x, y = x[good_x], y[good_x]
    bad = ~np.isfinite(y)
    if log_y:
        bad |= y <= 0
    if bad.any():
        y = np.where(bad, np.nan, y)
    if len(y) and np.nanmax(np.abs(y), initial=0.0) > _HUGE:
        y = np.clip(y, -_HUGE, _HUGE)
    return Curve(np.clip(x, -_HUGE, _HUGE), y, curve.ink, curve.mark, curve.ascii_char, curve.fill)


def _x_range(curves: list[Curve], wanted: tuple[float, float] | None) -> tuple[float, float]:
    if wanted is not None and math.isfinite(wanted[0]) and wanted[0] < wanted[1] < _HUGE:
        return wanted
    starts = [float(curve.x[0]) for curve in curves if len(curve.x)]
    ends = [float(curve.x[-1]) for curve in curves if len(curve.x)]
    if not starts:
        return 0.0, 1.0
    return _widened(min(starts), max(ends), 0.5)


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    """A range that is not empty, also for a single number."""
    if high - low > 1e-12 * max(abs(low), abs(high)) and high - low > 1e-290:
        return low, high
    margin = max(abs(low) * 0.1, least if low == 0 else abs(low) * 0.1, 1e-280)
    return low - margin, high + margin


def _y_range(spans: list[Spans], marks: list[Floats], style: Style) -> tuple[tuple[float, float], float | None]:
    parts_high = [s.high for s in spans] + [m[np.isfinite(m)] for m in marks]
    parts_low = [s.low for s in spans] + [m[np.isfinite(m)] for m in marks]
    highs = np.concatenate(parts_high) if parts_high else np.zeros(0)
    lows = np.concatenate(parts_low) if parts_low else np.zeros(0)
    if not len(highs):
        return (0.1, 1.0) if style.log_y else (0.0, 1.0), None
    low, high, above = float(lows.min()), float(highs.max()), None
    if not style.full and not style.log_y and len(highs) >= _ENOUGH_COLUMNS:
        usual = float(np.quantile(highs, _OUTLIER_QUANTILE))
        cap = usual + _OUTLIER_REACH * (usual - low)
        if high > cap > low:
            above, high = high, float(highs[highs <= cap].max())
    non_negative = low >= 0
    if style.from_zero and not style.log_y:
        low, high = min(low, 0.0), max(high, 0.0)
    low, high = _widened(low, high, 0.5)
    if style.log_y:
        low = max(low, high * _DECADES)
        ratio = (high / low) ** 0.04
        return (low / ratio, high * ratio), above
    margin = (high - low) * 0.04
    low = low - margin
    return (max(0.0, low) if non_negative else low, high + margin), above


def _y_ticks(to_row: _RowScale, y_range: tuple[float, float], lines: int) -> list[Tick]:
    """At least two where there are any: one number alone does not make a scale."""
    count = max(2, min(8, lines * 2 // 5))
    for more in range(count, count + _MORE_TICKS):
        ticks = log_ticks(*y_range, more) if to_row.log_y else linear_ticks(*y_range, more)
        if len({to_row.line(value, (to_row.last + 1) // lines) for value, _ in ticks}) >= 2:
            break
    return ticks


class _RowScale:
    """Maps values to rows of dots (0 at the top), as floats within the canvas."""

    def __init__(self, y_range: tuple[float, float], dot_rows: int, log_y: bool) -> None:
        self.log_y = log_y
        self.low, self.high = (math.log10(v) for v in y_range) if log_y else y_range
        self.last = dot_rows - 1

    def __call__(self, values: Floats) -> Floats:
        values = np.log10(values) if self.log_y else values
        rows = (self.high - values) / (self.high - self.low) * self.last
        return np.asarray(np.clip(rows, 0, self.last), dtype=np.float64)

    def line(self, value: float, dots: int) -> int:
        """The line of cells, each `dots` rows of dots high, in which a value lies."""
        return int(self(np.array([value]))[0] + 0.5) // dots


def _draw_curve(
    canvas: Canvas,
    curve: Curve,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    to_row: _RowScale,
    style: Style,
) -> None:
    wide, tall = canvas.dots
    spans = fold(curve.x, curve.y, x_range, canvas.columns * wide)
    if not len(spans.column):
        return
    if curve.mark:
        points = np.isfinite(curve.y) & (curve.x >= x_range[0]) & (curve.x <= x_range[1])
        share = (curve.x[points] - x_range[0]) / (x_range[1] - x_range[0])
        columns = np.round(share * (canvas.columns - 1)).astype(int)
        lines = (to_row(curve.y[points]) + 0.5).astype(int) // tall
        canvas.chars[lines, columns], canvas.inks[lines, columns] = curve.mark, curve.ink
    else:
        mask = line_mask(spans, to_row, canvas.lines * tall, canvas.columns * wide)
        if curve.fill:
            below = np.logical_or.accumulate(mask, axis=0)
            put(canvas, below, ":", curve.fill)
            on_line = mask.reshape(canvas.lines, tall, canvas.columns, wide).any(axis=(1, 3))
            canvas.inks[on_line] = curve.ink
        else:
            put(canvas, mask, curve.ascii_char, curve.ink)
    over = np.unique(spans.column[spans.high > y_range[1]] // wide)
    if len(over) and not style.full:
        canvas.chars[0, over], canvas.inks[0, over] = "^" if style.ascii_only else "▲", curve.ink


def _add_axes(plot: Plot, tick_rows: dict[int, str], width: int, style: Style) -> None:
    wall, tee, foot, floor, down = "|++-+" if style.ascii_only else "│┤└─┬"
    label_width = plot.left - 2
    for i, row in enumerate(plot.rows):
        label = tick_rows.get(i, "")
        row[:0] = [(label.rjust(label_width) + " ", "muted"), (tee if label else wall, "axis")]
    baseline, labels = [floor] * plot.columns, [" "] * plot.columns
    taken = -2
    for value, label in linear_ticks(*plot.x_range, max(2, plot.columns // 14), whole=style.whole_x):
        column = plot.column_of(value)
        start = min(plot.columns - len(label), max(0, column - len(label) // 2))
        if start <= taken + 1 or start < 0:
            continue
        baseline[column] = down
        labels[start : start + len(label)] = label
        taken = start + len(label)
    plot.rows.append([(" " * (plot.left - 1) + foot + "".join(baseline), "axis")])
    plot.rows.append([(" " * plot.left, ""), ("".join(labels), "muted")])


def spark(values: Floats, width: int, blocks: str) -> str:
    """Return `width` characters for the course of `values` (means of equal parts); gaps are spaces."""
    finite = np.isfinite(values)
    if not finite.any() or width < 1:
        return " " * max(0, width)
    values = np.clip(values, -_HUGE, _HUGE)
    parts = np.array_split(values, width) if len(values) >= width else [values[i : i + 1] for i in range(len(values))]
    means = [float(np.mean(part[np.isfinite(part)])) if np.isfinite(part).any() else math.nan for part in parts]
    known = [mean for mean in means if not math.isnan(mean)]
    low, high = min(known), max(known)
    scale = (len(blocks) - 1) / (high - low) if high - low > 1e-290 else 0.0
    text = "".join(" " if math.isnan(m) else blocks[round((m - low) * scale)] for m in means)
    return text.ljust(width)
