"""Views: row numbers in an order, made by `filter`. Four bytes a row; the rows themselves stay in the file.

A view grows while it is being made and can be read meanwhile. View 0 is all rows and is kept nowhere.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError

Numbers = NDArray[np.int32]
KEPT_VIEWS = 8
_FIRST_ROOM = 1024
MOST_ROWS = 2**31 - 1


class View:
    """Rows by number, from 0, in the order they are shown in."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.complete = False
        self._rows: Numbers = np.empty(_FIRST_ROOM, dtype=np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: Sequence[int] | Numbers) -> None:
        """Put rows at the end. One thread only."""
        wanted = self._count + len(rows)
        if wanted > len(self._rows):
            room = np.empty(max(wanted, 2 * len(self._rows)), dtype=np.int32)
            room[: self._count] = self._rows[: self._count]
            self._rows = room
        self._rows[self._count : wanted] = rows
        self._count = wanted

    def put(self, rows: Numbers) -> None:
        """These rows instead of those before, and no more will come."""
        self._count = min(self._count, len(rows))  # a reader between the two lines sees rows, if old ones
        self._rows = rows.astype(np.int32, copy=False)
        self._count = len(rows)
        self.complete = True

    def rows(self, start: int = 0, stop: int | None = None) -> Numbers:
        """The rows at these positions; fewer where there are fewer."""
        count = self._count
        return self._rows[start : count if stop is None else min(stop, count)]


class Views:
    """The views of one source; the one not asked for the longest makes room."""

    def __init__(self) -> None:
        self._views: OrderedDict[int, View] = OrderedDict()
        self._next = 1
        self._lock = threading.Lock()

    def new(self) -> View:
        """A view that nothing is in yet."""
        with self._lock:
            view = View(self._next)
            self._next += 1
            self._views[view.number] = view
            while len(self._views) > KEPT_VIEWS:
                self._views.popitem(last=False)
            return view

    def get(self, number: int) -> View:
        """Raises DataError when there is none."""
        with self._lock:
            if number not in self._views:
                raise DataError(
                    f"There is no view {number} of this source: the last {KEPT_VIEWS} are kept. Filter again."
                )
            self._views.move_to_end(number)
            return self._views[number]

    def drop(self, view: View) -> None:
        """Forget one."""
        with self._lock:
            self._views.pop(view.number, None)
