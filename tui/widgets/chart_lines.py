"""What a chart that one walks on is made of: its curves, what the crosshair reads of them, and how a place is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.rows import Row
from tui.widgets.painted import row_width

if TYPE_CHECKING:
    from tui.plot import Floats


@dataclass(frozen=True)
class Line:
    """One curve: ascending `x`, `y` with NaN for gaps, both as long as each other.

    `raw` is drawn faintly behind it (`y` is then its smoothed course). `points`: few points, each drawn as `mark`, joined by a
    line; otherwise `mark`, where there is one, stands on the line here and there.
    """

    label: str
    ink: str
    x: Floats
    y: Floats
    mark: str = ""
    raw: Floats | None = None
    raw_ink: str = "raw"
    points: bool = False


@dataclass(frozen=True)
class At:
    """What the crosshair reads of a line: where the point lies, and its values; None where the line has none there."""

    line: Line
    x: float
    y: float | None
    raw: float | None


def fitting(parts: list[Row], room: int) -> tuple[Row, bool]:
    """As many parts as there is room for, with gaps; and whether that is all of them."""
    row: Row = []
    for part in parts:
        gap: Row = [("  ", "")] if row else []
        if row_width([*row, *gap, *part]) > room:
            return row, False
        row += [*gap, *part]
    return row, True


def nearest(xs: Floats, x: float) -> int:
    """The index of the value nearest to `x` in ascending numbers; the earlier of two."""
    index = int(xs.searchsorted(xs.dtype.type(x)))
    if index <= 0:
        return 0
    if index >= len(xs):
        return len(xs) - 1
    return index if xs[index] - x < x - xs[index - 1] else index - 1


def at_or_before(xs: Floats, x: float) -> int:
    """The index of the last value up to `x`; -1 where there is none."""
    return int(xs.searchsorted(xs.dtype.type(x), "right")) - 1


def finite(value: float) -> float | None:
    """A value; None for one that is none."""
    return float(value) if abs(value) < float("inf") else None
