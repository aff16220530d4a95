"""Before a run starts: what will run, whether it fits, what is unusual; and three ways: now, in the queue, as a command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.configure.starting import Start, Wanted, Way, With
from tui.data.places import short
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import cell_len, pad, plain, safe, wrap
from tui.widgets.scroller import Picker, Scroller

_LABEL = 9
_WITH: dict[With, str] = {"write": "write them into the file first", "as they are": "run with them, unwritten (--set)"}


class StartWords(Scroller):
    """What will run, and what is to be said of it."""

    framed = False

    def __init__(self, start: Start) -> None:
        super().__init__(id="start-words")
        self.start = start
        self._made: tuple[int, list[Row]] = (0, [])

    def show(self, start: Start) -> None:
        """Show what is known now."""
        self.start, self._made = start, (0, [])
        self.repaint()

    def rows_at(self, width: int) -> list[Row]:
        """The lines at a width."""
        if self._made[0] != width:
            self._made = (width, self._rows_of(width))
        return self._made[1]

    def _rows_of(self, width: int) -> list[Row]:
        rows: list[Row] = []
        for label, text in self.start.facts:
            shown = short(text) if label in ("model", "data") else text
            rows.append([(label.ljust(_LABEL), "muted"), (plain(shown, max(8, width - _LABEL)), "text")])
        told = [(text, "bad", self.glyphs.no) for text in self.start.problems]
        told += [(text, "warn", self.glyphs.warn) for text in self.start.warnings]
        for number, (text, ink, mark) in enumerate(told):
            if not number:
                rows.append([])
            lines = wrap(text, max(12, width - 2))
            rows += [[(f"{mark} " if i == 0 else "  ", ink), (line, ink)] for i, line in enumerate(lines)]
        return rows

    def count(self, width: int) -> int:
        """Lines."""
        return len(self.rows_at(width - 1))

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self.rows_at(width)[index]


class StartList(Picker):
    """Three ways, and what can be turned: what becomes of unwritten changes, and the device."""

    framed = False
    BINDINGS = bindings("form")

    def __init__(self, start: Start, devices: Sequence[str], waiting: int) -> None:
        super().__init__(id="start-list")
        self.start = start
        self.devices = ["", *devices] if len(devices) > 1 else []
        self.wanted = Wanted("now", start.ways_with[0] if start.ways_with else "write")
        queue = f"behind {waiting} that wait" if waiting else "starts when its device is free"
        self.lines: list[tuple[Way | str, str, str]] = []
        if not start.problems:
            self.lines = [
                ("now", "start now", "goes on when this terminal closes"),
                ("queue", "into the queue", queue),
                ("command", "copy the command", "to run it elsewhere, or from a script"),
            ]
            if start.ways_with:
                self.lines.append(("changes", "changes", ""))
            if self.devices:
                self.lines.append(("device", "device", ""))
        self.cursor = 1 if self.lines and start.busy else 0

    def count(self, width: int) -> int:
        """The lines."""
        return len(self.lines)

    def empty(self, width: int) -> list[Row]:
        """Nothing can be started."""
        return [[("  esc leads back to the form, m lists what is wrong.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """A way, or what can be turned."""
        name, text, note = self.lines[index]
        here = index == self.cursor
        if name in ("now", "queue", "command"):
            mark = self.glyphs.here if here else " "
            row: Row = [(f" {mark} ", "accent"), (pad(text, 18), "title" if here else "text")]
            return [*row, (plain(note, max(0, width - 22)), "muted")]
        if name == "changes":
            value, several = _WITH[self.wanted.changes], len(self.start.ways_with) > 1
            note = self.start.why_write
        else:
            value, several = self.wanted.device or "the first that is free", True
        row = [
            ("   ", ""),
            (pad(text, 18), "muted"),
            (f"{self.glyphs.left} " if several else "  ", "key"),
            (value, "text"),
        ]
        row.append((f" {self.glyphs.here}" if several else "", "key"))
        room = width - 27 - cell_len(value)
        return [*row, ("  ", ""), (plain(note, room), "faint")] if note and room > 8 else row

    def _turn(self, by: int) -> None:
        name = self.lines[self.cursor][0] if self.cursor < len(self.lines) else ""
        if name == "changes" and len(self.start.ways_with) > 1:
            ways = self.start.ways_with
            self.wanted.changes = ways[(ways.index(self.wanted.changes) + by) % len(ways)]
        elif name == "device":
            self.wanted.device = self.devices[(self.devices.index(self.wanted.device) + by) % len(self.devices)]
        self.repaint()

    def action_change(self) -> None:
        """The next value."""
        self._turn(1)

    def action_change_back(self) -> None:
        """The value before."""
        self._turn(-1)

    def choose(self) -> None:
        """Start, or turn."""
        if self.cursor < len(self.lines) and self.lines[self.cursor][0] in ("changes", "device"):
            self._turn(1)
        else:
            super().choose()


class StartRun(Dialog[Wanted]):
    """Answers with how the run is to be started."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#start-list"

    def __init__(self, start: Start, devices: Sequence[str], waiting: int, again: Callable[[], Start]) -> None:
        """`again` says anew what is known: the plan may come while one looks."""
        super().__init__()
        self.start, self.devices, self.waiting, self.again = start, devices, waiting, again

    def compose(self) -> ComposeResult:
        """Words, ways."""
        with Vertical(id="start-box", classes="-box") as box:
            box.border_title = safe(f"start {plain(self.start.name, 40)}")
            if self.start.problems:
                box.border_title = safe(f"{plain(self.start.name, 40)} cannot be started")
            box.border_subtitle = safe("esc close" if self.start.problems else "enter do it   esc close")
            yield StartWords(self.start)
            yield StartList(self.start, self.devices, self.waiting)

    def on_mount(self) -> None:
        """As high as needed."""
        self._fit()

    def _fit(self) -> None:
        lines = self.query_one(StartList)
        height = max(1, len(lines.lines)) + 1
        lines.styles.height = height
        width = min(92, int(self.app.size.width * 0.94)) - 7
        self.fit_box("#start-box", "#start-words", len(self.query_one(StartWords).rows_at(width)) + 1, 4 + height)

    def plan_changed(self) -> None:
        """More is known."""
        self.query_one(StartWords).show(self.again())
        self._fit()

    def on_key(self, event: events.Key) -> None:
        """s and Q do as on the screen."""
        ways: dict[str, Way] = {"s": "now", "Q": "queue", "y": "command"}
        if event.key in ways or event.character in ways:
            event.stop()
            self._do(ways[event.character or event.key])

    def _do(self, way: Way) -> None:
        if not self.start.problems:
            wanted = self.query_one(StartList).wanted
            wanted.way = way
            self.dismiss(wanted)

    @on(Picker.Chosen)
    def action_accept(self) -> None:
        """What is chosen."""
        lines = self.query_one(StartList)
        if self.start.problems:
            self.dismiss(None)
            return
        name = lines.lines[lines.cursor][0]
        if name in ("now", "queue", "command"):
            self._do(name)  # type: ignore[arg-type]
