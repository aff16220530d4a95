"""What is different about the runs: settings, data, versions, machine. A column for each run while there is room.

With more runs than columns fit, each line groups the runs by their value: the value, then the marks of the runs that have it.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.runs.differences import GROUPS, Fact
from tui import words
from tui.compared import Sign
from tui.rows import Row
from tui.text import cell_len, pad, plain
from tui.widgets.painted import fit
from tui.widgets.scroller import Scroller

_KEY_LEAST, _KEY_MOST = 14, 30
_CELL_LEAST, _CELL_MOST = 12, 40


class CompareDifferences(Scroller):
    """The pane."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.facts: list[Fact] = []
        self.heads: list[tuple[str, Sign]] = []
        """Name and sign of each run, in the order of the values."""
        self.everything = False
        self.busy = False
        self._lines: list[str | Fact] = []

    def show(self, facts: Sequence[Fact], heads: Sequence[tuple[str, Sign]], everything: bool, busy: bool) -> None:
        """Tell about these; `busy` while they are being read."""
        self.facts, self.heads, self.everything, self.busy = list(facts), list(heads), everything, busy
        self._lines = []
        for group in GROUPS:
            own = [fact for fact in self.facts if fact.group == group]
            self._lines += [group, *own] if own else []
        self.repaint()

    def title(self) -> Row:
        """What is shown."""
        return [("settings, data and machine" if self.everything else "what differs", "title")]

    def badge(self) -> Row:
        """How many, and the other view."""
        differing = sum(fact.differs for fact in self.facts)
        row: Row = [(f"{words.count(differing)} {'differ' if differing != 1 else 'differs'}  ", "muted")]
        return [*row, ("d", "key"), (" only these" if self.everything else " all", "muted")] if self.heads else []

    def count(self, width: int) -> int:
        """Heads and facts."""
        return len(self._lines)

    def empty(self, width: int) -> list[Row]:
        """Why there is nothing."""
        if self.busy:
            return [[("Reading the run files…", "muted")]]
        if len(self.heads) < 2:
            return [[("What differs is shown for two runs or more: p adds one.", "muted")]]
        return [[("Nothing differs: same settings, same data, same versions, same machine.", "muted")]]

    def _layout(self, width: int) -> tuple[int, int]:
        """Width of the keys and of a column; a column of 0 where they do not fit."""
        longest = max((cell_len(plain(fact.key, _KEY_MOST)) for fact in self.facts), default=0)
        key = min(max(_KEY_LEAST, longest + 4), _KEY_MOST, max(_KEY_LEAST, width // 3))
        cell = min(_CELL_MOST, (width - key) // max(1, len(self.heads)))
        return key, cell if cell >= _CELL_LEAST else 0

    def line(self, index: int, width: int) -> Row:
        """A head with the marks of the columns, or a fact."""
        key, cell = self._layout(width)
        item = self._lines[index]
        ascii_only = self.glyphs.ascii_only
        if isinstance(item, str):
            row: Row = [(pad(item, key), "title")]
            for name, sign in self.heads if cell else ():
                row += [(f"{sign.mark(ascii_only)} ", sign.ink), (pad(plain(name, cell - 3), cell - 2), "faint")]
            return row
        row = [(pad(f"  {plain(item.key, key - 3)}", key), "muted")]
        ink = "text" if item.differs else "faint"
        if cell:
            return [*row, *((pad(_end_of(value, cell - 1), cell), ink) for value in item.values)]
        return fit([*row, *self._grouped(item, ink)], width)

    def _grouped(self, fact: Fact, ink: str) -> Row:
        row: Row = []
        for value in dict.fromkeys(fact.values):
            row.append((f"{_end_of(value, 24)} ", ink))
            for (_, sign), own in zip(self.heads, fact.values, strict=True):
                if own == value:
                    row.append((sign.mark(self.glyphs.ascii_only), sign.ink))
            row.append(("   ", ""))
        return row


def _end_of(value: str | None, width: int) -> str:
    """A value; of a path that is too long the end, where paths differ."""
    text = plain(value or "-")
    if "/" not in text or cell_len(text) <= width:
        return plain(text, width)
    while cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}"
