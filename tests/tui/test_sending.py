"""What is sent to the terminal: only what it does not show, and never less."""

from __future__ import annotations

import random
import re

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.eight_bit import nearest
from tui.sending import Change, Screenful

WIDTH, HEIGHT = 24, 4
INKS = [Style.parse(text) for text in ("red on black", "green on black", "bold red on blue", "underline", "default")]
TEXTS = ("loss ", "0.25", "    ", "│", "⣿⣷⣄", "日本", "a😀b", "é", "x")


class Glass:
    """A terminal that knows moves, colours and text."""

    def __init__(self) -> None:
        self.cells = [[("?", "")] * WIDTH for _ in range(HEIGHT)]

    def feed(self, data: str) -> None:
        x = y = 0
        pen: dict[str, str] = {}
        for move, sgr, char in re.findall(r"\x1b\[(\d+;\d+)H|\x1b\[([\d;]*)m|(.)", data, re.DOTALL):
            if move:
                y, x = (int(part) - 1 for part in move.split(";"))
            elif char:
                size = 2 if char in "日本😀" else 1
                look = ";".join(pen[kind] for kind in sorted(pen) if kind != "fg" or char != " " or "attributes" in pen)
                for i in range(size):
                    self.cells[y][x + i] = (char if i == 0 else "", look)
                x += size
            else:
                self._turn(pen, sgr.split(";"))

    def _turn(self, pen: dict[str, str], codes: list[str]) -> None:
        while codes:
            if codes[0] == "0":
                pen.clear()
                size = 1
            else:
                size = {"2": 5, "5": 3}.get(codes[1], 1) if codes[0] in ("38", "48") and len(codes) > 1 else 1
                kind = {"3": "fg", "4": "bg"}[codes[0][0]] if len(codes[0]) == 2 else "attributes"
                pen[kind] = ";".join(codes[:size])
            codes = codes[size:]


def console() -> Console:
    return Console(color_system="truecolor", force_terminal=True)


def layout(lines: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, HEIGHT))


def random_line(rng: random.Random) -> Strip:
    segments: list[Segment] = []
    while sum(segment.cell_length for segment in segments) < WIDTH:
        segments.append(Segment(rng.choice(TEXTS), rng.choice(INKS)))
    return Strip(segments).crop(0, WIDTH)


def sent_whole(lines: list[Strip]) -> Glass:
    screenful, glass = Screenful(), Glass()
    screenful.resize(Size(WIDTH, HEIGHT))
    glass.feed(Change(layout(lines), screenful).render_segments(console()))
    return glass


def test_any_way_from_frame_to_frame_ends_at_the_frame() -> None:
    rng = random.Random(5)
    screenful, glass = Screenful(), Glass()
    screenful.resize(Size(WIDTH, HEIGHT))
    lines = [random_line(rng) for _ in range(HEIGHT)]
    for _ in range(300):
        for y in rng.sample(range(HEIGHT), 2):
            lines[y] = random_line(rng)
        glass.feed(Change(layout(lines), screenful).render_segments(console()))
        assert glass.cells == sent_whole(lines).cells


def test_what_is_shown_is_not_sent_again() -> None:
    rng = random.Random(6)
    screenful = Screenful()
    screenful.resize(Size(WIDTH, HEIGHT))
    lines = [random_line(rng) for _ in range(HEIGHT)]
    assert Change(layout(lines), screenful).render_segments(console())
    assert Change(layout(lines), screenful).render_segments(console()) == ""
    screenful.forget()
    assert Change(layout(lines), screenful).render_segments(console())


def test_a_changed_cell_costs_a_few_bytes() -> None:
    screenful = Screenful()
    screenful.resize(Size(WIDTH, HEIGHT))
    ink = INKS[0]
    lines = [Strip([Segment("step 41 of 100 running 3", ink)]) for _ in range(HEIGHT)]
    Change(layout(lines), screenful).render_segments(console())
    new = Strip([Segment("step 42 of 100 running 3", ink)])
    chops: list[dict[int, Strip | None]] = [{0: None}, {0: new}, {0: None}, {0: None}]
    update = ChopsUpdate(chops, [(1, 0, WIDTH)], [[WIDTH]] * HEIGHT)
    sent = Change(update, screenful).render_segments(console())
    assert sent.startswith("\x1b[2;7H")
    assert sent.endswith("2\x1b[0m")
    assert len(sent) < 40


def test_256_colours_keep_greys_grey() -> None:
    screenful = Screenful()
    screenful.resize(Size(WIDTH, HEIGHT))
    lines = [Strip([Segment("x" * WIDTH, Style.parse("#e2a654 on #33291e"))])] * HEIGHT
    few = Console(color_system="256", force_terminal=True)
    assert "\x1b[0;38;5;179;48;5;235m" in Change(layout(lines), screenful).render_segments(few)
    assert [nearest(*rgb) for rgb in ((21, 18, 15), (240, 226, 203), (255, 0, 0), (255, 255, 255))] == [
        233,
        254,
        196,
        231,
    ]


def test_another_size_means_that_nothing_is_known() -> None:
    screenful = Screenful()
    screenful.resize(Size(WIDTH, HEIGHT))
    lines = [Strip([Segment("x" * WIDTH, INKS[0])]) for _ in range(HEIGHT)]
    first = Change(layout(lines), screenful).render_segments(console())
    screenful.resize(Size(WIDTH, HEIGHT))
    assert Change(layout(lines), screenful).render_segments(console()) == ""
    screenful.resize(Size(WIDTH + 1, HEIGHT))
    assert Change(layout(lines), screenful).render_segments(console()) == first


class OldGlass(Glass):
    """A terminal that knows nothing of joiners: every part of a joined emoji takes its own two cells, marks take one."""

    def feed(self, data: str) -> None:
        x = y = 0
        for move, char in re.findall(r"\x1b\[(\d+;\d+)H|\x1b\[[\d;]*m|(.)", data, re.DOTALL):
            if move:
                y, x = (int(part) - 1 for part in move.split(";"))
            elif char:
                for i in range(2 if ord(char) > 0x1F000 else 1):
                    if x + i < WIDTH:
                        self.cells[y][x + i] = (char if i == 0 else "", "")
                x += 2 if ord(char) > 0x1F000 else 1


def test_what_stands_behind_disputed_characters_is_in_its_column() -> None:
    screenful, glass = Screenful(), OldGlass()
    screenful.resize(Size(WIDTH, HEIGHT))
    ink = INKS[0]
    for text in ("👩‍🚀 x", "e\u0301a\u0329", "نَصّ", "❤️ y"):
        line = Strip(
            [
                Segment(text, ink),
                Segment(" " * (12 - Segment(text).cell_length), ink),
                Segment("│", ink),
                Segment("after", ink),
            ]
        )
        glass.feed(Change(layout([line] * HEIGHT), screenful).render_segments(console()))
        shown = "".join(char or " " for char, _ in glass.cells[0])
        assert shown.rstrip("?").endswith("│after"), shown
        assert glass.cells[0][12][0] == "│"
