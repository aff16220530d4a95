"""What the TUI does to runs: open, start, stop and resume them, and have the demo told.

Everything here could be done by a headless verb, and most of it is. A slow act runs in a named worker; its end is a toast
or another screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from engine.errors import LuthierError
from engine.runs.commands import send
from engine.runs.store import Run
from tui.link import resume_run, start_story

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp

    _Base = App[list[str]]
else:
    _Base = object


class RunActs(_Base):
    """The part of the app that acts on runs."""

    _last_run: str | None = None

    def _self(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def open_run(self, name: str) -> None:
        """Watch a run; esc leads back to where one was."""
        from tui.screens.monitor import Monitor

        app = self._self()
        self._last_run = name
        if isinstance(app.screen, Monitor):
            if app.screen.run_name == name:
                return
            app.pop_screen()
        app.push_screen(Monitor(name))

    def action_show_monitor(self) -> None:
        """The run that was looked at last, else a living one, else the selected one."""
        app = self._self()
        living = [run.dir.name for run in app.link.live()]
        known = [name for name in (self._last_run,) if name in app.link.runs]
        home = app.go_home()
        selected = [home.runs.selected] if home.runs.selected else []
        names = known + living + selected
        if names:
            self.open_run(names[0])
        else:
            app.tell("There is no run to watch yet: n starts one, d shows the demo.")

    def action_show_demo(self) -> None:
        """The demo's screen; nothing is started."""
        self.open_demo()

    def open_demo(self, start: bool = False, fresh: bool = False) -> None:
        """Show the demo, and have it told where it was not yet."""
        from tui.screens.demo import Demo

        app = self._self()
        if not isinstance(app.screen, Demo):
            app.go_home()
            app.push_screen(Demo())
        app.link.read_story_now()
        story = app.link.story
        if start and not story.alive and (fresh or story.finished is None):
            self._start_story(fresh)

    @work(group="story")
    async def tell_story(self, fresh: bool) -> None:
        """Have the demo told; ask first where that throws something away."""
        from tui.screens.dialogs.confirm import Confirm

        app = self._self()
        if app.link.story.alive:
            app.tell("The demo is being told already.")
            return
        text = "The demo's corpus, tokenizer, models and runs are made anew. The ones that are there go."
        if fresh and not await app.push_screen_wait(Confirm("tell it afresh", text, "tell it afresh")):
            return
        self._start_story(fresh)

    def _start_story(self, fresh: bool) -> None:
        app = self._self()
        try:
            app.link.storyteller = start_story(app.link.starter_dir, app.link.runs_dir, fresh)
        except LuthierError as error:
            app.complain(str(error))
        app.link.hurry()

    @work(group="ask")
    async def new_run(self, path: str = "") -> None:
        """Ask for a run file, start it, watch it."""
        from tui.screens.dialogs.new_run import NewRun

        name: str | None = await self._self().push_screen_wait(NewRun(path))
        if name:
            self._watch_new(name)

    def _watch_new(self, name: str) -> None:
        app = self._self()
        app.link.hurry()
        app.go_home().runs.select_name(name)
        self.open_run(name)

    @work(group="ask")
    async def stop_run(self, run: Run) -> None:
        """Ask once, then have a run stopped."""
        from tui.screens.dialogs.confirm import Confirm

        app = self._self()
        text = f"{run.dir.name} finishes its step, saves a checkpoint and ends. It can be resumed from there."
        if not await app.push_screen_wait(Confirm("stop the run", text, "save a checkpoint, then stop")):
            return
        try:
            send(run.dir.commands, "stop")
        except OSError as error:
            app.complain(f"The run was not asked to stop: {error}")
        else:
            app.tell("It saves a checkpoint and ends.", run.dir.name)

    @work(group="resume", exclusive=True)
    async def resume(self, run: Run) -> None:
        """Go on with a run from its newest checkpoint."""
        app = self._self()
        app.tell("Resuming: its checkpoint is verified first.", run.dir.name)
        try:
            started = await resume_run(run.dir.name, app.link.runs_dir)
        except (LuthierError, OSError) as error:
            app.complain(str(error))
        else:
            self._watch_new(started.run)
