"""What to look at as tokens: the path of a run file, typed, pasted or completed; a draft, a run, or open data by its name."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.data.places import parted, short
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.new_run import complete
from tui.text import plain, wrap
from tui.tokens.model import Origin
from tui.widgets.draft_list import DraftList, Entry, entries, typed
from tui.widgets.painted import Painted
from tui.widgets.path_input import PathInput
from tui.widgets.scroller import Picker
from tui.working import begin

_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


class DraftHint(Painted):
    """Below the list: what enter does, or why it cannot."""

    error = ""

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines."""
        if self.error:
            lines = wrap(self.error, width - 2, height)
            return [[(f"{self.glyphs.no} " if i == 0 else "  ", "bad"), (line, "text")] for i, line in enumerate(lines)]
        text = "A run file (TOML), the folder of a run, or a name from the list."
        return [[(line, "faint")] for line in wrap(text, width, height)]


class OpenDraft(Dialog[Entry]):
    """Answers with an entry to look at."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#draft-place"

    def __init__(self, folder: str = "") -> None:
        super().__init__()
        self._folder = folder
        """With a slash at its end: it is looked into first."""
        self._picked = False

    def compose(self) -> ComposeResult:
        """Frame, field, list, hint."""
        with Vertical(id="open-draft") as box:
            box.border_title = "open"
            box.border_subtitle = "tab complete   enter open   esc close"
            yield PathInput(placeholder="path of a run file, or a name below", id="draft-place", compact=True)
            yield DraftList(id="drafts", said=False)
            yield DraftHint(id="draft-hint")

    def on_mount(self) -> None:
        """What is here."""
        self.query_one(DraftList).can_focus = False
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
        app = self.luthier
        found: list[Entry]
        if "/" in text:
            folder, start = parted(text)
            try:
                found = await asyncio.to_thread(typed, text, folder, start)
            except OSError:
                found = []
        else:
            drafts = [draft for draft in app.drafts.drafts if draft is not app.drafts.current]
            found = await asyncio.to_thread(entries, text, drafts, app.offered_sources(), app.link.runs_dir)
        self._picked = False
        self.query_one(DraftList).fill(found)

    def _say(self, error: str) -> None:
        hint = self.query_one(DraftHint)
        if hint.error != error:
            hint.error = error
            hint.repaint()

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while one types; tab completes."""
        if event.key in _MOVES:
            self._picked = True
            self.query_one(DraftList).step(_MOVES[event.key])
        elif event.key == "tab":
            self._type(complete(self.query_one(Input).value)[0])
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
        text = event.value.strip().strip("'\"")
        path = Path(os.path.abspath(os.path.expanduser(text))) if text else None
        if self._picked or path is None:
            self._take()
        elif path.is_file():
            self.dismiss(Entry(path.name, origin=_origin(path)))
        elif (path / "run.toml").is_file():
            self.dismiss(Entry(path.name, origin=Origin(str(path), run=self._run_at(path))))
        elif self.query_one(DraftList).current is not None:
            self._take()
        else:
            self._say(f"There is no {plain(str(path), 200)}.")

    def _run_at(self, path: Path) -> str:
        """The name of a run that lies among the runs; a copy elsewhere has its own name, too."""
        return path.name

    def _take(self) -> None:
        entry = self.query_one(DraftList).current
        if entry is None:
            return
        if entry.folder:
            self._type(short(entry.folder) + ("/" if not short(entry.folder).endswith("/") else ""))
        else:
            self.dismiss(entry)


def _origin(path: Path) -> Origin:
    """A run's own file means the run."""
    if path.name == "run.toml" and (path.parent / "events.jsonl").exists():
        return Origin(str(path.parent), run=path.parent.name)
    return Origin(str(path))
