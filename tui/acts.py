"""What the TUI does to runs: open, start, stop and resume them, and have the demo told.

Everything here could be done by a headless verb, and most of it is. A slow act runs in a named worker; its end is a toast
or another screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual import work

from engine.errors import LuthierError
from engine.runs.commands import send
from engine.runs.store import Run
from tui.link import resume_run, start_story
from tui.shelf_acts import ShelfActs, named

if TYPE_CHECKING:
    from tui.app import LuthierApp


class RunActs(ShelfActs):
    """The part of the app that acts on runs."""

    _last_run: str | None = None

    @cached_property
    def _stopping(self) -> dict[str, int]:
        """The runs that were asked to stop from here, and their workers."""
        return {}

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
        """A living run, that which was looked at last before others; else what was looked at last; else the selected one."""
        from tui.screens.monitor import Monitor

        app = self._self()
        living = [run.dir.name for run in app.link.live()]
        known = [name for name in (self._last_run,) if name in app.link.runs]
        home = app.go_home()
        selected = [home.runs.selected] if home.runs.selected else []
        names = [name for name in known if name in living] + living + known + selected
        if names:
            self.open_run(names[0])
        else:
            app.push_screen(Monitor(""))

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
    async def stop_run(self, run: Run | Sequence[Run]) -> None:
        """Ask once, then have runs save and stop; those that were asked before are killed, after another question."""
        from tui.screens.dialogs.confirm import Confirm

        app = self._self()
        runs = [one for one in ([run] if isinstance(run, Run) else run) if one.alive]
        self._stopping = {name: pid for name, pid in self._stopping.items() if _pid(app.link.runs.get(name)) == pid}
        if runs and all(one.dir.name in self._stopping for one in runs):
            self.kill_runs(runs)
            return
        wanted = [one for one in runs if one.dir.name not in self._stopping]
        if not wanted:
            return
        several = len(wanted) > 1
        text = (
            f"{named(wanted)} {'finish their steps, save checkpoints and end' if several else 'finishes its step, saves a '}"
            f"{'. They' if several else 'checkpoint and ends. It'} can be resumed from there."
        )
        if not await app.push_screen_wait(
            Confirm(f"stop {'the runs' if several else 'the run'}", text, "save a checkpoint, then stop")
        ):
            return
        asked = []
        for one in wanted:
            try:
                send(one.dir.commands, "stop")
            except OSError as error:
                app.complain(f"{one.dir.name} was not asked to stop: {error}")
            else:
                self._stopping[one.dir.name] = _pid(one)
                asked.append(one)
        if asked:
            ends = "They save checkpoints and end." if several else "It saves a checkpoint and ends."
            app.tell(f"{ends} S again kills.", named(asked))

    @work(group="ask")
    async def kill_runs(self, runs: Sequence[Run]) -> None:
        """Ask once, then end runs at once: what was done since their checkpoints is lost."""
        from engine.runs.ending import kill, lost_by_kill
        from tui.screens.dialogs.confirm import Confirm

        app = self._self()
        living = [run for run in runs if run.alive]
        if not living:
            return
        asked = (
            "It was asked to stop and saves a checkpoint first. "
            if len(living) == 1 and _asked(self, living[0])
            else ""
        )
        lost = lost_by_kill(living[0].view) if len(living) == 1 else "What they did since their checkpoints is lost."
        text = f"{asked}Killing ends {named(living)} at once. {lost}"
        if not await app.push_screen_wait(Confirm("kill", text, "kill now", "let it go on")):
            return
        killed = []
        for run in living:
            try:
                if await asyncio.to_thread(kill, run.dir.path):
                    killed.append(run)
            except (LuthierError, OSError) as error:
                app.complain(str(error))
        if killed:
            app.tell("Killed.", named(killed))
        app.link.hurry()

    @work(group="resume", exclusive=True)
    async def resume(self, run: Run | Sequence[Run]) -> None:
        """Go on with runs from their newest checkpoints; several are asked about, since they share the machine."""
        app = self._self()
        runs = [one for one in ([run] if isinstance(run, Run) else run) if _can_resume(one)]
        if len(runs) > 1 and not await self._together(runs):
            return
        started = ""
        for one in runs:
            app.tell("Resuming: its checkpoint is verified first.", one.dir.name)
            try:
                started = (await resume_run(one.dir.name, app.link.runs_dir)).run
            except (LuthierError, OSError) as error:
                app.complain(str(error))
        if started and len(runs) == 1:
            self._watch_new(started)
        elif started:
            app.link.hurry()

    @work(group="chart")
    async def have_drawn(self, draw: Callable[[], Coroutine[Any, Any, str]], title: str) -> None:
        """Have a verb draw into a file. Takes seconds; who leaves the screen meanwhile ends nothing."""
        app = self._self()
        try:
            app.tell(await draw(), title)
        except (LuthierError, OSError) as error:
            app.complain(str(error))

    async def _together(self, runs: Sequence[Run]) -> bool:
        from tui.screens.dialogs.confirm import Confirm

        text = f"{named(runs)} go on at the same time, and share the memory of the machine."
        return bool(await self._self().push_screen_wait(Confirm("resume several", text, "resume all of them")))


def _can_resume(run: Run) -> bool:
    return not run.alive and run.state in ("stopped", "failed", "crashed")


def _asked(acts: RunActs, run: Run) -> bool:
    return acts._stopping.get(run.dir.name) == _pid(run)


def _pid(run: Run | None) -> int:
    """Which worker holds a run; 0 while none does: a later one was not asked to stop."""
    return run.view.hello.pid if run is not None and run.alive and run.view.hello else 0
