"""The few symbols of the screens, once in Unicode and once in ASCII.

A terminal that cannot show braille or arrows gets the second set; nothing else in the program asks which one it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Glyphs:
    """One set of symbols. Every symbol is one cell wide."""

    ascii_only: bool = False
    states: dict[str, str] = field(
        default_factory=lambda: {
            "loading": "·",
            "queued": "◷",
            "paused": "‖",
            "starting": "◌",
            "running": "●",
            "succeeded": "✓",
            "stopped": "■",
            "failed": "✗",
            "crashed": "✗",
        }
    )
    yes: str = "✓"
    no: str = "✗"
    waiting: str = "○"
    mark: str = "◆"
    here: str = "▸"
    dot: str = "·"
    """Before a remark."""
    between: str = "·"
    """Between figures, where a dash would be a minus."""
    bar_done: str = "━"
    bar_rest: str = "─"
    vertical: str = "│"
    horizontal: str = "─"
    corners: str = "╭╮╰╯"
    thumb: str = "┃"
    enter: str = "⏎"
    up: str = "▲"
    arrow: str = "→"
    blocks: str = "▁▂▃▄▅▆▇█"
    cursor: str = "▏"
    full: str = "█"
    logo: str = "◖"
    warn: str = "!"
    excluded: str = "×"
    down: str = "▼"
    trained: str = "▌"
    left: str = "◂"
    line: str = "█"
    """What a bar that lies is made of."""
    eighths: str = "▏▎▍▌▋▊▉█"
    """The last cell of a bar that lies, by how much of it is filled."""
    cell_trained: str = "█"
    cell_few: str = "▓"
    """A cell that stands for many tokens of which few are trained."""
    cell_prompt: str = "▒"
    cell_padding: str = "·"
    border: str = "▏"
    """Where another row begins within a sequence."""
    limit: str = "┃"
    tick: str = "┴"
    best: str = "★"
    not_finite: str = "⨯"
    saved: str = "╨"
    """A checkpoint on an axis."""
    point: str = "•"
    faint_line: str = "╌"
    """A faint curve, in a legend."""
    paused: str = "‖"
    marks: str = "◆●▲■◇○△□▼▽"
    """What tells several curves apart without colour."""


UNICODE = Glyphs()
ASCII = Glyphs(
    ascii_only=True,
    states={
        "loading": ".",
        "queued": "q",
        "paused": "=",
        "starting": "o",
        "running": "*",
        "succeeded": "+",
        "stopped": "#",
        "failed": "x",
        "crashed": "!",
    },
    yes="+",
    no="x",
    waiting="o",
    mark="*",
    here=">",
    dot="-",
    between="|",
    bar_done="=",
    bar_rest="-",
    vertical="|",
    horizontal="-",
    corners="++++",
    thumb="#",
    enter="|",
    up="^",
    arrow="->",
    blocks="_.-:=+*#",
    cursor="|",
    full="#",
    logo="*",
    excluded="-",
    down="v",
    trained="|",
    left="<",
    line="#",
    eighths="#",
    cell_few="+",
    cell_trained="#",
    cell_prompt="=",
    cell_padding=".",
    border="|",
    limit="|",
    tick="+",
    best="@",
    not_finite="x",
    saved="^",
    point="o",
    faint_line=".",
    paused="=",
    marks="*o^#+xv%&$",
)
