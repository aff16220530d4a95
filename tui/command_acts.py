"""What the app does by name: the palette and the command line, and what each verb of the registry does.

A verb with arguments does what the screens do with keys; what is wrong with its arguments is said before anything is done.
The registry itself is loaded with the first command, not before the first frame.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work

from engine.text import visible
from tui import settings
from tui.keys import keys_of

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp
    from tui.commands import Command, Spoken
    from tui.find import Findable

    _Base = App[list[str]]
else:
    _Base = object


class CommandActs(_Base):
    """The part of the app that does things by name."""

    def _whole(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def commands_here(self) -> list[Command]:
        """All that can be done now."""
        from tui.commands import commands_for

        app = self._whole()
        frame = app.frame
        keys = keys_of(frame.where, "app")
        allowed = [key.id for key in keys if frame.check_action(key.id, ()) is not False]
        return commands_for(frame.where, app.usable_themes, allowed, {key: app.user_keys.shown(key) for key in keys})

    # The palette, the line, the search

    def action_palette(self) -> None:
        """Find a command by name."""
        self._open_palette("")

    def action_pick_theme(self) -> None:
        """Find a theme by name."""
        self._open_palette("theme ")

    @work(group="palette")
    async def _open_palette(self, wanted: str) -> None:
        from tui.screens.dialogs.palette import Palette

        app = self._whole()
        chosen: Command | None = await app.push_screen_wait(Palette(self.commands_here(), wanted))
        if chosen is None:
            return
        if chosen.theme:
            app.remember_theme(chosen.theme)
        elif chosen.action:
            await self._act(chosen.action)
        else:
            self.open_command_line(f"{chosen.typed} ")

    def action_command_line(self) -> None:
        """Type a command."""
        self.open_command_line("")

    @work(group="palette")
    async def open_command_line(self, line: str) -> None:
        """Type a command; `line` stands there already."""
        from tui.completing import World
        from tui.screens.dialogs.command_line import CommandLine

        app = self._whole()
        known = settings.KNOWN
        values = {key: getattr(app.settings, one.name) for key, one in known.items()}
        world = World(app.link.order, sorted(app.usable_themes), values)
        spoken: Spoken | None = await app.push_screen_wait(
            CommandLine(self.commands_here(), world, self.problem_with, line)
        )
        if spoken is not None and spoken.command is not None:
            await self.obey(spoken.command, spoken.arguments)

    @work(group="palette")
    async def find_in(self, target: Findable) -> None:
        """Type what to find in a list."""
        from tui.screens.dialogs.find import FindLine

        await self._whole().push_screen_wait(FindLine(target))

    # Verbs

    async def _act(self, action: str) -> None:
        app = self._whole()
        frame = app.frame
        own = any(key.id == action for key in keys_of(frame.where))
        await app.run_action(action, frame if own else app)

    def problem_with(self, spoken: Spoken) -> str:
        """What is wrong with the arguments of a line, in words; "" where nothing is."""
        command, arguments = spoken.command, spoken.arguments
        if command is None or not arguments:
            needs = command is not None and command.verb and not command.action and command.name != "set"
            return f"{command.typed} needs {command.placeholder.strip('[]')}." if command and needs else ""
        one = command.argument in ("theme", "runfile", "draft", "run")
        if one and len(arguments) > 1:
            return f"{command.typed} takes one {command.placeholder.strip('[]')}; quotes keep blanks together."
        return self._wrong(command.argument, arguments)

    def _wrong(self, kind: str, arguments: tuple[str, ...]) -> str:
        app = self._whole()
        first = arguments[0]
        match kind:
            case "theme" if first not in app.usable_themes:
                return f"There is no theme {first!r}."
            case "run" | "runs":
                missing = next((name for name in arguments if name not in app.link.order), "")
                return f"There is no run {missing!r}." if missing else ""
            case "runfile" if not _file(first).is_file():
                return f"There is no run file {first!r}."
            case "draft" if first not in app.link.order and not _file(first).is_file():
                return f"There is neither a run nor a run file {first!r}."
            case "setting":
                return self._wrong_setting(arguments)
        return ""

    def _wrong_setting(self, arguments: tuple[str, ...]) -> str:
        known = settings.KNOWN.get(arguments[0])
        if known is None:
            return f"There is no setting {arguments[0]!r}; tab lists them."
        if len(arguments) == 1:
            return ""  # it is told
        try:
            value = settings.value_of(known, " ".join(arguments[1:]))
        except ValueError as error:
            return str(error)
        return self._wrong("theme", (str(value),)) if known.key == "theme" and value else ""

    async def obey(self, command: Command, arguments: tuple[str, ...]) -> None:
        """Do what a line said."""
        app = self._whole()
        if not command.verb or (not arguments and command.action):
            await self._act(command.action)
            return
        first = arguments[0] if arguments else ""
        match command.name:
            case "help":
                app.show_help(" ".join(arguments))
            case "theme":
                app.remember_theme(first)
            case "set":
                self._set(arguments)
            case "train":
                app.new_run(str(_file(first)))
            case "data":
                self._open_data(arguments)
            case "tokens" | "configure":
                self._open_draft(command.name, first)
            case "open":
                app.open_run(first)
            case "compare":
                app.compare(arguments)
            case "stop" | "resume":
                self._to_run(command.name, first)

    def _open_data(self, arguments: tuple[str, ...]) -> None:
        from tui.data.places import sections_of

        app = self._whole()
        sections: list[dict[str, Any]] = []
        for argument in arguments:
            sections += [dict(section) for section in sections_of(os.path.expanduser(argument))]
        app.open_data()
        app.desk.open(sections)

    def _open_draft(self, screen: str, name: str) -> None:
        from tui.tokens.model import Origin

        app = self._whole()
        run = app.link.runs.get(name)
        origin = Origin(str(run.dir.path), run=name) if run is not None else Origin(str(_file(name)))
        if screen == "tokens":
            app.open_tokens(origin)
        else:
            app.drafts.open(origin)
            app.action_show_configure()

    def _to_run(self, what: str, name: str) -> None:
        app = self._whole()
        run = app.link.runs.get(name)
        if run is None:
            app.complain(f"{name} was not read yet; try again.")
        elif what == "stop" and not run.alive:
            app.complain(f"{name} does not run.")
        elif what == "resume" and run.alive:
            app.complain(f"{name} runs.")
        elif what == "stop":
            app.stop_run(run)
        else:
            app.resume(run)

    def _set(self, arguments: tuple[str, ...]) -> None:
        app = self._whole()
        if not arguments:
            lines = [f"{key} = {getattr(app.settings, known.name)}" for key, known in settings.KNOWN.items()]
            app.tell("\n".join(lines), "settings")
            return
        known = settings.KNOWN[arguments[0]]
        if len(arguments) == 1:
            app.tell(f"{known.key} = {getattr(app.settings, known.name)}\n{known.help}")
            return
        value = settings.value_of(known, " ".join(arguments[1:]))
        later = app.use_settings(settings.with_value(app.settings, known, value))
        try:
            from tui.settings_file import remember

            remember(known.key, value)
        except (OSError, ValueError) as error:
            app.complain(visible(f"It is used but could not be remembered: {error}"))
            return
        app.tell(f"{known.key} = {value}{'; from the next start on' if known.key in later else ''}")


def _file(text: str) -> Path:
    return Path(text).expanduser()
