"""Charts out of braille dots: pure functions from numbers to rows of cells. Knows nothing of Textual.

Each cell holds 2 x 4 dots. The points that fall into a column of dots are drawn as the span from their smallest to their
largest, so a million points cost no more than a screenful and no spike is lost. Gaps (NaN) stay gaps and take no part
in the range. A blank cell is a space. Where a few values would flatten all others the upper bound leaves them out, marks
their columns with a triangle, and says so in `Plot.above`. The upright range is that of what the window shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tui.canvas import Canvas, Floats, Spans, fold, line_mask, merge, place, put
from tui.rows import Row
from tui.scales import HUGE, Axis, RowScale, axis_ticks, row_scale, value_range, widened
from tui.ticks import Tick

__all__ = ["Axis", "Curve", "Flags", "Floats", "Plot", "Style", "draw", "spark"]

_SHORT = 4096
"""Points up to which a curve is given the two points where it meets the edges of the window."""


@dataclass(frozen=True)
class Curve:
    """A series to draw: ascending `x`, `y` with NaN for gaps, the ink, and the character for ASCII.

    `mark` draws each point as that character instead of a line. `tag` is a character that stands on
    the line here and there and tells it from others, the first at a share `tag_at` of the distance between two. `dot` marks each
    point where the window shows few. `fill` names the ink of the area below the line, which is then drawn, too.
    """

    x: Floats
    y: Floats
    ink: str
    mark: str = ""
    ascii_char: str = "*"
    fill: str = ""
    tag: str = ""
    tag_at: float = 0.0
    dot: str = ""


@dataclass(frozen=True)
class Flags:
    """Signs at some places of the x axis: at a value, at the upper or lower edge, or on the axis itself."""

    x: Floats
    char: str
    ink: str
    place: Literal["value", "top", "bottom", "floor"]
    y: Floats | None = None
    """The values where `place` is "value"."""
    label: str = ""
    """What a legend calls them; empty: they are in none."""


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
    axis: Axis = "step"


@dataclass(frozen=True)
class _Seen:
    """What the window shows of a curve."""

    curve: Curve
    x: Floats
    y: Floats


def draw(
    curves: list[Curve], width: int, height: int, style: Style = Style(), flags: tuple[Flags, ...] | list[Flags] = ()
) -> Plot:
    """Draw `curves` (later ones on top) into `width` x `height` cells; any size and any numbers will do."""
    width, height = max(1, width), max(1, height)
    dots = (1, 1) if style.ascii_only else (2, 4)
    x_range = _x_range(curves, style.x_range)
    seen = [_seen(curve, x_range, style.log_y) for curve in curves]
    axes = style.axes and width >= 24 and height >= 5
    lines = height - 2 if axes else height
    y_range, above = _y_range(seen, x_range, 2 * width, style)
    ticks: list[Tick] = []
    if axes:
        to_row, ticks = row_scale(y_range, lines, dots[1], style.log_y)
    else:
        to_row = RowScale(y_range, lines * dots[1], style.log_y, [], dots[1])
    left = max((len(label) for _, label in ticks), default=1) + 2 if axes else 0
    plot = Plot([], left, width - left, lines, x_range, y_range, above)
    canvas = Canvas(np.full((lines, plot.columns), " "), np.full((lines, plot.columns), "", dtype=object), dots)
    tick_rows = {to_row.line(value): label for value, label in ticks}
    if axes and style.grid:
        for row in tick_rows:
            canvas.chars[row], canvas.inks[row] = "." if style.ascii_only else "┈", "grid"
    if style.cursor_x is not None and x_range[0] <= style.cursor_x <= x_range[1]:
        column = plot.column_of(style.cursor_x)
        canvas.chars[:, column], canvas.inks[:, column] = "|" if style.ascii_only else "│", "cursor"
    drawn = [(one.curve, _draw_curve(canvas, one, plot, to_row, style)) for one in seen]
    for curve, spans in drawn:  # the signs last: a line that lies over another one must not hide whose that is
        if curve.tag and len(spans.column):
            _put_tags(canvas, spans, curve, to_row)
    floor: dict[int, tuple[str, str]] = {}
    for group in flags:
        _draw_flags(canvas, group, plot, to_row, floor)
    plot.rows = [merge(canvas.chars[i], canvas.inks[i]) for i in range(lines)]
    if axes:
        _add_axes(plot, tick_rows, style, floor)
    return plot


def _seen(curve: Curve, x_range: tuple[float, float], log_y: bool) -> _Seen:
    """The points within the window, and where the line meets its edges; NaN for what cannot be drawn."""
    count = min(len(curve.x), len(curve.y))
    x, y = curve.x[:count], curve.y[:count]
    if count and not (math.isfinite(x[0]) and math.isfinite(x[-1])):
        good = np.isfinite(x)
        x, y = x[good], y[good]
    first, last = place(x, x_range[0]), place(x, x_range[1], "right")
    before, after = max(0, first - 1), min(len(x), last + 1)
    bad = np.isinf(y[before:after])
    if log_y:
        bad |= y[before:after] <= 0
    x, y = x[before:after], np.where(bad, np.nan, y[before:after]) if bad.any() else y[before:after]
    inside = slice(first - before, last - before)
    if last - first > _SHORT or curve.mark or len(x) < 2:
        return _Seen(curve, x[inside], y[inside])
    ends = [edge for edge in x_range if x[0] < edge < x[-1]]
    values = [float(np.interp(edge, x, np.clip(y.astype(np.float64), -HUGE, HUGE))) for edge in ends]
    x, y = x[inside], y[inside]
    if ends and ends[0] == x_range[0] and (not len(x) or x[0] > ends[0]):
        x, y = np.concatenate(([ends[0]], x)), np.concatenate(([values[0]], y))
    if ends and ends[-1] == x_range[1] and (not len(x) or x[-1] < ends[-1]):
        x, y = np.concatenate((x, [ends[-1]])), np.concatenate((y, [values[-1]]))
    return _Seen(curve, x, y)


def _x_range(curves: list[Curve], wanted: tuple[float, float] | None) -> tuple[float, float]:
    if wanted is not None and math.isfinite(wanted[0]) and wanted[0] < wanted[1] < HUGE:
        return wanted
    starts = [float(curve.x[0]) for curve in curves if len(curve.x) and math.isfinite(curve.x[0])]
    ends = [float(curve.x[-1]) for curve in curves if len(curve.x) and math.isfinite(curve.x[-1])]
    if not starts or not ends:
        return 0.0, 1.0
    return widened(max(-HUGE, min(starts)), min(HUGE, max(ends)), 0.5)


def _y_range(
    seen: list[_Seen], x_range: tuple[float, float], columns: int, style: Style
) -> tuple[tuple[float, float], float | None]:
    lows: list[Floats] = [np.zeros(0)]
    highs: list[Floats] = [np.zeros(0)]
    for one in seen:
        if one.curve.mark:
            points = one.y[np.isfinite(one.y)]
            lows.append(points)
            highs.append(points)
        else:
            spans = fold(one.x, one.y, x_range, columns)
            lows.append(spans.low)
            highs.append(spans.high)
    low, high = (np.clip(np.concatenate(parts), -HUGE, HUGE) for parts in (lows, highs))
    return value_range(low, high, style.log_y, style.full, style.from_zero)


def _draw_curve(canvas: Canvas, one: _Seen, plot: Plot, to_row: RowScale, style: Style) -> Spans:
    curve = one.curve
    wide, tall = canvas.dots
    spans = fold(one.x, one.y, plot.x_range, canvas.columns * wide)
    if not len(spans.column):
        return spans
    for values in (spans.low, spans.high, spans.first, spans.last):
        np.clip(values, -HUGE, HUGE, out=values)
    if not curve.mark:
        mask = line_mask(spans, to_row, canvas.lines * tall, canvas.columns * wide)
        if curve.fill:
            below = np.logical_or.accumulate(mask, axis=0)
            put(canvas, below, ":", curve.fill)
            if canvas.dots == (1, 1):
                put(canvas, mask, curve.ascii_char, curve.ink)
            on_line = mask.reshape(canvas.lines, tall, canvas.columns, wide).any(axis=(1, 3))
            canvas.inks[on_line] = curve.ink
        else:
            put(canvas, mask, curve.ascii_char, curve.ink)
    if curve.mark:
        _put_points(canvas, curve.x, curve.y, curve.mark, curve.ink, plot, to_row)
    elif curve.dot and len(one.x) <= canvas.columns // 3:
        _put_points(canvas, curve.x, curve.y, curve.dot, curve.ink, plot, to_row)
    over = np.unique(spans.column[spans.high > plot.y_range[1]] // wide)
    if len(over) and not style.full:
        canvas.chars[0, over], canvas.inks[0, over] = "^" if style.ascii_only else "▲", curve.ink
    return spans


def _put_points(canvas: Canvas, x: Floats, y: Floats, char: str, ink: str, plot: Plot, to_row: RowScale) -> None:
    low, high = plot.x_range
    x, y = x[: len(y)], y[: len(x)]
    inside = slice(place(x, low), place(x, high, "right"))
    x, y = x[inside], y[inside]
    good = np.isfinite(y) & (y > 0) if to_row.log_y else np.isfinite(y)
    x, y = x[good], np.clip(y[good].astype(np.float64), -HUGE, HUGE)
    columns = np.round((x - low) / (high - low) * (canvas.columns - 1)).astype(int)
    lines = (to_row(y) + 0.5).astype(int) // canvas.dots[1]
    canvas.chars[lines, columns], canvas.inks[lines, columns] = char, ink


_TAG_EVERY = 18


def _put_tags(canvas: Canvas, spans: Spans, curve: Curve, to_row: RowScale) -> None:
    """The curve's sign on its line, every few cells, and at its end."""
    wide, tall = canvas.dots
    cells = spans.column // wide
    wanted = np.arange(int(curve.tag_at * _TAG_EVERY), canvas.columns, _TAG_EVERY)
    at = np.searchsorted(cells, wanted)
    chosen = np.unique(np.append(at[at < len(cells)], len(cells) - 1))
    lines = (to_row(spans.last[chosen]) + 0.5).astype(int) // tall
    canvas.chars[lines, cells[chosen]], canvas.inks[lines, cells[chosen]] = curve.tag, curve.ink


def _draw_flags(canvas: Canvas, group: Flags, plot: Plot, to_row: RowScale, floor: dict[int, tuple[str, str]]) -> None:
    inside = (group.x >= plot.x_range[0]) & (group.x <= plot.x_range[1])
    columns = sorted({plot.column_of(x) for x in group.x[inside]})
    if group.place == "value" and group.y is not None:
        _put_points(canvas, group.x, group.y, group.char, group.ink, plot, to_row)
    elif group.place == "floor":
        floor.update(dict.fromkeys(columns, (group.char, group.ink)))
    elif columns:
        line = 0 if group.place == "top" else canvas.lines - 1
        canvas.chars[line, columns], canvas.inks[line, columns] = group.char, group.ink


def _add_axes(plot: Plot, tick_rows: dict[int, str], style: Style, floor: dict[int, tuple[str, str]]) -> None:
    wall, tee, foot, level, down = "|++-+" if style.ascii_only else "│┤└─┬"
    label_width = plot.left - 2
    for i, row in enumerate(plot.rows):
        label = tick_rows.get(i, "")
        row[:0] = [(label.rjust(label_width) + " ", "muted"), (tee if label else wall, "axis")]
    baseline, labels = np.full(plot.columns, level), [" "] * plot.columns
    inks = np.full(plot.columns, "axis", dtype=object)
    taken = -2
    for value, label in axis_ticks(plot.x_range, plot.columns, style.axis, style.whole_x):
        column = plot.column_of(value)
        start = min(plot.columns - len(label), max(0, column - len(label) // 2))
        if start <= taken + 1 or start < 0:
            continue
        baseline[column] = down
        labels[start : start + len(label)] = label
        taken = start + len(label)
    for column, (char, ink) in floor.items():
        baseline[column], inks[column] = char, ink
    plot.rows.append([(" " * (plot.left - 1) + foot, "axis"), *merge(baseline, inks)])
    plot.rows.append([(" " * plot.left, ""), ("".join(labels), "muted")])


def spark(values: Floats, width: int, blocks: str) -> str:
    """Return `width` characters for the course of `values` (means of equal parts); gaps are spaces."""
    finite = np.isfinite(values)
    if not finite.any() or width < 1:
        return " " * max(0, width)
    values = np.clip(values.astype(np.float64), -HUGE, HUGE)
    parts = np.array_split(values, width) if len(values) >= width else [values[i : i + 1] for i in range(len(values))]
    means = [float(np.mean(part[np.isfinite(part)])) if np.isfinite(part).any() else math.nan for part in parts]
    known = [mean for mean in means if not math.isnan(mean)]
    low, high = min(known), max(known)
    scale = (len(blocks) - 1) / (high - low) if high - low > 1e-290 else 0.0
    text = "".join(" " if math.isnan(m) else blocks[round((m - low) * scale)] for m in means)
    return text.ljust(width)
