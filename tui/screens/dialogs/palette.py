"""The command palette: find a command by name and run it; themes are shown while one moves."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.commands import Command, ranked
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import pad
from tui.widgets.line_input import LineInput
from tui.widgets.painted import apart
from tui.widgets.scroller import Picker

_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8, "ctrl+k": -1, "ctrl+j": 1}


class Commands(Picker):
    """The commands that fit, best first."""

    framed = False
    can_focus = False

    def __init__(self, commands: list[Command]) -> None:
        super().__init__(id="commands")
        self.all = commands
        self.found = commands

    def search(self, wanted: str) -> None:
        """Show what fits."""
        self.found = ranked(self.all, wanted)
        self.cursor = self.top = 0
        self.repaint()

    @property
    def current(self) -> Command | None:
        """The command under the cursor."""
        return self.found[self.cursor] if self.cursor < len(self.found) else None

    def count(self, width: int) -> int:
        """How many fit."""
        return len(self.found)

    def line(self, index: int, width: int) -> Row:
        """Name, what it does, its key."""
        command = self.found[index]
        longest = max(len(other.name) for other in self.all)
        placeholder = f" {command.placeholder}" if command.argument else ""
        name = pad(command.name + placeholder, min(longest + 2, width // 2))
        return apart([(" " + name, "text"), (command.help, "muted")], [(f" {command.keys} ", "key")], width)

    def empty(self, width: int) -> list[Row]:
        """Nothing fits."""
        return [[(" No command fits.", "muted")]]


class Palette(Dialog[Command]):
    """Answers with the chosen command."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#wanted"

    def __init__(self, commands: list[Command], wanted: str = "") -> None:
        super().__init__()
        self.commands = commands
        self.wanted = wanted
        self._theme_before = ""

    def compose(self) -> ComposeResult:
        """Frame, field, list."""
        with Vertical(id="palette") as box:
            box.border_title = "commands"
            box.border_subtitle = "enter run   esc close"
            yield LineInput(self.wanted, placeholder="find a command", id="wanted", compact=True)
            yield Commands(self.commands)

    def on_mount(self) -> None:
        """Remember the theme, to give it back on esc."""
        self._theme_before = self.app.theme
        self.query_one(Commands).search(self.wanted)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        commands = self.query_one(Commands)
        commands.search(event.value)
        self._preview(commands.current if event.value else None)

    @on(Picker.Moved)
    def _moved(self) -> None:
        self._preview(self.query_one(Commands).current)

    def _preview(self, command: Command | None) -> None:
        theme = command.theme if command and command.theme else self._theme_before
        if theme != self.app.theme:
            self.app.theme = theme

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the field has the focus."""
        if event.key in _MOVES:
            event.stop()
            event.prevent_default()
            self.query_one(Commands).step(_MOVES[event.key])

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._take()

    @on(Picker.Chosen)
    def _chosen(self) -> None:
        self._take()

    def _take(self) -> None:
        command = self.query_one(Commands).current
        if command is not None:
            if not command.theme:
                self.app.theme = self._theme_before
            self.dismiss(command)

    def action_cancel(self) -> None:
        """Close and give the theme back."""
        self.app.theme = self._theme_before
        self.dismiss(None)
