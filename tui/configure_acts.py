"""What the app does about run files as forms: hold them, show the Configure screen, lead there from runs, start what they say.

The forms and all that they need are loaded with the first look at the screen, not before the first frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from engine.errors import LuthierError
from tui.link import queue_run, start_run

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp
    from tui.configure.form_state import FormState
    from tui.configure.planning import Planning
    from tui.link.verbs import Queued
    from tui.tokens.model import Draft, Origin

    _Base = App[list[str]]
else:
    _Base = object


class ConfigureActs(_Base):
    """The part of the app that is concerned with Configure."""

    _forms: dict[int, FormState] | None = None
    _planning: Planning | None = None

    @cached_property
    def _starting(self) -> set[Path]:
        """Run files that are being checked, and start then."""
        return set()

    def _app(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def action_show_configure(self) -> None:
        """To the settings of the present draft."""
        from tui.screens.configure import Configure

        app = self._app()
        if not isinstance(app.screen, Configure):
            app.go_home()
            app.push_screen(Configure())

    def open_configure(self, origin: Origin, made: bool = False) -> None:
        """Fill in a draft as a form; esc leads back to where one was. `made`: leaving it asks, for it is in no file."""
        from tui.screens.configure import Configure

        app = self._app()
        draft = app.drafts.open(origin)
        draft.made = draft.made or made
        if not isinstance(app.screen, Configure):
            app.push_screen(Configure())

    def form_of(self, draft: Draft) -> FormState:
        """The form of a draft, made with the first look at it."""
        from tui.configure.form_state import FormState

        drafts = self._app().drafts
        forms = self._forms = self._forms if self._forms is not None else {}
        open_keys = {other.key for other in drafts.drafts}
        for key in [key for key in forms if key not in open_keys]:
            del forms[key]
        if draft.key not in forms:
            forms[draft.key] = FormState(draft, drafts.lay, drafts.undo)
        return forms[draft.key]

    @property
    def planning(self) -> Planning:
        """The plan of the draft that is looked at."""
        if self._planning is None:
            from tui.configure.planning import Planning

            self._planning = Planning(self._app(), self._plan_changed)
        return self._planning

    def _plan_changed(self) -> None:
        from tui.screens.configure import Configure
        from tui.screens.dialogs.start import StartRun

        app = self._app()
        for screen in app.screen_stack:
            if isinstance(screen, Configure) and screen.is_mounted and app.is_shown(screen):
                screen.show_plan()
            elif isinstance(screen, StartRun) and screen.is_mounted:
                screen.plan_changed()

    # From runs

    def clone_run(self, name: str) -> None:
        """A new draft with the settings and the name of a run, for a file under a free name, to be changed and started."""
        from engine.config.load import read_text
        from engine.config.use import parsed
        from tui.configure.clone import began, cloned
        from tui.tokens.model import Origin

        app = self._app()
        run = app.link.runs.get(name)
        path = run.dir.config if run is not None else app.link.runs_dir / name / "run.toml"
        try:
            tables = cloned(parsed(read_text(path), path), began(path))
        except LuthierError as error:
            app.complain(f"{name} cannot be cloned: {error}")
            return
        taken = [*(draft.origin.title for draft in app.drafts.drafts), *(p.stem for p in Path(".").glob("*.toml"))]
        own = str(tables.pop("name", "")) or re.sub(r"-\d{1,6}$", "", name)  # each run of it gets its own number
        title = next_name(own, taken) if own in taken else own
        self.open_configure(Origin(table=tuple({"name": own, **tables}.items()), name=title), made=True)

    # Starting

    @work(group="start")
    async def start_file(self, path: Path, changes: Sequence[str], device: str, queue: bool) -> None:
        """Have a run file checked and started, or queued. Takes seconds; who leaves the screen meanwhile ends nothing."""
        app = self._app()
        if not queue and path in self._starting:
            app.tell("It is being checked already, and starts then.", path.stem)
            return
        app.tell("The run file, the data and the model are checked first…", path.stem)
        if not queue:
            self._starting.add(path)
        try:
            if queue:
                self.tell_queued(await queue_run(path, app.link.runs_dir, changes, device))
            else:
                self._run_started((await start_run(path, app.link.runs_dir, changes, device)).run)
        except (LuthierError, OSError) as error:
            app.complain(f"{path.name} was not started: {error}")
        finally:
            if not queue:
                self._starting.discard(path)

    def tell_queued(self, queued: Queued) -> None:
        """Say what became of a run that was queued."""
        app = self._app()
        place = f"It waits in place {queued.place}." if queued.place else "It starts now."
        app.tell(f"{place} The queue goes on without this terminal.", queued.run)
        app.link.hurry()

    def _run_started(self, name: str) -> None:
        """Watch it, where nobody has gone on to something else."""
        from tui.screens.configure import Configure

        app = self._app()
        if isinstance(app.screen, Configure) and not app.screen.typing:
            app._watch_new(name)
            return
        app._last_run = name
        app.link.hurry()
        app.tell("It runs; Monitor shows it.", name)


def next_name(name: str, taken: list[str]) -> str:
    """The next free name of that kind: "boats" -> "boats-2", "boats-2" -> "boats-3"."""
    stem, number = name, 1
    if found := re.fullmatch(r"(.+?)-(\d{1,6})", name):
        stem, number = found[1], int(found[2])
    while (wanted := f"{stem[:56]}-{number + 1}") in taken:
        number += 1
    return wanted
