"""The keys of the Configure screen that have to do with files: open, make, write, edit, close; and watching the file.

Nothing is written before what changes was shown. What another program changes is taken, and unwritten changes stay on top.
"""

from __future__ import annotations

import os
from pathlib import Path

from textual import on, work
from textual.timer import Timer

from tui.configure.form_state import FormState
from tui.data.places import no_data, no_tokenizer
from tui.link.editor import edit_file
from tui.screens.configure_run import ConfigureRun
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.open_draft import OpenDraft
from tui.screens.writing import stem, write_draft
from tui.tokens.model import Origin
from tui.widgets.draft_list import Entry
from tui.widgets.form_welcome import FormWelcome
from tui.widgets.scroller import Picker

LOOK_S = 1.0
"""Time between two looks at the file's time."""


class ConfigureFiles(ConfigureRun):
    """The screen with the keys for files."""

    _looking: Timer | None = None

    # Opening

    @work(group="ask")
    async def action_open_draft(self, folder: str = "") -> None:
        """Ask what to fill in; `folder`: look into it first."""
        entry: Entry | None = await self.app.push_screen_wait(OpenDraft(folder))
        if entry is not None:
            await self.take(entry)

    async def take(self, entry: Entry) -> None:
        """Fill in what was chosen."""
        if entry.data:
            found = await self.luthier.draft_of_data()
            if found is not None:
                self.open(found[0])
        elif entry.folder:
            self.action_open_draft(entry.folder)
        elif entry.origin is not None:
            self.open(entry.origin)

    def open(self, origin: Origin, made: bool = False) -> None:
        """Fill in a draft. `made`: it was put together here, and is in no file."""
        draft = self.luthier.drafts.open(origin)
        draft.made = draft.made or made
        self.pane, self.zoomed = "fields", False
        self.show_form()
        self.lay_out(focus=True)

    def choose_welcome(self) -> None:
        """Open what is chosen."""
        entry = self.query_one("#welcome", FormWelcome).current if self.draft is None else None
        if entry is not None:
            self._take(entry)
        elif self.draft is None:
            self.action_open_draft()
        else:
            self.action_edit()

    @work(group="ask")
    async def _take(self, entry: Entry) -> None:
        await self.take(entry)

    @on(Picker.Chosen, "#welcome")
    def _welcomed(self) -> None:
        self.choose_welcome()

    @work(group="ask")
    async def action_new_file(self) -> None:
        """Ask for a model and for data; the draft is in no file until it is written."""

        def wrong_model(text: str) -> str:
            return no_tokenizer(text) if text else "Name the folder of a model."

        def wrong_data(text: str) -> str:
            if wrong := no_data(text):
                return wrong
            there = os.path.exists(os.path.expanduser(text))
            hub = text.count("/") == 1 and not text.startswith((".", "~", "/"))
            return (
                ""
                if text and (there or hub)
                else f"There is no {text}."
                if text
                else "Name a file, or a folder of files."
            )

        said = "Which model is trained? The folder of one."
        model = await self.app.push_screen_wait(Ask("new run file: the model", said, "", wrong_model, paths=True))
        if model is None:
            return
        said = "Which rows is it trained on? A file, a folder of files, or owner/name of the Hugging Face hub."
        data = await self.app.push_screen_wait(Ask("new run file: the data", said, "", wrong_data, paths=True))
        if data is None:
            return
        name = stem(Path(data.rstrip("/")).name) if data else "run"
        tables = (("model", {"path": _absolute(model)}), ("data", [{"path": _absolute(data)}]))
        self.open(Origin(table=tables, name=name), made=True)

    # Writing

    @work(group="ask")
    async def action_write(self) -> None:
        """Show what would change, and write it."""
        form = self.form
        if form is not None:
            await self.write(form)

    async def write(self, form: FormState) -> bool:
        """Show what would change in the file, and write it where that is wanted; return whether it was."""
        wrong = len(form.draft.pending)
        written = await write_draft(self.luthier, form.draft)
        if written is None:
            return False
        form.read()
        self.show_form()
        left = (
            f" {wrong} wrong value{'s' if wrong > 1 else ''} stay{'' if wrong > 1 else 's'} in the form."
            if wrong
            else ""
        )
        self.luthier.tell(f"Written to {written.name}. s starts a run with it.{left}", str(written.parent))
        return True

    @work(group="ask")
    async def action_undo_all(self) -> None:
        """Take all back that is not written; ask first."""
        form = self.form
        if form is None:
            return
        text = f"{form.draft.origin.title}: {form.draft.unwritten}. The form shows the file again; u brings them back."
        if await self.app.push_screen_wait(Confirm("undo all", text, "undo all")):
            form.undo_all()
            self.luthier.drafts.tell("drafts")
            self.show_form()

    @work(group="ask")
    async def action_close_draft(self) -> None:
        """Forget the draft; ask where something in it is not written."""
        draft = self.draft
        if draft is None:
            return
        text = f"{draft.unwritten}. It is forgotten; the run file itself stays as it is."
        if draft.loses and not await self.app.push_screen_wait(Confirm("close the draft", text, "forget it")):
            return
        self.luthier.drafts.close(draft)
        self.pane, self.zoomed = "fields", False
        await self.fill_welcome()
        self.show_form()
        self.lay_out(focus=True)

    # The file, edited by hand or by another program

    @work(group="ask")
    async def action_edit(self) -> None:
        """The run file in the editor. One that is in no file, or a run's record, is written under a name first."""
        form = self.form
        if form is None:
            return
        if not form.draft.writable:
            self.luthier.tell("It is written under a name first; that file is edited then.")
            if not await self.write(form) or (form := self.form) is None:
                return
        path = form.path
        if path is None:
            return
        if problem := edit_file(self.app, path):
            self.luthier.complain(problem)
        self.look(said=False)

    def action_reload(self) -> None:
        """Read the file again, and have the service read its data again."""
        form = self.form
        if form is not None:
            form.read()
            self.luthier.drafts.reopen(form.draft)
            self.show_form()

    def look(self, said: bool = True) -> None:
        """Follow the file where it has changed; `said`: say that another program changed it."""
        form = self.form
        if form is None or not form.changed_on_disk():
            return
        expected, before = form.checked.text, form.base.text
        form.read()
        form.forget_what_the_file_says()
        if form.base.text == before:
            return
        if said and form.base.text != expected:
            kept = f" {form.draft.unwritten}, and stay on top." if form.draft.changes or form.draft.pending else ""
            gone = form.broken is not None
            what = "cannot be used as it is now" if gone else "was changed by another program, and is read again"
            self.luthier.tell(f"{form.draft.origin.title} {what}.{kept}")
        self.luthier.drafts.reopen(form.draft)
        self.show_form()

    def on_mount(self) -> None:
        """Look at the file's time now and then, while the screen can be seen."""
        super().on_mount()
        self._looking = self.set_interval(LOOK_S, self.look)

    def on_screen_suspend(self) -> None:
        """Another screen lies above."""
        if self._looking is not None:
            self._looking.pause()

    def on_screen_resume(self) -> None:
        """Back again."""
        super().on_screen_resume()
        if self._looking is not None:
            self._looking.resume()
            self.call_after_refresh(self.look)


def _absolute(text: str) -> str:
    """A path that is there as an absolute one; what may be an id of the Hub as it is."""
    path = os.path.abspath(os.path.expanduser(text))
    return path if os.path.exists(path) else text
