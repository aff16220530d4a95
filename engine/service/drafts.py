"""Open drafts: run files whose tokens are looked at.

Light: what tokenizes is imported when the first draft is opened. What a draft is at a time is one `Look`, which is replaced as a
whole, so that whoever holds one sees rows, tokens and numbers that belong together.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from engine.errors import DataError
from engine.plan_talk import MaskBytes
from engine.service.memory import look_again
from engine.service.planner import Planner

if TYPE_CHECKING:
    from engine.service.draft_base import Base
    from engine.service.draft_look import Look
    from engine.service.draft_reading import Reading


class Draft:
    """One open draft."""

    def __init__(self, number: int, base: Base) -> None:
        self.number = number
        self.base = base
        self.look: Look | None = None
        """What it is now; None while its first rows are read."""
        self.reading: Reading | None = None
        """Its sources being read whole, or read."""
        self.lock = threading.Lock()
        """Held while one of the two is replaced."""
        self.completing = threading.Lock()
        """Held while all rows are put in the place of the first ones."""
        self.counted: OrderedDict[tuple[object, ...], tuple[int, MaskBytes, object]] = OrderedDict()
        """Sequences that a plan was made of: a number for the planner, what it is sent, and what they were counted from."""

    @property
    def key(self) -> int:
        """Its number among the things that requests work on; those of sources are above 0."""
        return -self.number


class Drafts:
    """All open drafts, by number."""

    def __init__(self) -> None:
        self.planner = Planner()
        self._drafts: dict[int, Draft] = {}
        self._next = 1
        self._lock = threading.Lock()

    def new(self, base: Base) -> Draft:
        """A draft that nobody can ask about before it is announced."""
        with self._lock:
            number, self._next = self._next, self._next + 1
        return Draft(number, base)

    def announce(self, draft: Draft) -> None:
        """From now on it can be asked about."""
        with self._lock:
            self._drafts[draft.number] = draft

    def get(self, number: int) -> Draft:
        """Raises DataError when it is not open."""
        draft = self._drafts.get(number)
        if draft is None:
            opened = ", ".join(map(str, self._drafts)) or "none"
            raise DataError(f"There is no open draft {number} (open: {opened}). Open it again.")
        return draft

    def look(self, number: int) -> Look:
        """What a draft is now. Raises DataError when it is not open."""
        look = self.get(number).look
        assert look is not None, "a draft is announced with a look"
        return look

    def forget(self, number: int) -> Draft:
        """Close one. Raises DataError when it is not open."""
        draft = self.get(number)
        with self._lock:
            self._drafts.pop(number, None)
        if draft.reading is not None:
            draft.reading.stop()
        if not self._drafts:
            look_again()
        return draft
