"""The keys of the Configure screen that start a run: now, in the queue, or as a command line to copy.

Nothing is started without having been shown, and nothing that is not written is left out unasked.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work

from engine.runs.devices import devices
from engine.runs.queue import queue_of
from tui.configure.command import CannotSayError, overrides, train_command
from tui.configure.form_state import FormState
from tui.configure.starting import MOST_CHANGES, Start, Wanted, start_of
from tui.link import copy
from tui.occupied import busy_with
from tui.screens.configure_keys import ConfigureKeys
from tui.screens.dialogs.start import StartRun
from tui.screens.writing import write_draft


class ConfigureRun(ConfigureKeys):
    """The screen with the keys that start."""

    @work(group="ask")
    async def action_start(self) -> None:
        """Show what will run, and ask how."""
        form = self.form
        if form is None:
            return
        wanted = await self._ask_how(form)
        if wanted is not None:
            await self.start_as(form, wanted)

    async def _ask_how(self, form: FormState) -> Wanted | None:
        planning = self.luthier.planning
        runs = self.luthier.link.runs_dir
        found, waiting, busy = await asyncio.to_thread(lambda: (devices(), len(queue_of(runs)), busy_with(runs)))

        def known() -> Start:
            return start_of(form, planning.planned, planning.error, busy)

        dialog = StartRun(known(), found, waiting, known)
        answer: Wanted | None = await self.app.push_screen_wait(dialog)
        return answer

    @work(group="ask")
    async def action_queue(self) -> None:
        """Into the queue, without a question where nothing is to be asked."""
        form = self.form
        if form is None:
            return
        start = start_of(form, self.luthier.planning.planned)
        if start.problems or start.ways_with or form.path is None:
            wanted = await self._ask_how(form)
        else:
            wanted = Wanted("queue")
        if wanted is not None:
            await self.start_as(form, wanted)

    async def start_as(self, form: FormState, wanted: Wanted) -> None:
        """Start what a form says in a way."""
        found = await self._file_and_changes(form, wanted)
        if found is None:
            return
        path, changes = found
        app = self.luthier
        if wanted.way == "command":
            command = train_command(path, changes, app.link.runs_dir, device=wanted.device)
            app.tell(await copy(app, command), command)
        else:
            app.start_file(path, changes, wanted.device, queue=wanted.way == "queue")

    async def _file_and_changes(self, form: FormState, wanted: Wanted) -> tuple[Path, list[str]] | None:
        """The file to run and what is laid over it; None where that was not to be written after all."""
        draft = form.draft
        if form.path is not None and not draft.changes:
            return form.path, []
        if form.path is not None and wanted.changes == "as they are":
            try:
                return form.path, overrides(form)
            except CannotSayError as error:
                self.luthier.complain(str(error))
                return None
        written = await write_draft(self.luthier, draft, shown=len(draft.changes) <= MOST_CHANGES)
        self.show_form()
        return (written, []) if written is not None else None

    @work(group="configure-copy", exclusive=True)
    async def action_copy_command(self) -> None:
        """The command that starts this run, with unwritten changes."""
        form = self.form
        if form is None:
            return
        if form.path is None:
            self.luthier.tell("There is no run file yet that a command could name; w writes one.")
            return
        try:
            command = train_command(form.path, overrides(form), self.luthier.link.runs_dir)
        except CannotSayError as error:
            self.luthier.complain(f"{error} w writes it.")
            return
        self.luthier.tell(await copy(self.app, command), command)
