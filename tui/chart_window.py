"""Which part of the x axis a chart shows: zooming, panning, following. Arithmetic only; knows no widget.

A window never leaves the bounds, is never empty, and is never narrower than what holds a few points. Zooming in and out again
around the same place leads back to the same window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

ZOOM = 2.0
"""How much one press of a key zooms."""
_LEAP = 8
"""A window that follows moves on by this part of its width, so that it is drawn anew seldom."""


@dataclass(frozen=True)
class Bounds:
    """What there is to be seen: the first value, the end of the axis when all is shown, and the newest value."""

    low: float = 0.0
    high: float = 1.0
    newest: float = 1.0
    least: float = 1e-9
    """The narrowest window."""

    def __post_init__(self) -> None:
        low = self.low if math.isfinite(self.low) else 0.0
        high = self.high if math.isfinite(self.high) and self.high > low else low + max(1.0, abs(low) * 0.1)
        newest = min(max(self.newest, low), high) if math.isfinite(self.newest) else high
        least = self.least if math.isfinite(self.least) and self.least > 0 else (high - low) * 1e-6
        least = max(least, 1e-12 * max(abs(low), abs(high)))
        for name, value in (("low", low), ("high", high), ("newest", newest), ("least", min(least, high - low))):
            object.__setattr__(self, name, value)

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


@dataclass(frozen=True)
class Window:
    """A part of the axis. `width` None: all of it. `follow`: the newest value is kept at the right end."""

    start: float = 0.0
    width: float | None = None
    follow: bool = True

    @property
    def whole(self) -> bool:
        """Whether all is shown."""
        return self.width is None

    def shown(self, bounds: Bounds) -> tuple[float, float]:
        """First and last value that are shown."""
        if self.width is None or self.width >= bounds.width:
            return bounds.low, bounds.high
        width = max(self.width, bounds.least)
        if self.follow:
            leap = width / _LEAP
            end = bounds.low + leap * math.ceil((bounds.newest - bounds.low) / leap - 1e-9)
            start = min(end, max(bounds.high, bounds.low + width)) - width
        else:
            start = self.start
        start = min(max(start, bounds.low), bounds.high - width)
        return start, start + width

    def zoomed(self, factor: float, bounds: Bounds, at: float | None = None) -> Window:
        """Show `factor` times less of the axis (below 1: more); what is `at` stays where it is.

        Without `at` the right end stays: the newest value where the window follows or shows all.
        """
        if not (math.isfinite(factor) and factor > 0):
            return self
        low, high = self.shown(bounds)
        width = max(bounds.least, (high - low) / factor)
        if width >= bounds.width * (1 - 1e-9):
            return Window()
        if at is None and (self.follow or self.whole):
            return Window(0.0, width, True)
        place = high if at is None else min(max(at, low), high)
        share = (place - low) / (high - low)
        start = min(max(place - share * width, bounds.low), bounds.high - width)
        return Window(start, width, False)

    def panned(self, share: float, bounds: Bounds) -> Window:
        """Move by a share of the width, to the right where it is positive; the right end follows again."""
        if self.width is None or not math.isfinite(share):
            return self
        low, high = self.shown(bounds)
        return self.moved_to(low + share * (high - low), bounds, toward_end=share > 0)

    def moved_to(self, start: float, bounds: Bounds, toward_end: bool = False) -> Window:
        """Begin at `start`, or as near as the bounds allow; `toward_end` follows where the newest value is reached."""
        low, high = self.shown(bounds)
        width = high - low
        start = min(max(start, bounds.low), max(bounds.low, bounds.high - width))
        if toward_end and start + width >= bounds.newest:
            return replace(self, start=start, follow=True)
        return replace(self, start=start, follow=False)

    def holding(self, x: float, bounds: Bounds) -> Window:
        """The window moved as little as is needed to show `x`."""
        low, high = self.shown(bounds)
        if self.width is None or low <= x <= high:
            return self
        return self.moved_to(x if x < low else x - (high - low), bounds)

    def following(self) -> Window:
        """The newest value at the right end, as wide as it is."""
        return replace(self, follow=True)
