"""Taking the open sources into a run file: a new one or one that is there. What changes is shown before anything is written."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from engine.errors import LuthierError
from tui.data.model import Section
from tui.data.places import no_model, parted
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.ask import Said
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.new_run import complete
from tui.text import plain, wrap
from tui.widgets.painted import Painted
from tui.widgets.path_input import PathInput
from tui.working import begin

if TYPE_CHECKING:
    from engine.config.use import Change, Plan

_MARKS = {"new": ("+", "good"), "changed": ("~", "accent"), "gone": ("-", "bad"), "same": ("=", "muted")}
_DIGITS = 16


def with_hash(section: Section) -> Section:
    """The table with the hash of its file where rows of it are left out by number. For a thread: it reads the file."""
    rows = section.get("exclude", {}).get("rows")
    path = section.get("path")
    if not rows or not isinstance(path, str) or not os.path.isfile(path):
        return section
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    section = copy.deepcopy(section)
    section["exclude"]["sha256"] = digest
    return section


def planned(path: Path, sections: list[Section], model: str, only: bool) -> Plan:
    """What the file would say. For a thread. Raises LuthierError."""
    from engine.config.use import plan

    try:
        return plan(path, [with_hash(section) for section in sections], model, only)
    except OSError as error:
        raise LuthierError(f"{error.filename} cannot be read: {error.strerror}.") from error


class UsePlan(Painted):
    """What would happen to the file."""

    def __init__(self) -> None:
        super().__init__(id="use-plan")
        self.plan: Plan | None = None
        self.error = ""
        self.only = False

    def paint(self, width: int, height: int) -> list[Row]:
        """A line a source, then what else is to be known."""
        if self.error:
            return [[(line, "bad")] for line in wrap(self.error, width, height)]
        plan = self.plan
        if plan is None:
            return []
        what = "is new" if plan.before is None else "stays as it is" if plan.text == plan.before else "changes"
        rows: list[Row] = [[(plain(plan.path.name, width - 16), "title"), (f" {what}", "muted")]]
        for change in plan.changes:
            rows += self._change(change, width)
        rows.append([("model  ", "muted"), (plain(plan.run.model.path, width - 7), "text")])
        if any(change.kind in ("same", "gone") for change in plan.changes) or self.only:
            text = "  the file's other sources go" if self.only else "  the file's other sources stay"
            rows.append([("ctrl+r", "key"), (text, "muted")])
        if plan.lost_comments:
            text = f"{comments(plan.lost_comments)} inside changed tables would be lost; you are asked before."
            rows += [[(line, "warn")] for line in wrap(text, width)]
        return rows[:height]

    def _change(self, change: Change, width: int) -> list[Row]:
        mark, ink = _MARKS[change.kind]
        rows: list[Row] = [[(f"{mark} ", ink), (plain(change.name, width - 2), "text")]]
        if change.detail:
            rows += [[("    ", ""), (line, "muted")] for line in wrap(change.detail, width - 4, 3)]
        return rows


class UseRun(Dialog[Path]):
    """Answers with the run file that was written."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#use-path"

    def __init__(self, sections: list[Section], path: str, model: str = "") -> None:
        super().__init__()
        self.sections, self.path, self.model = sections, path, model
        self.only = False
        self._writing = False

    def compose(self) -> ComposeResult:
        """Path, model, plan."""
        with Vertical(id="use-box") as box:
            box.border_title = "use in a run"
            box.border_subtitle = "tab complete   enter write   esc close"
            yield Said("run file", "muted", id="path-label")
            yield PathInput(self.path, placeholder="a .toml file, new or there", id="use-path", compact=True)
            yield Said("model", "muted", id="model-label")
            yield PathInput(
                self.model, placeholder="its folder, or owner/name of the Hub", id="use-model", compact=True
            )
            yield UsePlan()

    def on_mount(self) -> None:
        """What would be written so far."""
        field = self.query_one("#use-path", Input)
        field.cursor_position = len(field.value)
        self._plan()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._plan()

    def _plan(self) -> None:
        begin(self, self._make_plan, "plan", exclusive=True)

    async def _make_plan(self) -> bool:
        """Show what would be written; return whether it could be."""
        pane = self.query_one(UsePlan)
        path = Path(os.path.expanduser(self.query_one("#use-path", Input).value.strip()))
        model = os.path.expanduser(self.query_one("#use-model", Input).value.strip())
        there = path.is_file()
        self.query_one("#use-model").display = self.query_one("#model-label").display = not there
        pane.plan, pane.error, pane.only = None, "", self.only
        if not path.name or path.is_dir():
            pane.error = "Name a run file, for example run.toml."
        elif path.suffix != ".toml":
            pane.error = f"A run file is a .toml file; {plain(path.name, 80)} is none."
        elif not there and not model:
            pane.error = "Which model is trained? Name its folder, or owner/name of the Hub."
        elif not there and (wrong := no_model(model)):
            pane.error = wrong
        else:
            model = os.path.abspath(model) if os.path.exists(model) else model
            try:
                pane.plan = await asyncio.to_thread(planned, path.absolute(), self.sections, model, self.only)
            except LuthierError as error:
                pane.error = str(error)
        width = min(96, int(self.app.size.width * 0.94)) - 6
        self.fit_box("#use-box", "#use-plan", len(pane.paint(width, 99)), 7 if there else 10)
        pane.repaint()
        return pane.plan is not None

    def on_key(self, event: events.Key) -> None:
        """Tab completes; ctrl+r keeps or drops the other sources of the file."""
        field = self.focused
        if event.key == "tab" and isinstance(field, Input):
            field.value = _completed(field)
            field.cursor_position = len(field.value)
        elif event.key == "ctrl+r":
            self.only = not self.only
            self._plan()
        elif event.key in ("up", "down"):
            model, path = self.query_one("#use-model"), self.query_one("#use-path")
            (model if event.key == "down" and model.display else path).focus()
        else:
            return
        event.stop()
        event.prevent_default()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        model = self.query_one("#use-model", Input)
        if event.input.id == "use-path" and model.display and not model.value:
            model.focus()
            return
        if not self._writing:
            self._writing = True
            begin(self, self._write_once, "write")

    async def _write_once(self) -> None:
        """A second enter, typed ahead, must not end what the first one began."""
        try:
            await self._write()
        finally:
            self._writing = False

    async def _write(self) -> None:
        from engine.config.use import write

        if not await self._make_plan():
            return
        pane = self.query_one(UsePlan)
        plan = pane.plan
        assert plan is not None
        if plan.lost_comments:
            text = (
                f"What is lost: {comments(plan.lost_comments)} inside tables of {plan.path.name} that are written anew."
            )
            if not await self.app.push_screen_wait(Confirm("comments are lost", text, "write it all the same")):
                return
        try:
            await asyncio.to_thread(write, plan)
        except LuthierError as error:
            pane.error = str(error)
            pane.repaint()
        else:
            self.dismiss(plan.path)


def comments(count: int) -> str:
    """So many of them, in words."""
    return f"{count} comment{'s' if count > 1 else ''}"


def _completed(field: Input) -> str:
    """A path completed: run files for the first field, folders for the second."""
    if field.id == "use-path":
        return complete(field.value)[0]
    folder, start = parted(field.value)
    try:
        names = sorted(
            entry.name + "/" for entry in os.scandir(folder) if entry.is_dir() and entry.name.startswith(start)
        )
    except OSError:
        return field.value
    shortest, longest = (min(names), max(names)) if names else ("", "")
    clear = next((i for i, char in enumerate(shortest) if longest[i : i + 1] != char), len(shortest))
    common = shortest[:clear]
    return field.value[: len(field.value) - len(start)] + common if len(common) > len(start) else field.value
