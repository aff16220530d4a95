"""A few pages of rows around what is looked at. What is asked for next follows from what is seen now.

Invariant: never more than `MOST_PAGES` pages are held, and never more than `MOST_ASKED` are on their way: whoever runs
through a million rows gets the pages where they stop, not all those on the way.
"""

from __future__ import annotations

from collections import OrderedDict

from engine.service.protocol import RowBrief

PAGE_ROWS = 64
MOST_PAGES = 12
MOST_ASKED = 2


class Pages:
    """The pages of one view of one source."""

    def __init__(self) -> None:
        self.columns: list[str] = []
        """Names of the columns that the cells belong to."""
        self.generation = 0
        """Counts the refreshes: a page that was asked for before the last one is not taken any more."""
        self.failed = ""
        """Why a page could not be had; nothing is asked for until `refresh`."""
        self._pages: OrderedDict[int, list[RowBrief]] = OrderedDict()
        self._fresh: set[int] = set()
        self._asked: set[int] = set()
        self._counted: dict[int, int] = {}
        """How many rows there were when a page was asked for: it is asked for again only when there are more."""

    def __len__(self) -> int:
        return len(self._pages)

    def row(self, position: int) -> RowBrief | None:
        """The row at a position of the view, if it is here."""
        page = self._pages.get(position // PAGE_ROWS)
        index = position % PAGE_ROWS
        return page[index] if page is not None and index < len(page) else None

    def missing(self, first: int, last: int, count: int) -> list[int]:
        """Pages that are to be asked for so that the rows from `first` to before `last` can be seen, nearest first.

        `count` is how many rows there are. A page on either side belongs to them, so that the next key finds it.
        """
        if count <= 0 or self.failed:
            return []
        first, last = max(0, min(first, count - 1)), max(1, min(last, count))
        seen = range(first // PAGE_ROWS, (last - 1) // PAGE_ROWS + 1)
        end = (count - 1) // PAGE_ROWS
        near = [page for page in (seen[-1] + 1, seen[0] - 1) if 0 <= page <= end]
        for page in [*near, *seen]:
            if page in self._pages:
                self._pages.move_to_end(page)
        wanted = [page for page in [*seen, *near] if page not in self._asked and not self._whole(page, count)]
        return wanted[: max(0, MOST_ASKED - len(self._asked))]

    def _whole(self, page: int, count: int) -> bool:
        held = self._pages.get(page)
        if held is None or page not in self._fresh:
            return False
        return len(held) >= min(PAGE_ROWS, count - page * PAGE_ROWS) or self._counted.get(page, 0) >= count

    def ask(self, page: int, count: int) -> None:
        """A page is on its way, of `count` rows in all."""
        self._asked.add(page)
        self._counted[page] = count

    def lose(self, page: int, generation: int, why: str = "") -> None:
        """A page will not come."""
        if generation == self.generation:
            self._asked.discard(page)
            self.failed = why or self.failed

    def take(self, page: int, generation: int, columns: list[str], rows: list[RowBrief]) -> None:
        """A page came."""
        if generation != self.generation:
            return
        self._asked.discard(page)
        self.columns = columns
        self._pages[page] = rows
        self._pages.move_to_end(page)
        self._fresh.add(page)
        while len(self._pages) > MOST_PAGES:
            gone, _ = self._pages.popitem(last=False)
            self._fresh.discard(gone)
            self._counted.pop(gone, None)

    def refresh(self) -> None:
        """Have every page asked for anew; what is here is shown until then."""
        self._fresh.clear()
        self._asked.clear()
        self.failed = ""
        self.generation += 1
