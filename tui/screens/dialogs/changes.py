"""Writing the changes of a draft into its run file, or into a new one. Each change is shown before anything is written."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from engine.errors import LuthierError
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.ask import Said
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.new_run import complete
from tui.screens.dialogs.use_run import comments
from tui.text import plain, wrap
from tui.widgets.path_input import PathInput
from tui.widgets.scroller import Scroller
from tui.working import begin

if TYPE_CHECKING:
    from engine.config.use import Plan

_IN_SOURCE = re.compile(r"data\[(\d+)\]\.(.+)")
_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


def planned(
    path: Path, changes: Mapping[str, Any], before: Mapping[str, Any], tables: Mapping[str, Any] | None, copied: str
) -> tuple[Plan, list[str]]:
    """What the file would say, and a line for each change. For a thread. Raises LuthierError."""
    from engine.config.edit import describe, plan_changes
    from engine.config.fresh import plan_new
    from engine.config.load import read_text
    from engine.config.use import parsed

    fresh = tables is not None or bool(copied)
    source = Path(copied) if copied else path
    try:
        start = dict(tables) if tables is not None else parsed(read_text(source), source)
        plan = plan_new(path, start, changes) if fresh else plan_changes(path, changes)
    except OSError as error:
        raise LuthierError(f"{error.filename} cannot be read: {error.strerror}.") from error
    return plan, describe(changes, {key: _held(key, start, before) for key in changes})


def _held(key: str, start: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
    """What holds of a key until now: what the file says, else what is known of the draft, else the default."""
    from engine.config.form import groups
    from tui.configure.places import at

    if (said := at(start, key)) is not None or key in before:
        return before[key] if said is None else said
    sources = start.get("data")
    known = groups(max(1, len(sources)) if isinstance(sources, list) else 1)
    return next((field.default for group in known for field in group.fields if field.key == key), None)


class ChangesList(Scroller):
    """What would happen to the file."""

    framed = False

    def __init__(self) -> None:
        super().__init__(id="changes-list")
        self.plan: Plan | None = None
        self.said: list[str] = []
        self.gone: set[str] = set()
        """Keys that are taken out."""
        self.error = ""

    def count(self, width: int) -> int:
        """Lines at this width."""
        return len(self.rows(width))

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self.rows(width)[index]

    def rows(self, width: int) -> list[Row]:
        """What is wrong, or a line a change and what becomes of the comments."""
        if self.error:
            lines = wrap(self.error, max(8, width - 2))
            return [[(f"{self.glyphs.no} " if i == 0 else "  ", "bad"), (line, "text")] for i, line in enumerate(lines)]
        plan = self.plan
        if plan is None:
            return []
        what = "is new" if plan.before is None else "says so already" if plan.text == plan.before else "changes"
        rows: list[Row] = [[(plain(plan.path.name, max(8, width - 16)), "title"), (f" {what}", "muted")], []]
        said = [line.partition("  ") for line in self.said]
        names = [named(key, len(plan.run.data)) for key, _, _ in said]
        longest = max(map(len, names), default=0)
        for (key, _, values), name in zip(said, names, strict=True):
            rows.append(self._change(name.ljust(longest), values.lstrip(), key in self.gone, width))
        if plan.before is not None:
            lost = f"{comments(plan.lost_comments)} lost; every other line stays as it is"
            text = lost if plan.lost_comments else "comments stay as they are, and so does every other line"
            rows += [[], [(line, "warn" if plan.lost_comments else "faint") for line in wrap(text, width)]]
        return rows

    def _change(self, name: str, values: str, gone: bool, width: int) -> Row:
        """ "tokens.max_length  512 -> 768", with the key, the old and the new value told apart."""
        old, arrow, new = values.partition(" -> ")
        row: Row = [(plain(name, width), "text"), ("  ", ""), (plain(old, width), "muted")]
        new = "taken out" if gone else plain(new, width)
        return [*row, (f" {self.glyphs.arrow} ", "faint"), (new, "accent")] if arrow else row


def named(key: str, sources: int) -> str:
    """A key as one finds it in the file: "data[0].template" is `[[data]] template`, with a number where there are several."""
    found = _IN_SOURCE.fullmatch(key)
    if found is None:
        return key
    return f"[[data]] {f'#{int(found[1]) + 1} ' if sources > 1 else ''}{found[2]}"


class Changes(Dialog[Path]):
    """Answers with the run file that was written."""

    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#changes-path, #changes-list"

    def __init__(
        self,
        changes: Mapping[str, Any],
        before: Mapping[str, Any],
        path: str,
        *,
        tables: Mapping[str, Any] | None = None,
        copied: str = "",
    ) -> None:
        """`changes` (key -> value; None takes a key out) go into the run file at `path`; `before` is what holds now.

        With `tables`, or `copied`, the run file to begin with, a new file is written, and its path can be typed.
        """
        super().__init__()
        self.changes, self.before, self.path = changes, before, path
        self.tables, self.copied = tables, copied
        self._writing = False

    @property
    def new(self) -> bool:
        """Whether a new file is written."""
        return self.tables is not None or bool(self.copied)

    def compose(self) -> ComposeResult:
        """Path and changes."""
        with Vertical(id="changes-box") as box:
            box.border_title = "write the changes"
            if self.new:
                box.border_subtitle = "tab complete   enter write   esc close"
                yield Said("run file", "muted", id="path-label")
                yield PathInput(self.path, placeholder="a .toml file, new", id="changes-path", compact=True)
            else:
                box.border_subtitle = "enter write   esc close"
            yield ChangesList()

    def on_mount(self) -> None:
        """What would be written."""
        if self.new:
            field = self.query_one(Input)
            field.cursor_position = len(field.value)
        self._plan()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._plan()

    def _plan(self) -> None:
        begin(self, self._make_plan, "plan", exclusive=True)

    def _wrong(self, path: Path) -> str:
        """What is wrong with a path that was typed."""
        if not path.name or path.is_dir():
            return "Name a run file, for example run.toml."
        return "" if path.suffix == ".toml" else f"A run file is a .toml file; {plain(path.name, 80)} is none."

    async def _make_plan(self) -> bool:
        """Show what would be written; return whether it could be."""
        pane = self.query_one(ChangesList)
        typed = self.query_one(Input).value.strip() if self.new else self.path
        path = Path(os.path.expanduser(typed)).absolute()
        pane.plan, pane.error = None, self._wrong(path) if self.new else ""
        if not typed:
            pane.error = "Name a run file, for example run.toml."
        if not pane.error:
            try:
                found = await asyncio.to_thread(planned, path, self.changes, self.before, self.tables, self.copied)
            except LuthierError as error:
                pane.error = str(error)
            else:
                pane.plan, pane.said = found
                pane.gone = {key for key, value in self.changes.items() if value is None}
        width = min(96, int(self.app.size.width * 0.94)) - 6
        self.fit_box("#changes-box", "#changes-list", len(pane.rows(width)), 7 if self.new else 4)
        pane.repaint()
        return pane.plan is not None

    def on_key(self, event: events.Key) -> None:
        """Tab completes; arrows scroll while one types."""
        field = self.focused
        if not isinstance(field, Input):
            return
        if event.key == "tab":
            field.value = complete(field.value)[0]
            field.cursor_position = len(field.value)
        elif event.key in _MOVES:
            self.query_one(ChangesList).step(_MOVES[event.key])
        else:
            return
        event.stop()
        event.prevent_default()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Write it."""
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
        pane = self.query_one(ChangesList)
        plan = pane.plan
        assert plan is not None
        if plan.lost_comments:
            text = f"What is lost: {comments(plan.lost_comments)} of {plan.path.name}."
            if not await self.app.push_screen_wait(Confirm("comments are lost", text, "write it all the same")):
                return
        try:
            if plan.text != plan.before:
                await asyncio.to_thread(write, plan)
        except LuthierError as error:
            pane.error = str(error)
            pane.repaint()
        else:
            self.dismiss(plan.path)
