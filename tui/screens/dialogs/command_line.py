"""The command line: a colon over the footer, what it can go on with above it, and in words what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from tui import history
from tui.commands import Command, Spoken, parse
from tui.completing import Completion, World, common, completion
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.find import Prompt
from tui.text import pad, plain
from tui.widgets.line_input import LineInput
from tui.widgets.painted import Painted, fit

MOST_SHOWN = 8
_MOST_TYPED = 4096


class Ways(Painted):
    """What the line can go on with, or what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(id="ways")
        self.found = Completion(0, ())
        self.at = -1
        self.problem = ""

    def rows(self) -> int:
        """The rows it needs."""
        return 1 if self.problem else min(MOST_SHOWN, len(self.found.options))

    def paint(self, width: int, height: int) -> list[Row]:
        """A window on the ways around the one that was taken."""
        if self.problem:
            return [fit([(f"{self.glyphs.warn} ", "bad"), (plain(self.problem, width - 3), "bad")], width)]
        options = self.found.options
        top = min(max(0, self.at - height + 1), max(0, len(options) - height))
        longest = min(width // 2, 2 + max((len(option.text) for option in options), default=0))
        rows: list[Row] = []
        for index, option in enumerate(options[top : top + height], top):
            chosen = " selected" if index == self.at else ""
            mark = self.glyphs.here if index == self.at else " "
            name = pad(plain(option.text, longest), longest)
            left: Row = [
                (mark, "strong" + chosen),
                (name, "text" + chosen),
                (plain(option.note, width), "muted" + chosen),
            ]
            more = f" {len(options)} " if index == top and len(options) > height else ""
            rows.append([*fit(left, width - len(more), chosen.strip()), (more, "faint")])
        return rows

    def on_click(self, event: events.Click) -> None:
        """A click takes a way."""
        line = self.screen
        top = min(max(0, self.at - self.size.height + 1), max(0, len(self.found.options) - self.size.height))
        index = event.y + top
        if isinstance(line, CommandLine) and not self.problem and index < len(self.found.options):
            line.take(index)


class CommandLine(Dialog[Spoken]):
    """Answers with what is to be done. What cannot be done is said in the line, which stays."""

    CSS_PATH = "lines.tcss"
    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#wanted"

    def __init__(
        self, commands: Sequence[Command], world: World, check: Callable[[Spoken], str], line: str = ""
    ) -> None:
        """`check` says what is wrong with arguments; `line` is typed already."""
        super().__init__()
        self.commands, self.world, self.check = commands, world, check
        self._line = line
        self._past = history.load()
        self._back = 0
        self._typed = line
        """What was typed before one went into the history, or through the ways on."""

    def compose(self) -> ComposeResult:
        """The ways on, the line below them."""
        yield Ways()
        with Horizontal(id="line"):
            yield Prompt(":")
            yield LineInput(
                self._line, placeholder="a command; tab completes", id="wanted", compact=True, max_length=_MOST_TYPED
            )

    def on_mount(self) -> None:
        """The cursor at the end."""
        field = self._field
        field.cursor_position = len(field.value)
        self._look(field.value)

    @property
    def _field(self) -> Input:
        return self.query_one(Input)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.value != self._shown_by_us:
            self._back, self._typed = 0, event.value
            self._look(event.value)

    _shown_by_us = ""

    def _show(self, text: str) -> None:
        self._shown_by_us = text
        self._field.value = text
        self._field.cursor_position = len(text)

    def _look(self, line: str, problem: str = "") -> None:
        ways = self.query_one(Ways)
        ways.found = completion(line, self.commands, self.world) if line.strip(" :") else Completion(0, ())
        ways.at, ways.problem = -1, problem
        self._fit()

    def _fit(self) -> None:
        ways = self.query_one(Ways)
        rows = min(ways.rows(), max(1, self.app.size.height - 4))
        ways.display = rows > 0
        ways.styles.height = rows
        ways.repaint()

    def on_key(self, event: events.Key) -> None:
        """Tab completes, arrows walk through the history."""
        keys = {"tab": 1, "shift+tab": -1}
        if event.key in keys:
            self._complete(keys[event.key])
        elif event.key in ("up", "down", "ctrl+p", "ctrl+n"):
            self._recall(1 if event.key in ("up", "ctrl+p") else -1)
        elif event.key == "backspace" and not self._field.value:
            self.action_cancel()
        else:
            return
        event.stop()
        event.prevent_default()

    def _complete(self, by: int) -> None:
        ways = self.query_one(Ways)
        if ways.problem or (ways.at < 0 and not ways.found.options):
            self._look(self._field.value)
        options, start = ways.found.options, ways.found.start
        if not options:
            if not self._typed.strip(" :"):
                ways.found = completion("", self.commands, self.world)
                self._fit()
            return
        if len(options) == 1:
            self.take(0)
            return
        ahead = self._typed[:start] + common(options)
        if ways.at < 0 and len(ahead) > len(self._typed):
            self._typed = ahead
            self._show(ahead)
            self._look(ahead)
            return
        ways.at = (ways.at + by) % len(options) if ways.at >= 0 else (0 if by > 0 else len(options) - 1)
        self._show(self._typed[:start] + options[ways.at].text)
        ways.repaint()

    def take(self, index: int) -> None:
        """Go on with one of the ways."""
        found = self.query_one(Ways).found
        option = found.options[index]
        line = self._typed[: found.start] + option.text + (" " if option.ends else "")
        self._typed = line
        self._show(line)
        self._look(line)
        self._field.focus()

    def _recall(self, by: int) -> None:
        past = [line for line in self._past if line.startswith(self._typed)] if self._typed else self._past
        self._back = min(max(0, self._back + by), len(past))
        self._show(past[-self._back] if self._back else self._typed)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        spoken = parse(event.value, self.commands)
        problem = spoken.problem or (self.check(spoken) if spoken.command else "")
        if problem:
            self._typed = event.value
            self._look(event.value, problem)
        elif spoken.command is None:
            self.dismiss(None)
        else:
            history.add(event.value.strip())
            self.dismiss(spoken)

    def on_click(self, event: events.Click) -> None:
        """A click beside the line closes it."""
        if event.widget is self:
            self.dismiss(None)
