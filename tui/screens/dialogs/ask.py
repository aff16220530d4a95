"""One line to be typed: a number, a weight, a path. What is wrong with it is said below, and the dialog stays."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.data.places import complete, listing, parted
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, safe, wrap
from tui.widgets.painted import Painted
from tui.widgets.path_input import PathInput

Check = Callable[[str], str]
"""What is wrong with a text; empty where it will do."""


class Said(Painted):
    """The text above the field, and what is wrong below it."""

    def __init__(self, text: str, ink: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.text, self.ink = text, ink

    def say(self, text: str, ink: str) -> None:
        """Say something else."""
        self.text, self.ink = text, ink
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """Wrapped."""
        return [[(line, self.ink)] for line in wrap(self.text, width, height)] if self.text else []


class Ask(Dialog[str]):
    """Answers with the text, once nothing is wrong with it. `paths`: tab completes."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#answer"

    def __init__(
        self,
        heading: str,
        text: str,
        value: str = "",
        check: Check | None = None,
        paths: bool = False,
        yes: str = "take it",
    ) -> None:
        """`yes` says what enter does."""
        super().__init__()
        self._enter = f"{'tab: complete   ' if paths else ''}enter: {yes}"
        self.heading, self.text, self.value = heading, text, value
        self.check, self.paths = check, paths

    def compose(self) -> ComposeResult:
        """Text, field, what is wrong."""
        with Vertical(id="ask") as box:
            box.border_title = safe(plain(self.heading, 60))
            box.border_subtitle = safe(f"{self._enter}   esc: close")
            yield Said(self.text, "muted", id="ask-text")
            yield PathInput(self.value, id="answer", compact=True)
            yield Said("", "muted", id="ask-error")

    def on_mount(self) -> None:
        """As high as its text."""
        width = min(76, int(self.app.size.width * 0.94)) - 6
        height = len(wrap(self.text, width)) if self.text else 0
        self.query_one("#ask-text").styles.height = height
        self.query_one("#ask").styles.height = height + 8
        field = self.query_one(Input)
        field.cursor_position = len(field.value)

    def on_key(self, event: events.Key) -> None:
        """Tab completes a path, and never leaves the field."""
        if event.key != "tab":
            return
        event.stop()
        event.prevent_default()
        field = self.query_one(Input)
        if self.paths:
            folder, start = parted(field.value)
            try:
                field.value = complete(field.value, listing(folder, start))
            except OSError:
                return
            field.cursor_position = len(field.value)

    @on(Input.Changed)
    def _changed(self) -> None:
        self.query_one("#ask-error", Said).say("", "muted")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        wrong = self.check(text) if self.check else ""
        if wrong:
            self.query_one("#ask-error", Said).say(wrong, "bad")
        else:
            self.dismiss(text)
