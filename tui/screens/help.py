"""Help: what one looks at, its keys, then every key, from the one table, with a search."""

from __future__ import annotations

from typing import Any, cast

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from tui.about import MOUSE, SCREENS, about_pane
from tui.keys import KEYS, PLACES, Key, Where, bindings, matching
from tui.keys.user import id_of
from tui.rows import Row
from tui.screens.frame import Frame
from tui.text import cell_len, pad, wrap
from tui.widgets.line_input import LineInput
from tui.widgets.scroller import Scroller

_SHOWN, _LABEL, _ID = 12, 14, 26
_GENERAL: tuple[Where, ...] = ("list", "search")
_ID_FROM = 100
"""From this width on the name of each key in the settings is shown, too."""


def places_of(screen: Screen[Any]) -> list[Where]:
    """The places whose keys are heard now, nearest first: read from the bindings of what has the focus and all around it.

    What all lists have comes behind what only this screen has.
    """
    nodes: list[Any] = [*screen.focused.ancestors_with_self] if screen.focused is not None else [screen]
    found: list[Where] = []
    for node in nodes:
        for names in node._bindings.key_to_bindings.values():
            for binding in names:
                place = cast(Where, (binding.id or "").partition(".")[0])
                if place in PLACES and place not in found and place != "app":
                    found.append(place)
    own_search = isinstance(screen, Frame) and screen.has_own_search
    return [
        *(place for place in found if place not in _GENERAL),
        *(place for place in found if place in _GENERAL and not (place == "search" and own_search)),
    ]


class KeyList(Scroller):
    """What the screen and the pane are, then the keys by place."""

    def __init__(self, about: tuple[str, str] = ("", ""), first: list[Where] | None = None) -> None:
        """`about` are the words for the screen and the pane; `first` are the places whose keys come first."""
        super().__init__(id="keys")
        self.about_screen, self.about_pane = about
        near = first or []
        self.places = [*near, *(place for place in PLACES if place not in near)]
        self.near = len(near)
        self.wanted = ""
        self._lines: list[Row] = []
        self._made_for: tuple[str, int] | None = None

    def title(self) -> Row:
        """A name."""
        return [("help", "title")]

    def badge(self) -> Row:
        """How many fit the search."""
        return [(f"{len(self._matching())} of {len(KEYS)} keys", "muted")] if self.wanted else []

    def _matching(self) -> list[Key]:
        return matching(list(KEYS), self.wanted, self.luthier.user_keys.shown)

    def count(self, width: int) -> int:
        """Lines at this width."""
        if self._made_for != (self.wanted, width):
            self._made_for = (self.wanted, width)
            self._lines = self._make(width - 1)
        return len(self._lines)

    def _make(self, width: int) -> list[Row]:
        rows: list[Row] = []
        if not self.wanted:
            texts = ((self.about_screen, "text"), (self.about_pane, "text"), (MOUSE, "muted"))
            for text, ink in texts:
                rows += [[(line, ink)] for line in wrap(text, min(width, 100))] + [[]] if text else []
        found = self._matching()
        for place in self.places:
            keys = [key for key in found if key.where == place]
            if keys:
                rows += [[]] * bool(rows and rows[-1]) + [[(PLACES[place], "strong")]]
                for key in keys:
                    rows += self._key(key, width)
        return rows

    def _key(self, key: Key, width: int) -> list[Row]:
        shown = self.luthier.user_keys.shown(key) or "-"
        if self.glyphs.ascii_only:
            for sign, word in (("⏎", "enter"), ("←", "left"), ("→", "right"), ("↑", "up"), ("↓", "down")):
                shown = shown.replace(sign, word)
        named = width >= _ID_FROM
        lines = wrap(key.help, max(10, width - _SHOWN - _LABEL - 2 - (_ID if named else 0)))
        row: Row = [("  " + pad(shown, _SHOWN - 1) + " ", "key"), (pad(key.label, _LABEL), "text"), (lines[0], "muted")]
        if named:
            room = width - sum(cell_len(text) for text, _ in row)
            row.append((pad(id_of(key), room, right=True), "faint"))
        return [row, *([(" " * (_SHOWN + _LABEL + 2), ""), (line, "muted")] for line in lines[1:])]

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

    def __init__(self, of: Screen[Any] | None = None, wanted: str = "") -> None:
        """Help for the screen or dialog `of` and for what has the focus there; `wanted` is looked for."""
        super().__init__()
        self._first = places_of(of) if of is not None else []
        place = of.where if isinstance(of, Frame) else "dialog" if of is not None else ""
        pane = about_pane(of.focused if of is not None else None)
        own = getattr(of, "about", "")
        self._about = (own if isinstance(own, str) and own else SCREENS.get(cast(Where, place), ""), pane)
        self._wanted = wanted

    def body(self) -> ComposeResult:
        """Keys and search."""
        yield KeyList(self._about, self._first)
        yield LineInput(self._wanted, placeholder="search the keys", id="search", compact=True)

    def on_mount(self) -> None:
        """What is looked for already is looked for."""
        super().on_mount()
        if self._wanted:
            self.query_one("#search", Input).add_class("-open")
            self.query_one(KeyList).wanted = self._wanted

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
