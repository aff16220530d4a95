"""What to open: a path typed, pasted or completed with tab, something opened before, a folder looked through, a preset."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.data.places import Entry, complete, no_data, parted, sections_of, short
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, wrap
from tui.widgets.painted import Painted
from tui.widgets.path_input import PathInput
from tui.widgets.place_list import PlaceList, places
from tui.widgets.scroller import Picker
from tui.working import begin

_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


class OpenHint(Painted):
    """One or two lines below the list: what enter does, or why it cannot."""

    error = ""

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines."""
        if self.error:
            lines = wrap(self.error, width - 2, height)
            return [[(f"{self.glyphs.no} " if i == 0 else "  ", "bad"), (line, "text")] for i, line in enumerate(lines)]
        text = "A path, owner/name of the Hub, or a name from the list. Several paths are several sources."
        return [[(line, "faint")] for line in wrap(text, width, height)]


class OpenData(Dialog[list[dict[str, Any]]]):
    """Answers with the `[[data]]` tables to open."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#place"

    def __init__(self, folder: str = "") -> None:
        super().__init__()
        self._folder = folder
        """With a slash at its end: it is looked into first."""
        self._entries: list[Entry] = []
        self._picked = False

    def compose(self) -> ComposeResult:
        """Frame, field, list, hint."""
        with Vertical(id="open-data") as box:
            box.border_title = "open data"
            box.border_subtitle = "tab complete   enter open   esc close"
            yield PathInput(placeholder="path, owner/name, or a name below", id="place", compact=True)
            yield PlaceList(id="places")
            yield OpenHint(id="open-hint")

    def on_mount(self) -> None:
        """What is here."""
        self.query_one(PlaceList).can_focus = False
        if self._folder:
            self._type(short(self._folder))
        else:
            self._look("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._say("")
        self._look(event.value)

    def _look(self, text: str) -> None:
        begin(self, partial(self._list, text), "list", exclusive=True)

    async def _list(self, text: str) -> None:
        folder, start = parted(text)
        found, self._entries = await asyncio.to_thread(places, text, folder, start)
        self._picked = False
        self.query_one(PlaceList).fill(found)

    def _say(self, error: str) -> None:
        hint = self.query_one(OpenHint)
        if hint.error != error:
            hint.error = error
            hint.repaint()

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while one types; tab completes."""
        if event.key in _MOVES:
            self._picked = True
            self.query_one(PlaceList).step(_MOVES[event.key])
        elif event.key == "tab":
            self._type(complete(self.query_one(Input).value, self._entries))
        else:
            return
        event.stop()
        event.prevent_default()

    def _type(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    @on(Picker.Chosen)
    def _chosen(self) -> None:
        self._take()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._picked or not event.value.strip():
            self._take()
            return
        sections = sections_of(event.value)
        missing = [section["path"] for section in sections if _is_missing(section)]
        clear = complete(event.value, self._entries)
        wrong = next((said for section in sections if (said := no_data(section.get("path", "")))), "")
        if wrong:
            self._say(plain(wrong, 200))
        elif missing and clear.endswith("/") and os.path.isdir(os.path.expanduser(clear)):
            self._type(clear)
        elif missing and os.path.isfile(os.path.expanduser(clear)):  # the beginning of one name only
            self.dismiss(list(sections_of(clear)))
        elif missing:
            self._say(f"There is no {plain(missing[0], 200)}.")
        else:
            self.dismiss(list(sections))

    def _take(self) -> None:
        place = self.query_one(PlaceList).current
        if place is None:
            return
        if place.folder:
            self._type(place.folder)
        else:
            self.dismiss([dict(place.section)])


def _is_missing(section: dict[str, str]) -> bool:
    path = section.get("path", "")
    return os.path.isabs(path) and not os.path.exists(path)
