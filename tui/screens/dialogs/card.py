"""What a person says about a run: a name for people, tags, a note. The directory and its name stay as they are."""

from __future__ import annotations

import msgspec
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, TextArea

from engine.runs.card import MOST_NOTE, Card, read_card
from engine.runs.store import Run
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import clip, plain
from tui.widgets.line_input import LineInput
from tui.widgets.painted import Painted

MOST_TITLE = 120
"""Characters of a title."""
MOST_TAGS = 400
"""Characters of all tags together, as they are typed."""


class FieldName(Painted):
    """The name of a field."""

    def __init__(self, text: str, ink: str = "muted") -> None:
        super().__init__(classes="card-label")
        self.text, self.ink = text, ink

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        return [[(clip(self.text, width), self.ink)]]


class Save(Painted, can_focus=True):
    """The last stop of tab: enter here keeps everything, as a click does."""

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        ink = "title selected" if self.has_focus else "muted"
        mark = self.glyphs.here if self.has_focus else " "
        return [[(f"{mark} keep it ", ink), ("  enter here, or ctrl+s anywhere", "faint")]]

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show where the keys go."""
        super().watch_has_focus(has_focus)
        self.repaint()


class RunCard(Dialog[Card]):
    """Answers with the card as it is to be; None where nothing is to change. It writes nothing itself."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#card-title"

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._card = read_card(run.dir)

    def compose(self) -> ComposeResult:
        """The fields."""
        with Vertical(id="card-box") as box:
            box.border_title = "name, tags, note"
            box.border_subtitle = "tab next   ctrl+s keep   esc close"
            yield FieldName(plain(self._run.dir.name, 70), "title")
            yield FieldName("name: what the lists call it; empty, the name of its folder")
            yield LineInput(
                self._card.title,
                placeholder=plain(self._run.dir.name, 60),
                id="card-title",
                compact=True,
                max_length=MOST_TITLE,
            )
            yield FieldName("tags, with blanks between")
            yield LineInput(" ".join(self._card.tags), id="card-tags", compact=True, max_length=MOST_TAGS)
            yield FieldName("note: what was tried, and what came of it")
            yield TextArea(self._card.note, id="card-note", compact=True, soft_wrap=True)
            yield Save(id="card-save")

    def _wanted(self) -> Card:
        title = self.query_one("#card-title", Input).value.strip()
        return msgspec.structs.replace(
            self._card,
            title="" if title == self._run.dir.name else title,
            tags=tuple(dict.fromkeys(self.query_one("#card-tags", Input).value.replace(",", " ").split())),
            note=self.query_one(TextArea).text.rstrip(),
        )

    def _keep(self) -> None:
        wanted = self._wanted()
        if len(wanted.note) > MOST_NOTE:
            self.luthier.complain(
                f"The note has {len(wanted.note):,} characters; {MOST_NOTE:,} are kept. Shorten it first."
            )
            return
        self.dismiss(wanted if wanted != self._card else None)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._keep()

    def on_key(self, event: events.Key) -> None:
        """ctrl+s keeps from anywhere; so does enter, but in the note."""
        saves = event.key == "ctrl+s" or (event.key in ("enter", "space") and isinstance(self.focused, Save))
        if saves:
            event.stop()
            event.prevent_default()
            self._keep()

    @on(events.Click, "#card-save")
    def _clicked(self) -> None:
        self._keep()

    def action_cancel(self) -> None:
        """Close; what was typed is asked about."""
        self._close()

    @work(group="ask-card", exclusive=True)
    async def _close(self) -> None:
        from tui.screens.dialogs.confirm import Confirm

        if self._wanted() == self._card or await self.app.push_screen_wait(
            Confirm("close", "What you changed is not kept.", "close without keeping", "go on")
        ):
            self.dismiss(None)
