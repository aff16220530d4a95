"""Lists of any length: only the rows in view are made. `Scroller` moves a window, `Picker` moves a cursor in it.

Both know the keys of a terminal: j k, arrows, g g and G, home and end, page keys, the wheel; and / with n and N, where the
screen has no / of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message
from textual.widget import Widget

from tui.find import Findable
from tui.keys import bindings
from tui.rows import Row
from tui.widgets.painted import Painted, fit, marked


class Scroller(Findable, Painted, can_focus=True):
    """A window on rows. A subclass gives `count` and `line`; `follow` keeps the end in view."""

    framed = True
    follow = False
    BINDINGS = [*bindings("list"), *bindings("search", "toggle_regex")]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.top = 0
        self._found = -1
        """The row that a search led to; it is lifted while the search lasts."""
        self._first_g = False

    def count(self, width: int) -> int:
        """How many rows there are at this width."""
        raise NotImplementedError

    def line(self, index: int, width: int) -> Row:
        """Row `index`."""
        raise NotImplementedError

    def empty(self, width: int) -> list[Row]:
        """What is shown where there is no row."""
        return []

    @property
    def resting(self) -> bool:
        """Whether the keys go to another pane. One that is led from a field does not rest."""
        led = not self.can_focus or (isinstance(self.parent, Widget) and self.parent.has_class("-led"))
        return self.framed and not led and not self.has_focus

    def paint(self, width: int, height: int) -> list[Row]:
        """The rows in view, with a mark at the right edge that says where they lie."""
        count = self.count(width)
        if not count:
            return self.empty(width)
        last_top = max(0, count - height)
        self.top = last_top if self.follow else min(self.top, last_top)
        rows = [self._lifted(index, width - 1) for index in range(self.top, min(count, self.top + height))]
        if count <= height:
            return rows
        size = max(1, height * height // count)
        start = round(self.top / last_top * (height - size))
        thumb = [start <= i < start + size for i in range(height)]
        return [
            [*fit(row, width - 1), (self.glyphs.thumb if on else " ", "faint")]
            for row, on in zip(rows, thumb, strict=False)
        ]

    def _lifted(self, index: int, width: int) -> Row:
        row = self.line(index, width)
        found = index == self._found and self.finder is not None and self.finder.active
        return marked(fit(row, width), "selected") if found else row

    def move_to(self, top: int) -> None:
        """Show the rows from `top` on; reaching the end follows it again where the widget follows."""
        width, height = self.inner
        last_top = max(0, self.count(width) - height)
        self.top = min(max(0, top), last_top)
        if type(self).follow:
            self.follow = self.top >= last_top
        self.repaint()

    def step(self, rows: int) -> None:
        """Move by `rows`."""
        self.move_to(self.top + rows)

    def to_start(self) -> None:
        """Move to the first row."""
        self.move_to(0)

    def to_end(self) -> None:
        """Move to the last row."""
        self.move_to(self.count(self.inner[0]))

    # Finding

    def text_of(self, index: int) -> str:
        """What a row says: the text that is painted."""
        return "".join(text for text, _ in self.line(index, max(1, self.inner[0] - 1)))

    def rows_to_find(self) -> int:
        """All rows."""
        return self.count(self.inner[0])

    def row_here(self) -> int:
        """The row that was found last, while it is in view, else the uppermost one."""
        return self._found if self.top <= self._found < self.top + self.inner[1] else self.top

    def show_row(self, index: int) -> None:
        """Lift a row, with a few rows above it."""
        self._found = index
        if not self.top <= index < self.top + self.inner[1]:
            self.move_to(index - self.inner[1] // 3)
        self.repaint()
        self._say_found()

    def clear_search(self) -> bool:
        """Look for nothing."""
        cleared = super().clear_search()
        if cleared:
            self._found = -1
            self.repaint()
            self._say_found()
        return cleared

    def _say_found(self) -> None:
        for footer in self.screen.query("Footer"):
            if isinstance(footer, Painted):
                footer.repaint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A search only where the screen has none of its own; n and N only while something is looked for."""
        if action == "find":
            return not getattr(self.screen, "has_own_search", False)
        if action in ("find_next", "find_previous"):
            return self.finder is not None and self.finder.active
        return super().check_action(action, parameters)

    def action_find(self) -> None:
        """Type what to find."""
        self.luthier.find_in(self)

    def action_find_next(self) -> None:
        """To the next match."""
        self.go_to_match(True)

    def action_find_previous(self) -> None:
        """To the match before."""
        self.go_to_match(False)

    # Keys

    def action_list_down(self) -> None:
        """One row down."""
        self.step(1)

    def action_list_up(self) -> None:
        """One row up."""
        self.step(-1)

    def action_list_page_down(self) -> None:
        """A page down."""
        self.step(max(1, self.inner[1] - 1))

    def action_list_page_up(self) -> None:
        """A page up."""
        self.step(-max(1, self.inner[1] - 1))

    def action_list_end(self) -> None:
        """To the last row."""
        self.to_end()

    def action_list_start(self) -> None:
        """To the first row."""
        self.to_start()

    def action_list_g(self) -> None:
        """The second g in a row moves to the first row."""
        if self._first_g:
            self.to_start()
        self._first_g = not self._first_g

    def on_key(self, event: events.Key) -> None:
        """Any other key forgets a first g."""
        if event.key != "g":
            self._first_g = False

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.step(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.step(-3)


class Picker(Scroller):
    """A list with a cursor. Posts `Moved` when the cursor moves and `Chosen` on enter or click."""

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, picker: Picker) -> None:
            super().__init__()
            self.picker = picker

        @property
        def control(self) -> Picker:
            """The list."""
            return self.picker

    class Chosen(Moved):
        """The row under the cursor was chosen."""

    header_rows = 0
    """Rows that `heading` takes above the list."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cursor = 0

    def heading(self, width: int) -> list[Row]:
        """Rows above the list that do not scroll."""
        return []

    def selectable(self, index: int) -> bool:
        """Whether the cursor may stand on a row (headings it passes over)."""
        return True

    def paint(self, width: int, height: int) -> list[Row]:
        """Heading, then the rows around the cursor with the cursor's row lifted."""
        count = self.count(width)
        if not count:
            return self.empty(width)
        room = max(1, height - self.header_rows)
        self.cursor = min(max(0, self.cursor), count - 1)
        self.top = min(max(self.top, self.cursor - room + 1), self.cursor, max(0, count - room))
        lines: Callable[[int, int], Row] = self.line
        plain_line, lifted = lines, "resting" if self.resting else "selected"

        def line(index: int, line_width: int) -> Row:
            row = fit(plain_line(index, line_width), line_width)
            return marked(row, lifted) if index == self.cursor else row

        rows = [line(index, width - 1) for index in range(self.top, min(count, self.top + room))]
        if count > room:
            size = max(1, room * room // count)
            start = round(self.top / max(1, count - room) * (room - size))
            rows = [
                [*row, (self.glyphs.thumb if start <= i < start + size else " ", "faint")] for i, row in enumerate(rows)
            ]
        return self.heading(width) + rows

    def step(self, rows: int) -> None:
        """Move the cursor by `rows`, over rows where it may not stand."""
        count = self.count(self.inner[0])
        if not count:
            return
        target = min(max(0, self.cursor + rows), count - 1)
        direction = 1 if rows > 0 else -1
        while 0 <= target < count and not self.selectable(target):
            target += direction
        if 0 <= target < count:
            self.select(target)

    def select(self, index: int) -> None:
        """Put the cursor on row `index`."""
        if index != self.cursor:
            self.cursor = index
            self.post_message(self.Moved(self))
            if self.finder is not None and self.finder.active:
                self._say_found()
        self.repaint()

    def row_here(self) -> int:
        """The row under the cursor."""
        return self.cursor

    def show_row(self, index: int) -> None:
        """Put the cursor on a row, or on the next one where it may stand."""
        self.select(index)
        self._say_found()

    def to_start(self) -> None:
        """The cursor to the first row."""
        self.cursor, self.top = 0, 0
        self.step(0)
        self.post_message(self.Moved(self))

    def to_end(self) -> None:
        """The cursor to the last row."""
        self.step(self.count(self.inner[0]))

    def choose(self) -> None:
        """Choose the row under the cursor."""
        if self.count(self.inner[0]):
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one on the same row chooses it."""
        row = event.y - (1 if self.framed else 0) - self.header_rows + self.top
        if 0 <= row < self.count(self.inner[0]) and self.selectable(row):
            again = row == self.cursor
            self.select(row)
            if again:
                self.choose()
