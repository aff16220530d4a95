"""The two lines that frame every screen: where one is and what runs, and the keys that matter here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual import events

from engine.runs.store import Run
from tui import words
from tui.find import Findable
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
    """Name, tabs, and what is known everywhere: the draft, the device, the progress of a run wherever one is."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self._spots: list[tuple[int, int, str]] = []

    def paint(self, width: int, height: int) -> list[Row]:
        """One row. The tabs depend on the width alone, so that they stay where they are; what is known takes what is left."""
        left = next(tabs for least, tabs in _SHAPES if width >= least)(self)
        room = width - row_width(left) - _APART
        live, more = self._live_runs(), self._draft_and_device()
        known = [[*row, *run] for run in live[:2] for row in more] + live[:1] if live else more
        ways = [*known, *live[1:], []]
        right = next(row for row in ways if row_width(row) <= room or not row)
        if live and right in live[2:]:  # a part of its name is more than none
            right = self._shortened(room) or right
        return [apart(left, right, width)]

    def put(self, row: Row, tab: tuple[str, str, str], named: bool = True, gap: str = "") -> None:
        """One tab; the present one is lifted, and always has its name."""
        key, name, action = tab
        start = row_width(row)
        if name == self.here:
            row += [(f" {key} {name} ", "title selected"), (gap[1:], "")]
        else:
            row += [(f" {key}", "faint" if named else "muted"), (f" {name}{gap}" if named else " ", "muted")]
        self._spots.append((start, row_width(row), action))

    def begin(self) -> Row:
        """An empty row of tabs."""
        self._spots = []
        return [(f" {self.glyphs.logo} ", "strong")]

    def _live_runs(self) -> list[Row]:
        """What is said of the run that goes on: the longest way first."""
        live = self.luthier.link.live()
        if not live:
            return []
        run = live[0]
        more = f"  +{len(live) - 1}" if len(live) > 1 else ""
        sign: Row = [(f"{self.glyphs.states['running']} ", "accent")]
        named: Row = [(plain(run.dir.name, 24), "text")]
        percent = _percent(run) or f"{len(live)} running"
        return [
            [*sign, *named, (f" {_progress(run)}", "muted"), (more, "muted"), (" ", "")],
            [*sign, *named, (f" {_percent(run)}".rstrip(), "muted"), (" ", "")],
            [*sign, (f"{percent}{more if _percent(run) else ''} ", "muted")],
            [*sign, (f"{percent} ", "muted")],
        ]

    def _shortened(self, room: int) -> Row:
        """The run that goes on, its name cut to what there is room for; nothing where that would be too little."""
        run = self.luthier.link.live()[0]
        percent = _percent(run)
        size = room - len(percent) - 4
        if size < _LEAST_NAME:
            return []
        sign = f"{self.glyphs.states['running']} "
        return [(sign, "accent"), (plain(run.dir.name, size), "text"), (f" {percent}".rstrip(), "muted"), (" ", "")]

    def _draft_and_device(self) -> list[Row]:
        """The draft that lies open, and the device: of the run that goes on, or of the newest plan; the longest way first."""
        app = self.luthier
        opened: Row = []
        draft = app._drafts.current if app._drafts is not None else None
        if draft is not None:
            opened = [
                (plain(draft.origin.title, 24), "text"),
                (" changed" if draft.changes else "", "warn"),
                ("   ", ""),
            ]
        live = app.link.live()
        planned = app._planning.planned if app._planning is not None else None
        device: Row = []
        if live:
            device = [(_device_of(live[0]), "muted"), ("   ", "")]
        elif planned is not None:
            known = planned.plan.memory.device
            device = [(f"{plain(known.name, 24)} {known.bytes / 2**30:.0f} GiB", "muted"), ("   ", "")]
        return [row for row in ([*opened, *device], opened) if row]

    async def on_click(self, event: events.Click) -> None:
        """A click on a tab opens it."""
        for start, end, action in self._spots:
            if start <= event.x < end:
                await self.app.run_action(action)


def _wide(header: Header) -> Row:
    """The name of the program, and all tabs with room between them."""
    return _all_tabs(header, [("luthier", "strong"), ("  ", "")], gap="  ")


def _named(header: Header) -> Row:
    """The name of the program, and all tabs, close together."""
    return _all_tabs(header, [("luthier", "strong"), (" ", "")])


def _middle(header: Header) -> Row:
    """All tabs, close together."""
    return _all_tabs(header, [])


def _all_tabs(header: Header, name: Row, gap: str = "") -> Row:
    row = [*header.begin(), *name]
    for tab in TABS:
        header.put(row, tab, gap=gap)
    return row


def _narrow(header: Header) -> Row:
    """The name of the present tab only."""
    row = header.begin()
    for tab in TABS:
        header.put(row, tab, named=False)
    return row


_SHAPES: tuple[tuple[int, Callable[[Header], Row]], ...] = ((150, _wide), (110, _named), (78, _middle), (0, _narrow))
"""From which width on the tabs have which shape."""
_APART = 2
"""Cells at least between the tabs and what is known."""
_LEAST_NAME = 5
"""Cells of a run's name that tell it from others."""


def _device_of(run: Run) -> str:
    """What a run trains on, and how much of its memory is in use now, by anybody."""
    name = plain(run.view.model.device, 24) if run.view.model is not None else ""
    now = run.view.hardware
    if now is None:
        return name
    used, total = (now.host_gib, now.host_total_gib) if now.gpu_gib is None else (now.gpu_gib, now.gpu_total_gib)
    if used is None:
        return name
    return f"{name} {used:.0f}{f' of {total:.0f}' if total else ''} GiB"


def _percent(run: Run) -> str:
    view = run.view
    return words.percent(view.step, view.total_steps) if view.step else ""


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
        able = [key for key in self._wanted() if self.screen.check_action(key.id, ()) is not False]
        keys = [key for key in able if self._shown(key)]  # the user may have left some without a key
        keys = keys if len(keys) <= FOOTER_KEYS else _with_last(keys)
        row: Row = [(" ", "")]
        self._spots = []
        found = self._found_words()
        keys = self._fitting(keys, width - cell_len(found))
        for key in keys:
            start = row_width(row)
            row += [(self._shown(key), "key"), (f" {self._label(key)}", "muted"), ("   ", "")]
            action = f"app.{key.id}" if key.where == "app" else key.id
            self._spots.append((start, row_width(row) - 3, action))
        return [apart(row, [(found, "accent")], width)] if found else [row]

    def _found_words(self) -> str:
        """What is looked for in the list that has the focus."""
        focused = self.screen.focused
        found = focused.found_words if isinstance(focused, Findable) else ""
        return f" {plain(found, 40)} " if found else ""

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
        first = self.luthier.user_keys.first(key)
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
