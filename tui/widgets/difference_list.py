"""Keys with two values each, below each other: what holds, and what the other one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.config.differences import Difference
from engine.config.form import Field, show
from tui.rows import Row
from tui.text import cell_len, pad, plain
from tui.widgets.painted import row_width
from tui.widgets.scroller import Picker

_MOST_KEY = 30


class DifferenceList(Picker):
    """The list. `names` are what the two are called; without them it has no heading."""

    framed = False

    def __init__(self, *, id: str, names: tuple[str, str] = ("", "")) -> None:  # noqa: A002
        super().__init__(id=id)
        self.names = names
        self.fields: Mapping[str, Field] = {}
        self.differences: Sequence[Difference] = []
        self.nothing = "Nothing differs."
        self.header_rows = 1 if names != ("", "") else 0

    def fill(self, differences: Sequence[Difference], fields: Mapping[str, Field]) -> None:
        """Show some differences; `fields` say how values are written."""
        self.differences, self.fields = differences, fields
        self.cursor = min(self.cursor, max(0, len(differences) - 1))
        self.repaint()

    @property
    def current(self) -> Difference | None:
        """The one under the cursor."""
        return self.differences[self.cursor] if self.cursor < len(self.differences) else None

    def count(self, width: int) -> int:
        """The keys."""
        return len(self.differences)

    def empty(self, width: int) -> list[Row]:
        """They say the same."""
        return [[(f"  {self.nothing}", "muted")]]

    def _key_width(self, width: int) -> int:
        longest = max((cell_len(item.key) for item in self.differences), default=0)
        return min(_MOST_KEY, max(8, width * 2 // 5), longest)

    def heading(self, width: int) -> list[Row]:
        """What the two are called."""
        if not self.header_rows:
            return []
        left = self._key_width(width) + 4
        room = max(8, (width - left - 3) // 2)
        return [
            [
                (" " * left, ""),
                (pad(plain(self.names[0], room), room), "faint"),
                ("   ", ""),
                (plain(self.names[1], room), "faint"),
            ]
        ]

    def line(self, index: int, width: int) -> Row:
        """Key, one value, the other."""
        item = self.differences[index]
        left = self._key_width(width)
        room = max(8, (width - left - 7) // 2)
        row: Row = [("  ", ""), (pad(plain(item.key, left), left), "text"), ("  ", "")]
        row += [(pad(self._shown(item.key, item.before, room), room), "muted"), (f" {self.glyphs.arrow} ", "faint")]
        return [*row, (self._shown(item.key, item.after, max(8, width - row_width(row))), "accent")]

    def _shown(self, key: str, value: object, room: int) -> str:
        field = self.fields.get(key)
        text = "" if value is None else show(field, value) if field is not None else str(value)
        return plain(text.replace("\n", " ⏎ ") or "not set", room)
