"""The two lines that frame every screen: where one is and what runs, and the keys that matter here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events

from engine.runs.store import Run
from tui import words
from tui.keys import FOOTER_KEYS, Key, Where, footer_keys, keys_of
from tui.rows import Row
from tui.text import cell_len, plain
from tui.widgets.painted import Painted, apart, row_width

if TYPE_CHECKING:
    from tui.screens.frame import Frame

TABS = (
    ("1", "runs", "show_home"),
    ("2", "data", "show_data"),
    ("3", "tokens", "show_tokens"),
    ("4", "configure", "show_configure"),
    ("5", "monitor", "show_monitor"),
    ("6", "compare", "show_compare"),
    ("9", "demo", "show_demo"),
)


class Header(Painted):
    """Name, tabs, and the progress of a run wherever one is."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self._spots: list[tuple[int, int, str]] = []

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        left: Row = [(f" {self.glyphs.logo} ", "strong"), ("luthier", "strong"), ("  ", "")]
        self._spots = []
        for key, name, action in TABS:
            start = row_width(left)
            if name == self.here:
                left += [(f" {key} {name} ", "title selected"), (" ", "")]
            else:
                left += [(f" {key}", "faint"), (f" {name} ", "muted"), (" ", "")]
            self._spots.append((start, row_width(left) - 1, action))
        return [apart(left, self._live_run(width - row_width(left)), width)]

    def _live_run(self, room: int) -> Row:
        live = self.luthier.link.live()
        if not live:
            return []
        run = live[0]
        more = f"  +{len(live) - 1}" if len(live) > 1 else ""
        row: Row = [(f"{self.glyphs.states['running']} ", "accent"), (plain(run.dir.name, 24), "text")]
        row += [(f" {_progress(run)}", "muted"), (more, "muted"), (" ", "")]
        return row if row_width(row) < room else [(f"{self.glyphs.states['running']} {len(live)} running ", "accent")]

    async def on_click(self, event: events.Click) -> None:
        """A click on a tab opens it."""
        for start, end, action in self._spots:
            if start <= event.x < end:
                await self.app.run_action(action)


def _progress(run: Run) -> str:
    view = run.view
    if not view.step:
        return plain(view.phase.name, 20) if view.phase else "starting"
    eta = f" {words.duration(view.eta_s)} left" if view.eta_s else ""
    return f"{words.percent(view.step, view.total_steps) or words.count(view.step)}{eta}"


class Footer(Painted):
    """At most seven keys; only those that would do something now. Each can be clicked."""

    def __init__(self, where: Where) -> None:
        super().__init__()
        self.where = where
        self._spots: list[tuple[int, int, str]] = []

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        keys = [key for key in self._wanted() if self.screen.check_action(key.id, ()) is not False]
        keys = self._fitting(keys if len(keys) <= FOOTER_KEYS else _with_last(keys), width)
        row: Row = [(" ", "")]
        self._spots = []
        for key in keys:
            start = row_width(row)
            row += [(self._shown(key), "key"), (f" {self._label(key)}", "muted"), ("   ", "")]
            action = f"app.{key.id}" if key.where == "app" else key.id
            self._spots.append((start, row_width(row) - 3, action))
        return [row]

    @property
    def _frame_above(self) -> Frame:
        return cast("Frame", self.screen)

    def _wanted(self) -> list[Key]:
        """The keys of the place, or those that a screen with several panes puts first now."""
        hints = self._frame_above.hints()
        keys = footer_keys(self.where)
        if not hints:
            return keys
        if self._frame_above.typing:
            fields = {key.id: key for key in keys_of("app", "find", self.where)}
            return [fields[name] for name in hints]
        own = {key.id: key for key in keys_of(self.where)}
        return [*(own[name] for name in hints), *(key for key in keys if key.where == "app")]

    def _label(self, key: Key) -> str:
        if key.id == "leave" and self.where != "home":
            return "back"
        return self._frame_above.labels().get(key.id, key.label)

    def _fitting(self, keys: list[Key], width: int) -> list[Key]:
        def size(some: list[Key]) -> int:
            return 1 + sum(cell_len(self._shown(key)) + 1 + len(self._label(key)) + 3 for key in some)

        while len(keys) > 1 and size(keys) - 2 > width:
            keys = [*keys[:-3], *keys[-2:]] if len(keys) > 2 else keys[-1:]
        return keys

    def _shown(self, key: Key) -> str:
        first = key.shown.split(" ")[0] if key.shown != "← →" else key.shown
        if self.glyphs.ascii_only:
            return {"⏎": "enter", "← →": "left/right"}.get(first, first)
        return first

    async def on_click(self, event: events.Click) -> None:
        """A click does what the key does."""
        for start, end, action in self._spots:
            if start <= event.x < end:
                await self.screen.run_action(action)


def _with_last(keys: list[Key]) -> list[Key]:
    """Seven keys that keep the last two: the other keys, and the way out."""
    return [*keys[: FOOTER_KEYS - 2], *keys[-2:]]
