"""The base of every live widget: it paints rows of inked text and sends only the cells that changed.

A subclass says what it looks like in `paint`; `repaint` compares that with what is on the screen. Textual itself has
no cell diff, so a widget that called `refresh()` would be sent whole each time. Rows always carry a style, which
NO_COLOR needs. `framed` widgets draw their own border, so that a number in it costs a few bytes, too;
the one with the focus has a mark before its title.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.rows import Row
from tui.text import cell_len, clip

if TYPE_CHECKING:
    from tui.app import LuthierApp
    from tui.glyphs import Glyphs

_MOST_REGIONS = 60


def row_width(row: Row) -> int:
    """The cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fit(row: Row, width: int, ink: str = "") -> Row:
    """Return `row` cut or filled to exactly `width` cells."""
    fitted: Row = []
    room = width
    for text, name in row:
        size = cell_len(text)
        if size > room:
            text = clip(text, room) if text.strip(" ") else " " * room  # of blanks nothing is cut that was to be read
            size = cell_len(text)
        if text:
            fitted.append((text, name))
        room -= size
        if room <= 0:
            return fitted
    fitted.append((" " * room, ink))
    return fitted


def apart(left: Row, right: Row, width: int) -> Row:
    """Return `left` and `right` at the two ends of a row; the left one gives way."""
    room = width - row_width(right)
    return fit(left, room) + right if room > 0 else fit(right, width)


def marked(row: Row, ink: str) -> Row:
    """Return `row` with a second ink (a background) on every piece."""
    return [(text, f"{name} {ink}" if name else ink) for text, name in row]


class Painted(Widget):
    """A widget made of painted rows. `framed` draws a border with `title()` and `badge()` in it."""

    framed = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._painted_size = (-1, -1)
        self._styles_of_ink: dict[str, Style] = {}

    # What a subclass says

    def paint(self, width: int, height: int) -> list[Row]:
        """Return at most `height` rows for an area of `width` cells."""
        raise NotImplementedError

    def title(self) -> Row:
        """What stands in the upper border on the left."""
        return []

    def badge(self) -> Row:
        """What stands in the upper border on the right."""
        return []

    # Drawing

    @property
    def luthier(self) -> LuthierApp:
        """The app, with its type."""
        return cast("LuthierApp", self.app)

    @property
    def glyphs(self) -> Glyphs:
        """The symbols this terminal can show."""
        return self.luthier.glyphs

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height that `paint` gets."""
        width, height = self.size
        return (max(0, width - 4), max(0, height - 2)) if self.framed else (width, height)

    def repaint(self) -> None:
        """Paint anew and send what changed. Cheap when nothing did."""
        if not self.is_mounted or not self.size.width or not self.luthier.is_shown(self.screen):
            if self._painted_size != (-1, -1):  # Textual keeps the lines of a hidden widget: they are old now
                self._painted_size = (-1, -1)
                self.refresh()
            return
        width, height = self.size
        if self._painted_size != (width, height):
            self.refresh()
            self._painted_size = (-1, -1)
            return
        rows = self._whole(width, height)
        regions: list[Region] = []
        for y, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            if old != new:
                start, end = _changed(old, new, width)
                if end > start:
                    regions.append(Region(start, y, end - start, 1))
        self._rows = rows
        if len(regions) > _MOST_REGIONS:
            self.refresh()
        elif regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        width, height = self.size
        if self._painted_size != (width, height):
            self._rows = self._whole(width, height)
            self._painted_size = (width, height)
        row = self._rows[y] if y < len(self._rows) else [(" " * width, "")]
        return Strip([Segment(text, self._ink(name)) for text, name in row], width)

    def _whole(self, width: int, height: int) -> list[Row]:
        inner_width, inner_height = self.inner
        rows = [fit(row, inner_width) for row in self.paint(inner_width, inner_height)[:inner_height]]
        rows += [[(" " * inner_width, "")] for _ in range(inner_height - len(rows))]
        return self._frame(rows, width, height) if self.framed else rows

    def _frame(self, rows: list[Row], width: int, height: int) -> list[Row]:
        if width < 4 or height < 2:
            return [[(" " * width, "")] for _ in range(height)]
        glyphs, ink = self.glyphs, "focus" if self.has_focus else "line"
        top_left, top_right, bottom_left, bottom_right = tuple(glyphs.corners)
        name, badge = self.title(), self.badge()
        lead: Row = (
            [(top_left, ink), (glyphs.here, "strong")] if self.has_focus else [(top_left + glyphs.horizontal, ink)]
        )
        left: Row = [*lead, (" ", ink), *name, (" ", ink)] if name else [(top_left, ink)]
        right: Row = [(" ", ink), *badge, (" " + glyphs.horizontal + top_right, ink)] if badge else [(top_right, ink)]
        if row_width(left) + row_width(right) > width:
            right = [(top_right, ink)]
        left = left if row_width(left) < width else [*fit(left, width - 2), (" ", ink)]
        line = glyphs.horizontal * max(0, width - row_width(left) - row_width(right))
        side = glyphs.vertical
        top = fit([*left, (line, ink), *right], width)
        bottom: Row = [(bottom_left + glyphs.horizontal * (width - 2) + bottom_right, ink)]
        return [top, *([(side + " ", ink), *row, (" " + side, ink)] for row in rows), bottom]

    def _ink(self, names: str) -> Style:
        style = self._styles_of_ink.get(names)
        if style is None:
            inks = self.luthier.inks
            style = Style(bgcolor=self.rich_style.bgcolor, color=self.rich_style.color)
            for name in names.split():
                style += inks[name]
            self._styles_of_ink[names] = style
        return style

    def notify_style_update(self) -> None:
        """Forget styles that a new theme replaces."""
        super().notify_style_update()
        self._styles_of_ink.clear()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the focus in the frame."""
        super().watch_has_focus(has_focus)
        if self.framed:
            self.repaint()


def _changed(old: Row, new: Row, width: int) -> tuple[int, int]:
    """First and one past the last cell in which two rows differ."""
    if not all(_is_narrow(text) for text, _ in [*old, *new]):
        return 0, width  # cells and characters differ
    before, after = _cells(old), _cells(new)
    start = next((i for i in range(width) if before[i] != after[i]), width)
    end = next((i + 1 for i in range(width - 1, start - 1, -1) if before[i] != after[i]), start)
    return start, end


@lru_cache(4096)
def _is_narrow(text: str) -> bool:
    """Whether every character is one cell wide."""
    return text.isascii() or all(get_character_cell_size(char) == 1 for char in text)


def _cells(row: Row) -> list[tuple[str, str]]:
    return [(char, name) for text, name in row for char in text]
