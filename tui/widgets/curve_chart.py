"""A chart of any number of curves that one can zoom, move along and read: the base of the charts of Monitor and Compare.

A subclass gives `lines` (and `flags`, `planned`, `stamp`); this class owns the window, the axes and the crosshair. The crosshair
always stands on a point of the first line. numpy is loaded with the first chart that has something to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from tui import words
from tui.chart_window import ZOOM, Bounds, Window
from tui.rows import Row
from tui.text import plain
from tui.ticks import moment, nice_ceiling
from tui.widgets.chart_lines import At, Line, at_or_before, finite, fitting, nearest
from tui.widgets.chart_mouse import ChartMouse
from tui.widgets.painted import Painted, row_width

if TYPE_CHECKING:
    from tui.plot import Axis, Flags, Plot, Style

__all__ = ["At", "CurveChart", "Line"]

_PAN = 0.25
_LEAST_POINTS = 4
_AXIS_NAMES: dict[str, str] = {"step": "step", "tokens": "tokens", "time": "time"}


class CurveChart(ChartMouse, Painted):
    """The chart. Posts `Moved` when window or crosshair changed, `Chosen` when the place of the crosshair is clicked again."""

    framed = True
    AXES: tuple[Axis, ...] = ("step", "tokens", "time")

    class Moved(Message):
        """Another window, or the crosshair stands elsewhere."""

        def __init__(self, chart: CurveChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> CurveChart:
            """The chart."""
            return self.chart

    class Chosen(Moved):
        """The place under the crosshair was chosen."""

    def __init__(self, *, id: str | None = None, heading: str = "loss") -> None:  # noqa: A002
        super().__init__(id=id)
        self.heading = heading
        self.axis: Axis = "step"
        self.window = Window()
        self.log_y = False
        self.full = False
        self.live = False
        """Whether more points may come: only then it matters whether the window follows."""
        self.cursor: float | None = None
        self.terse = False
        """Whether the readout has to be short."""
        self._lines: list[Line] = []
        self._flags: list[Flags] = []
        self._plot: Plot | None = None
        self._drawn_for: object = None

    def on_mount(self) -> None:
        """As the settings want it at first."""
        wanted = self.luthier.settings
        self.axis, self.log_y = next((axis for axis in self.AXES if axis == wanted.axis), self.axis), wanted.log_y

    # What a subclass says

    def lines(self, axis: Axis) -> list[Line]:
        """The curves over an axis; the crosshair walks on the first. Called at each paint: keep what is dear."""
        raise NotImplementedError

    def flags(self, axis: Axis) -> list[Flags]:
        """Signs to be drawn over the curves."""
        return []

    def planned(self, axis: Axis) -> float:
        """Where the axis will end; 0 where that is not known."""
        return 0.0

    def stamp(self) -> object:
        """What differs whenever `lines` or `flags` would: while it is the same nothing is drawn anew. None: always."""
        return None

    def nothing(self) -> str:
        """What is said where there is no line."""
        return "Nothing to draw yet."

    # Drawing

    def paint(self, width: int, height: int) -> list[Row]:
        """The chart."""
        self.take_lines()
        if not self._lines:
            self._plot, self._drawn_for = None, None
            lead: list[Row] = [[] for _ in range(height // 2)]
            return [*lead, [(self.nothing().center(width), "faint")]]
        from tui.plot import Style

        self._flags = self.flags(self.axis)
        style = Style(
            log_y=self.log_y,
            full=self.full,
            ascii_only=self.glyphs.ascii_only,
            x_range=self.shown_range,
            cursor_x=self.cursor,
            axis=self.axis,
            whole_x=self.axis != "time",
        )
        stamp = self.stamp()
        wanted = (width, height, style, stamp)
        if self._plot is None or stamp is None or wanted != self._drawn_for:
            self._plot, self._drawn_for = self._draw(width, height, style), wanted
        return [[*row] for row in self._plot.rows]

    def take_lines(self) -> None:
        """Know the newest curves, also where nothing is painted."""
        self._lines = [line for line in self.lines(self.axis) if len(line.x)]

    def _draw(self, width: int, height: int, style: Style) -> Plot:
        from tui.plot import Curve, draw

        dot = self.glyphs.point
        curves = [Curve(a.x, a.raw, a.raw_ink, ascii_char=".", dot=dot) for a in self._lines if a.raw is not None]
        marked = [line for line in self._lines if line.points]
        curves += [
            Curve(line.x, line.y, line.ink, ascii_char="-") for line in marked
        ]  # what joins the marks lies below
        for i, line in enumerate(self._lines):
            if not line.points:
                at, alone = i / len(self._lines), "" if line.raw is not None or line.mark else dot
                char = line.mark or self.glyphs.bar_done
                curves.append(Curve(line.x, line.y, line.ink, ascii_char=char, tag=line.mark, tag_at=at, dot=alone))
        curves += [Curve(line.x, line.y, line.ink, line.mark) for line in marked]
        return draw(curves, width, height, style, self._flags)

    def title(self) -> Row:
        """What is drawn over what, and what the window or the axis leaves out."""
        row: Row = [(self.heading, "title")]
        if not self._lines:
            return row
        if self.axis != "step":
            row.append((f" by {_AXIS_NAMES[self.axis]}", "muted"))
        if self.log_y:
            row.append(("  log", "muted"))
        if self.cursor is not None:  # the values under the crosshair need the room
            return row
        if not self.window.whole:
            row.append((f"  {self._zoom_words()}", "muted"))
            if self.live and not self.window.follow:
                row.append(("  not following: F", "warn"))
        if self._plot is not None and self._plot.above is not None:
            row.append((f"  {self.glyphs.up} up to {words.loss(self._plot.above)}: o", "warn"))
        return row

    def _zoom_words(self) -> str:
        low, high = self.shown_range
        factor = self.bounds.width / (high - low)
        return f"zoom {factor:.0f}" if factor >= 9.5 else f"zoom {factor:.1f}"

    def badge(self) -> Row:
        """The legend, or the values under the crosshair: as much as there is room for."""
        if not self._lines:
            return []
        room = self.size.width - row_width(self.title()) - 8
        if self.cursor is None:
            return fitting(self.legend(), room)[0]
        self.terse = False
        row, whole = fitting(self.readout(self.cursor), room)
        if not whole:
            self.terse = True
            row, _ = fitting(self.readout(self.cursor), room)
        return row

    def legend(self) -> list[Row]:
        """What each sign is, the most important first."""
        bar = self.glyphs.bar_done
        parts: list[Row] = []
        for line in self._lines:
            parts.append([(line.mark or bar, line.ink), (f" {plain(line.label, 24)}", "muted")])
        low, high = self.shown_range
        for group in self._flags:
            if group.label and any(low <= x <= high for x in group.x):
                parts.append([(group.char, group.ink), (f" {group.label}", "muted")])
        return parts

    def readout(self, x: float) -> list[Row]:
        """The values under the crosshair, in words; few where it is `terse`."""
        parts: list[Row] = [[(self.place_words(x), "title")]]
        for at in self.read(x):
            value = at.raw if at.line.raw is not None else at.y
            row: Row = [(f"{plain(at.line.label, 16)} ", "muted"), (words.loss(value), at.line.ink)]
            if at.line.raw is not None and not self.terse:
                row.append((f" ({words.loss(at.y)})", "muted"))
            parts.append(row)
        return parts

    def place_words(self, x: float) -> str:
        """A place on the axis."""
        if self.axis == "time":
            return moment(x)
        return f"step {words.count(x)}" if self.axis == "step" else f"{words.short_count(x)} tokens"

    # What is known of it

    @property
    def drawn(self) -> bool:
        """Whether there is a curve on it."""
        return bool(self._lines)

    @property
    def bounds(self) -> Bounds:
        """What there is to be seen."""
        if not self._lines:
            return Bounds()
        low = min(float(line.x[0]) for line in self._lines)
        newest = max(float(line.x[-1]) for line in self._lines)
        longest = max(self._lines, key=lambda line: len(line.x))
        each = (float(longest.x[-1]) - float(longest.x[0])) / max(1, len(longest.x) - 1)
        ceiling, planned = nice_ceiling(newest), self.planned(self.axis)
        high = max(newest, min(ceiling, planned) if planned >= newest else ceiling)
        return Bounds(min(0.0, low), high, newest, _LEAST_POINTS * each or 1e-9)

    @property
    def shown_range(self) -> tuple[float, float]:
        """First and last place that the window shows."""
        return self.window.shown(self.bounds)

    def read(self, x: float) -> list[At]:
        """The values of every line at the point nearest to `x`; of a line of points the newest one up to there."""
        found = []
        for line in self._lines:
            if line.points:
                index = at_or_before(line.x, x)
                if index < 0:
                    continue
            else:
                index = nearest(line.x, x)
            raw = None if line.raw is None else finite(line.raw[index])
            found.append(At(line, float(line.x[index]), finite(line.y[index]), raw))
        return found

    # What is done to it

    def changed(self) -> None:
        """Paint, and tell whoever follows."""
        self.repaint()
        self.post_message(self.Moved(self))

    def zoom(self, factor: float = ZOOM, at: float | None = None) -> None:
        """Zoom around `at`; without it around the crosshair where that can be seen, else at the right end."""
        low, high = self.shown_range
        if at is None and self.cursor is not None and low <= self.cursor <= high:
            at = self.cursor
        self.window = self.window.zoomed(factor, self.bounds, at)
        self.changed()

    def pan(self, share: float = _PAN) -> None:
        """Move the window by a share of its width."""
        self.window = self.window.panned(share, self.bounds)
        self.changed()

    def fit(self) -> None:
        """Show everything."""
        self.window = Window()
        self.changed()

    def follow(self) -> None:
        """Keep the newest at the right end."""
        self.window = self.window.following()
        self.changed()

    def turn_axis(self) -> None:
        """The next axis; window and crosshair stay on the same points."""
        self.set_axis(self.AXES[(self.AXES.index(self.axis) + 1) % len(self.AXES)])

    def set_axis(self, axis: Axis) -> None:
        """Draw over another axis; window and crosshair stay on the same points."""
        before = self._lines or [line for line in self.lines(self.axis) if len(line.x)]
        after = [line for line in self.lines(axis) if len(line.x)]
        window = self.window
        low, high = self.shown_range
        self.axis = axis
        if before and after and len(before[0].x) == len(after[0].x):
            old, new = before[0].x, after[0].x
            if self.cursor is not None:
                self.cursor = float(new[nearest(old, self.cursor)])
            if not window.whole:
                start, end = (float(new[nearest(old, edge)]) for edge in (low, high))
                self.window = Window(start, max(end - start, 1e-9), window.follow)
        else:
            self.window, self.cursor = Window(), None
        self.changed()

    def toggle_log(self) -> None:
        """Logarithmic or linear."""
        self.log_y = not self.log_y
        self.changed()

    def toggle_full(self) -> None:
        """With or without outliers."""
        self.full = not self.full
        self.changed()

    def move_cursor(self, columns: int) -> None:
        """Move the crosshair by columns, at least by one point; it starts at the newest point."""
        if not self._lines or self._plot is None:
            return
        xs = self._lines[0].x
        low, high = self.shown_range
        if self.cursor is None:
            self.put_cursor(min(float(xs[-1]), high))
            return
        now = nearest(xs, self.cursor)
        each = (high - low) / max(1, self._plot.columns - 1)
        index = nearest(xs, self.cursor + columns * each)
        if (index - now) * columns <= 0:
            index = now + (1 if columns > 0 else -1)
        self.put_cursor(float(xs[min(max(0, index), len(xs) - 1)]))

    def put_cursor(self, x: float) -> None:
        """Put the crosshair on the point nearest to `x`; the window moves as little as it must."""
        if not self._lines:
            return
        xs = self._lines[0].x
        self.cursor = float(xs[nearest(xs, x)])
        self.window = self.window.holding(self.cursor, self.bounds)
        self.changed()

    def clear_cursor(self) -> bool:
        """Take the crosshair away; return whether there was one."""
        had, self.cursor = self.cursor is not None, None
        if had:
            self.changed()
        return had
