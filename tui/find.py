"""Looking for words in the rows of a list: which rows hold them, which is the next, and how many there are.

`Finder` knows no widget: it is given the number of rows and a way to their texts. `Findable` gives it to a list together with
the keys of a search. Invariant: a search ends within `_MOST_S`; what was not looked at is said, never passed over in silence.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui import words

if TYPE_CHECKING:
    from textual.widget import Widget

    _Base = Widget
else:
    _Base = object

_MOST_S = 0.25
_MOST_EACH_S = 0.05
_LOOK = 256
"""Rows between two looks at the clock."""
MOST_WANTED = 500
"""Characters of what is looked for."""


def matcher(wanted: str, regex: bool) -> Callable[[str], bool]:
    """Return what says whether a text holds `wanted`: every word of it, or a match of it as a regular expression.

    Capitals count only where `wanted` has one. Raises ValueError, in words, for what is no regular expression; the returned
    function raises TimeoutError where the expression takes longer than 50 ms on one text.
    """
    exact = any(char.isupper() for char in wanted)
    if not regex:
        parts = wanted.split() if exact else wanted.lower().split()
        return lambda text: all(part in (text if exact else text.lower()) for part in parts)
    import regex as patterns  # of the standard library no search can be given a time limit

    try:
        pattern = patterns.compile(wanted, 0 if exact else patterns.IGNORECASE)
    except patterns.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return lambda text: pattern.search(text, timeout=_MOST_EACH_S) is not None


class Finder:
    """What is looked for in one list, and the rows that hold it."""

    def __init__(self) -> None:
        self.wanted = ""
        self.regex = False
        self.problem = ""
        """Why nothing could be found, in words."""
        self.rows: list[int] = []
        self.looked_at = 0
        self.total = 0

    @property
    def active(self) -> bool:
        """Whether something is looked for."""
        return bool(self.wanted.strip())

    def look(self, wanted: str, regex: bool, total: int, text_of: Callable[[int], str]) -> None:
        """Look through `total` rows; `rows`, `looked_at` and `problem` say what came of it."""
        self.wanted, self.regex, self.problem = wanted[:MOST_WANTED], regex, ""
        self.rows, self.looked_at, self.total = [], 0, total
        if not self.active:
            return
        end = time.monotonic() + _MOST_S
        try:
            holds = matcher(self.wanted, regex)
            for index in range(total):
                if index % _LOOK == 0 and time.monotonic() > end:
                    return
                if holds(text_of(index)):
                    self.rows.append(index)
                self.looked_at = index + 1
        except ValueError as error:
            self.problem = str(error)
        except TimeoutError:
            self.problem = f"row {words.count(self.looked_at + 1)} takes this expression too long"

    def clear(self) -> None:
        """Look for nothing."""
        self.look("", self.regex, 0, str)

    def beside(self, row: int, forward: bool = True, here: bool = False) -> int | None:
        """The next row behind (or before) `row` that fits, around the end; `here`: `row` itself will do."""
        if not self.rows:
            return None
        if forward:
            place = (bisect_left if here else bisect_right)(self.rows, row)
            return self.rows[place % len(self.rows)]
        return self.rows[bisect_left(self.rows, row) - 1]

    def count(self, row: int) -> str:
        """Such as "3 of 17": which match `row` is, and how many there are."""
        if self.problem:
            return self.problem
        found = words.count(len(self.rows))
        place = bisect_left(self.rows, row)
        is_match = place < len(self.rows) and self.rows[place] == row
        said = f"{words.count(place + 1)} of {found}" if is_match else f"{found} found" if self.rows else "none found"
        rest = self.looked_at < self.total
        return f"{said} in the first {words.count(self.looked_at)} rows" if rest else said


class Findable(_Base):
    """A list in which one can look for words. It gives `count`, `text_of`, `row_here` and `show_row`."""

    finder: Finder | None = None

    def text_of(self, index: int) -> str:
        """What a row says."""
        raise NotImplementedError

    def rows_to_find(self) -> int:
        """How many rows there are to look through."""
        raise NotImplementedError

    def row_here(self) -> int:
        """The row where a search begins."""
        raise NotImplementedError

    def show_row(self, index: int) -> None:
        """Bring a row into view, and put the cursor on it where there is one."""
        raise NotImplementedError

    def look_for(self, wanted: str, regex: bool, start: int) -> None:
        """Look for something else, and go to the first match from row `start` on; without one back to `start`."""
        self.finder = self.finder or Finder()
        self.finder.look(wanted, regex, self.rows_to_find(), self.text_of)
        row = self.finder.beside(start, here=True)
        if self.rows_to_find():
            self.show_row(start if row is None else row)

    def clear_search(self) -> bool:
        """Look for nothing; return whether something was looked for."""
        if self.finder is None or not self.finder.active:
            return False
        self.finder.clear()
        return True

    @property
    def found_words(self) -> str:
        """What is looked for and how much of it there is, for a status line; "" where nothing is."""
        finder = self.finder
        return f"/{finder.wanted} {finder.count(self.row_here())}" if finder is not None and finder.active else ""

    def go_to_match(self, forward: bool) -> None:
        """To the next match or to the one before, around the end. The rows may have changed: they are looked through anew."""
        finder = self.finder
        if finder is None or not finder.active:
            return
        finder.look(finder.wanted, finder.regex, self.rows_to_find(), self.text_of)
        row = finder.beside(self.row_here(), forward)
        if row is not None:
            self.show_row(row)
