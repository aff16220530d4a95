"""The log of a run: what was said, when, and how grave; followed while the end is in view."""

from __future__ import annotations

from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.text import wrap
from tui.widgets.run_tabs import RunTab

LEVELS = ("debug", "info", "warning", "error")
_INKS = {"debug": "faint", "info": "text", "warning": "warn", "error": "bad"}
_WITH_CLOCK = 44
"""Width from which there is room for the time of day."""


class LogPane(RunTab):
    """It follows the newest line until one scrolls up; long lines are shown whole. `least` is the lowest level shown."""

    follow = True
    name_of = "log"
    about = "What the run said, the newest last; it follows while its end is in view."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.least = "info"

    def turn_level(self) -> None:
        """Show the graver lines only: info, warnings, errors; then everything."""
        self.least = LEVELS[(LEVELS.index(self.least) + 1) % len(LEVELS)]
        self.follow = True
        self.repaint()

    def depends(self, view: RunView) -> object:
        """The lines, of which the oldest are forgotten, and the level."""
        return (len(view.log), view.log[-1] if view.log else None, self.least)

    def badge(self) -> Row:
        """The level where it is not the usual one, and that it does not follow."""
        row: Row = []
        if self.least != "info":
            row.append(
                ({"debug": "everything", "warning": "warnings and errors", "error": "errors"}[self.least], "accent")
            )
        if not self.follow and self.run is not None and self.run.alive:
            row += [*([("  ", "")] if row else []), ("G follows", "muted")]
        return row

    def make(self, width: int) -> list[Row]:
        """Lines of the wanted levels; a warning that a resumed worker says again is left out."""
        assert self.run is not None
        least = LEVELS.index(self.least)
        rows: list[Row] = []
        warned: set[str] = set()
        margin = 10 if width >= _WITH_CLOCK else 0
        for said in self.run.view.log:
            level = said.level if said.level in LEVELS else "info"
            if LEVELS.index(level) < least or (level == "warning" and said.message in warned):
                continue
            warned |= {said.message} if level == "warning" else set()
            sign = {"warning": f"{self.glyphs.warn} ", "error": f"{self.glyphs.no} "}.get(level, "")
            room = width - margin - len(sign)
            for i, text in enumerate(wrap(said.message, max(8, room))):
                clock = f"{words.clock(said.t)}  " if i == 0 else " " * 10
                lead = sign if i == 0 else " " * len(sign)
                rows.append([(clock[:margin], "faint"), (lead + text, _INKS[level])])
        return rows

    def empty(self, width: int) -> list[Row]:
        """Nothing was said yet."""
        if self.least in ("warning", "error") and self.run is not None and self.run.view.log:
            return [[("Nothing so grave. v shows more.", "faint")]]
        return [[("Nothing yet.", "faint")]]
