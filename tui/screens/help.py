"""Help: every key, from the one table, with a search."""

from __future__ import annotations

from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from tui.keys import KEYS, PLACES, Where, bindings, matching
from tui.rows import Row
from tui.screens.frame import Frame
from tui.text import pad, wrap
from tui.widgets.scroller import Scroller

_SHOWN, _LABEL = 12, 14


class KeyList(Scroller):
    """The keys by place."""

    def __init__(self, first: str = "", *, id: str | None = None) -> None:  # noqa: A002
        """`first` is the place whose keys come first, and those of its parts behind them."""
        super().__init__(id=id)
        name = PLACES.get(cast(Where, first))
        self.places = sorted(PLACES, key=lambda place: not (name and f"{PLACES[place]}:".startswith(f"{name}:")))
        self.wanted = ""
        self._lines: list[Row] = []
        self._made_for: tuple[str, int] | None = None

    def title(self) -> Row:
        """A name."""
        return [("keys", "title")]

    def badge(self) -> Row:
        """How many fit the search."""
        return [(f"{len(matching(list(KEYS), self.wanted))} of {len(KEYS)}", "muted")] if self.wanted else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        if self._made_for != (self.wanted, width):
            self._made_for = (self.wanted, width)
            self._lines = self._make(width - 1)
        return len(self._lines)

    def _make(self, width: int) -> list[Row]:
        rows: list[Row] = []
        found = matching(list(KEYS), self.wanted)
        for place in self.places:
            keys = [key for key in found if key.where == place]
            if not keys:
                continue
            rows += [[]] * bool(rows) + [[(PLACES[place], "strong")]]
            for key in keys:
                lines = wrap(key.help, max(10, width - _SHOWN - _LABEL - 2))
                shown = "enter" if key.shown == "⏎" and self.glyphs.ascii_only else key.shown
                rows.append([("  " + pad(shown, _SHOWN), "key"), (pad(key.label, _LABEL), "text"), (lines[0], "muted")])
                rows += [[(" " * (_SHOWN + _LABEL + 2), ""), (line, "muted")] for line in lines[1:]]
        return rows

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """Nothing fits."""
        return [[("No key fits. esc clears the search.", "muted")]]


class Help(Frame):
    """The keys, and how to find one."""

    where = "help"
    here = "help"
    CSS_PATH = "help.tcss"
    BINDINGS = bindings("help")
    AUTO_FOCUS = "#keys"

    def body(self) -> ComposeResult:
        """Keys and search."""
        below = (screen.where for screen in reversed(self.app.screen_stack) if isinstance(screen, Frame))
        yield KeyList(next((where for where in below if where != self.where), ""), id="keys")
        yield Input(placeholder="search the keys", id="search", compact=True)

    def action_search(self) -> None:
        """Type words."""
        self.query_one("#search", Input).add_class("-open").focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        keys = self.query_one(KeyList)
        keys.wanted = event.value
        keys.move_to(0)

    @on(Input.Submitted)
    def _done(self) -> None:
        self.query_one(KeyList).focus()

    def action_back(self) -> None:
        """Clear the search, else go back."""
        box = self.query_one("#search", Input)
        if box.value or box.has_class("-open"):
            box.value = ""
            box.remove_class("-open")
            self.query_one(KeyList).focus()
        else:
            self.app.pop_screen()
