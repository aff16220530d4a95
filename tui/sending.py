"""What the terminal shows, and the shortest way from there to the next frame.

Textual sends a widget's line from its left edge, and a new screen several times while it is laid out. Here each update is
compared with what was sent before, cell by cell, and only the runs of cells that differ go out. Invariant: `Screenful`
holds what the terminal shows, or nothing for a cell of which that is not known; whatever may have touched the terminal
behind our back (a resize, another program) calls `forget`.

A piece with characters that are not one cell wide is sent whole where it changed. About some of them (joined emoji, marks
above letters, scripts written from right to left) terminals disagree how wide they are: around these the cursor is put where
it belongs, over blanks, so that whatever a terminal makes of them, everything else stands in its column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from tui.eight_bit import nearest

_BRIDGE = 6
"""Equal cells between two changes that are cheaper to send again than to jump over."""
_ANY = "*"
_DISPUTED = re.compile(
    "[\u0300-\u036f\u0590-\u08ff\u0900-\u0eff\u0f00-\u109f\u1780-\u17ff\u200d\u20d0-\u20ff\ufb1d-\ufdff\ufe00-\ufe0f"
    "\ufe20-\ufe2f\ufe70-\ufefc\U0001f000-\U0001faff]"
)
_EXACT = re.compile(r"\b([34]8);2;(\d+);(\d+);(\d+)")


class Pen(NamedTuple):
    """How a character is drawn, as parameters of SGR; `foreground` is `*` where it cannot be seen."""

    attributes: str
    foreground: str
    background: str


Cell = tuple[str, Pen]
Run = tuple[int, list[Cell]]
"""A column and the cells from there on."""


class Screenful:
    """The cells of the terminal, as far as they are known."""

    def __init__(self) -> None:
        self._lines: list[list[Cell | None]] = []
        self._size = Size(0, 0)

    def forget(self) -> None:
        """The terminal may show anything now."""
        self._lines = [[None] * self._size.width for _ in range(self._size.height)]

    def resize(self, size: Size) -> None:
        """Know the size of the terminal; another one than before means that nothing is known."""
        if size != self._size:
            self._size = size
            self.forget()

    def write(self, y: int, x: int, cells: list[Cell]) -> list[Run]:
        """Take new cells from column `x` of line `y` on; return the runs that have to be sent."""
        if not 0 <= y < self._size.height or x < 0:
            return []
        line, cells = self._lines[y], cells[: max(0, self._size.width - x)]
        end = x + len(cells)
        before = line[x:end]
        changed = [i for i, (old, new) in enumerate(zip(before, cells, strict=True)) if old != new]
        if not changed:
            return []
        line[x:end] = cells
        if not all(_is_narrow(cell) for cell in [*before, *cells]):
            for edge in (x - 1, end):  # half of a wide character that is written over takes the other half with it
                if 0 <= edge < len(line):
                    line[edge] = None
            return [(x, cells)]
        runs: list[tuple[int, int]] = []
        for i in changed:
            if runs and i - runs[-1][1] <= _BRIDGE:
                runs[-1] = (runs[-1][0], i + 1)
            else:
                runs.append((i, i + 1))
        return [(x + start, cells[start:end]) for start, end in runs]


def _is_narrow(cell: Cell | None) -> bool:
    return cell is None or len(cell[0]) == 1


@lru_cache(4096)
def _all_narrow(text: str) -> bool:
    return text.isascii() or all(get_character_cell_size(char) == 1 for char in text)


@lru_cache(1024)
def _pen(codes: str) -> Pen:
    """Sort the parameters of SGR into attributes, foreground and background."""
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    rest = [code for code in codes.split(";") if code]
    while rest:
        first = int(rest[0])
        many = {"2": 5, "5": 3}.get(rest[1], 1) if first in (38, 48) and len(rest) > 1 else 1
        which = 1 if 30 <= first <= 39 or 90 <= first <= 97 else 2 if 40 <= first <= 49 or 100 <= first <= 107 else 0
        parts[which].extend(rest[:many])
        rest = rest[many:]
    attributes, foreground, background = (";".join(part) for part in parts)
    return Pen(attributes, foreground, background)


def _pen_of(style: Style | None, colours: ColorSystem) -> Pen:
    if style is None:
        return _pen("")
    few = colours is ColorSystem.EIGHT_BIT
    codes = Strip.render_ansi(style, ColorSystem.TRUECOLOR if few else colours)
    return _pen(_EXACT.sub(_to_eight_bit, codes) if few else codes)


def _to_eight_bit(exact: re.Match[str]) -> str:
    red, green, blue = (int(part) for part in exact.group(2, 3, 4))
    return f"{exact[1]};5;{nearest(red, green, blue)}"


@lru_cache(1024)
def _blank(pen: Pen) -> Pen:
    """The pen of a space: without attributes such as underline the colour of a space cannot be seen."""
    return pen if pen.attributes else pen._replace(foreground=_ANY)


def cells_of(strip: Strip, colours: ColorSystem) -> list[Cell]:
    """The cells of a strip. A text that is not one cell per character stays whole, with empty cells behind it."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control or not text:
            continue
        pen = _pen_of(style, colours)
        if _all_narrow(text):
            blank = _blank(pen)
            cells += [(char, blank if char == " " else pen) for char in text]
        elif size := cell_len(text):
            cells.append((text, pen))
            cells += [("", pen)] * (size - 1)
        elif cells:  # marks without a letter of their own
            cells[-1] = (cells[-1][0] + text, cells[-1][1])
    return cells


class Change(CompositorUpdate):
    """An update of Textual, reduced to the cells that differ from what the terminal shows."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, screenful: Screenful) -> None:
        self.update = update
        self.screenful = screenful

    def render_segments(self, console: Console) -> str:
        """The sequences that bring the terminal to the new frame."""
        sequences: list[str] = []
        held: Pen | None = None
        for y, x, cells in self._pieces(console._color_system or ColorSystem.TRUECOLOR):
            for column, run in self.screenful.write(y, x, cells):
                sequences.append(_to(y, column))
                for place, (char, pen) in enumerate(run, column):
                    if pen != held:
                        codes, held = _turn(held, pen)
                        sequences.append(codes)
                    if len(char) > 1 and _DISPUTED.search(char):
                        size = cell_len(char)
                        char = f"{' ' * size}{_to(y, place)}{char}{_to(y, place + size)}"
                    sequences.append(char)
        if held is not None:
            sequences.append("\x1b[0m")
        return "".join(sequences)

    def _pieces(self, colours: ColorSystem) -> Iterator[tuple[int, int, list[Cell]]]:
        """Line, column and cells of all that the update brings."""
        if isinstance(self.update, LayoutUpdate):
            region = self.update.region
            for y, strips in enumerate(self.update.strips, region.y):
                yield y, region.x, [cell for strip in strips for cell in cells_of(strip, colours)]
            return
        for y, start, end in self.update.spans:
            for x, strip in self.update.chops[y].items():
                if strip is None or x >= end or x + strip.cell_length <= start:
                    continue
                yield y, x, cells_of(strip, colours)


def _to(y: int, x: int) -> str:
    """The sequence that moves the cursor."""
    return f"\x1b[{y + 1};{x + 1}H"


def _turn(held: Pen | None, wanted: Pen) -> tuple[str, Pen]:
    """The sequence that changes one pen into another, and the pen that one then holds."""
    colours = [wanted.foreground if wanted.foreground != _ANY else "", wanted.background]
    lost = held is not None and (
        (held.foreground != _ANY and not wanted.foreground and held.foreground != "")
        or (not wanted.background and held.background != "")
    )
    if held is None or lost or held.attributes != wanted.attributes:
        codes = ";".join(part for part in ("0", wanted.attributes, *colours) if part)
        return f"\x1b[{codes}m", wanted if wanted.foreground != _ANY else wanted._replace(foreground="")
    if wanted.foreground == _ANY:
        wanted = wanted._replace(foreground=held.foreground)
    parts = [new for new, old in zip(colours, held[1:], strict=True) if new and new != old]
    return f"\x1b[{';'.join(parts)}m" if parts else "", wanted
