"""Series of numbers over steps: what charts and sparklines are drawn from.

Append-only and compact, with NaN for a value that was not finite. A resumed run writes the steps after its checkpoint
again, so a series can be cut back to a step. What was handed out once (`steps`, `values`, `numpy()`) is never moved or
shortened: it may be kept while the series grows.
"""

from __future__ import annotations

import math
import mmap
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPARK_BLOCKS = "⣀⣤⣶⣿"
_SPARK_SAMPLES = 200
"""Values of a long series that the mean of one block character is taken of."""
_SHARE = 60
"""The average looks back over about one part in this many of what is shown."""
_PAGED_BYTES = 1 << 18
"""From this size on a column lies in pages of its own: those not written yet take no memory."""


class Column:
    """A growing row of numbers of one width: "d" is 8 bytes and exact, "f" is 4 bytes and seven digits."""

    __slots__ = ("_room", "count")

    def __init__(self, code: str = "d") -> None:
        self._room: Any = memoryview(bytearray(array(code).itemsize * 16)).cast(code)  # type: ignore[call-overload]
        self.count = 0

    @property
    def view(self) -> memoryview[float]:
        """What is in it, not copied."""
        found: memoryview[float] = self._room[: self.count]
        return found

    def append(self, value: float) -> None:
        """Add a number."""
        if self.count == len(self._room):
            self._grow(self.count + 1)
        self._room[self.count] = value
        self.count += 1

    def extend(self, values: array[float] | memoryview[float]) -> None:
        """Add numbers of the same width."""
        end = self.count + len(values)
        if end > len(self._room):
            self._grow(end)
        self._room[self.count : end] = memoryview(values)
        self.count = end

    def widen(self) -> None:
        """Hold numbers of 8 bytes from now on."""
        kept = array("d", self.view)
        self._room, self.count = memoryview(bytearray(128)).cast("d"), 0
        self.extend(kept)

    @property
    def code(self) -> str:
        """The width of its numbers."""
        return str(self._room.format)

    def cut(self, count: int) -> None:
        """Keep the first ones. What follows will be written elsewhere: an old look at it must not change."""
        if count < self.count:
            self.count = count
            self._grow(count)

    def _grow(self, least: int) -> None:
        code, width = self._room.format, self._room.itemsize
        size = width * max(16, least, 2 * self.count)
        room: Any = mmap.mmap(-1, size) if size >= _PAGED_BYTES else bytearray(size)
        new: Any = memoryview(room).cast(code)
        new[: self.count] = self._room[: self.count]
        self._room = new


class Series:
    """`values` over ascending `steps`; NaN marks a gap. Steps may be shared with other series that grow with it."""

    __slots__ = ("_exact", "_steps", "_values")

    def __init__(self, steps: Column | None = None, code: str = "d") -> None:
        self._steps = Column() if steps is None else steps
        self._values = Column(code)
        self._exact: float | None = None

    def __len__(self) -> int:
        return self._values.count

    @property
    def steps(self) -> memoryview[float]:
        """The steps, ascending; not copied."""
        return self._steps.view[: len(self)]

    @property
    def values(self) -> memoryview[float]:
        """The values, one for each of the steps; not copied."""
        return self._values.view

    def numpy(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Steps and values, each float64 or float32, not copied and not to be written to."""
        return as_array(self.steps), as_array(self.values)

    def add(self, step: float, value: float | None) -> None:
        """Append a point; None is a gap. A step that is not beyond the last one cuts the series back first."""
        if self._steps.count and step <= self._steps.view[-1]:
            self.rewind(step - 1)
        self._steps.append(step)
        self.push(value)

    def push(self, value: float | None) -> None:
        """Append a value to the step that the owner of the shared steps has added, or is about to add."""
        self._exact = math.nan if value is None else value
        self._values.append(self._exact)

    def extend(self, values: array[float], newest: float | None) -> None:
        """As `push` for many; `newest` is the last of them with all its digits."""
        self._values.extend(values)
        self._exact = math.nan if newest is None else newest

    def rewind(self, step: float) -> None:
        """Forget every point after `step`."""
        keep = bisect_right(self._steps.view, step)
        self._steps.cut(keep)
        self.cut(keep)

    def cut(self, count: int) -> None:
        """Keep the first values, of a series whose steps are shared."""
        if count < len(self):
            self._values.cut(count)
            self._exact = None

    def keep(self, chosen: Sequence[int]) -> None:
        """Keep only the values at these places."""
        kept, exact = array(self._values.view.format, [self._values.view[i] for i in chosen]), self._exact
        self._values = Column(kept.typecode)
        self._values.extend(kept)
        self._exact = exact

    @property
    def last(self) -> float | None:
        """The newest value, exact; None where there is none, or where it is not finite."""
        if not len(self):
            return None
        newest = self._values.view[-1] if self._exact is None else self._exact
        return newest if math.isfinite(newest) else None

    @property
    def lowest(self) -> tuple[float, float] | None:
        """(step, value) of the smallest finite value."""
        best = min(((v, s) for s, v in zip(self.steps, self.values, strict=True) if math.isfinite(v)), default=None)
        return None if best is None else (best[1], best[0])


def as_array(column: memoryview[float]) -> NDArray[Any]:
    """The numbers of a column, or of a part of one, for numpy: not copied, and not to be written to."""
    import numpy as np

    shared: Any = column
    values: NDArray[Any] = np.frombuffer(shared, dtype=column.format)
    values.flags.writeable = False
    return values


def beta_for(steps: float) -> float:
    """The weight of the past that suits a curve of so many steps: 0.5 for few, 0.99 for many."""
    return min(0.99, max(0.5, 1 - _SHARE / max(1.0, steps)))


class MovingAverage:
    """Exponential moving average with the bias of its start removed (Adam's correction), one value at a time.

    A constant series stays constant, and a gap stays a gap. Raises ValueError unless 0 <= beta < 1.
    """

    __slots__ = ("_total", "_weight", "beta")

    def __init__(self, beta: float = 0.9) -> None:
        if not 0 <= beta < 1:
            raise ValueError(f"beta must be in [0, 1), not {beta}")
        self.beta = beta
        self._total = self._weight = 0.0

    def push(self, value: float) -> float:
        """Fold `value` in and return the average so far; NaN for a value that is not finite."""
        if not math.isfinite(value):
            return math.nan
        self._total = self.beta * self._total + (1 - self.beta) * value
        self._weight = self.beta * self._weight + (1 - self.beta)
        return self._total / self._weight


def sparkline(values: Sequence[float] | memoryview[float], width: int) -> str:
    """Return `width` block characters for the course of `values` (means of equal parts); gaps are spaces.

    Of a very long series each mean is of a sample.
    """
    count = len(values)
    if not count or width < 1:
        return ""
    width = min(width, count)
    every = max(1, count // (width * _SPARK_SAMPLES))
    means = []
    for i in range(width):
        part = [v for v in values[i * count // width : (i + 1) * count // width : every] if math.isfinite(v)]
        means.append(sum(part) / len(part) if part else math.nan)
    finite = [m for m in means if math.isfinite(m)]
    if not finite:
        return " " * width
    low, high = min(finite), max(finite)
    scale = (len(SPARK_BLOCKS) - 1e-9) / (high - low) if high > low else 0.0
    return "".join(" " if not math.isfinite(m) else SPARK_BLOCKS[int((m - low) * scale)] for m in means)
