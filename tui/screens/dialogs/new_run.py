"""Starting a run: the path of a run file, completed with tab, and the engine's errors in full."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from tui.keys import bindings
from tui.link import VerbError, queue_run, start_run
from tui.occupied import busy_with
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.screens.dialogs.ways import Ways
from tui.text import plain, wrap
from tui.widgets.line_input import LineInput
from tui.widgets.painted import Painted

_MOST_SHOWN = 8


def complete(text: str) -> tuple[str, list[str]]:
    """Return `text` completed as far as it is clear, and the names that fit: folders (with /) and run files."""
    folder_text, _, start = text.rpartition("/")
    folder = Path(os.path.expanduser(folder_text + "/" if folder_text or text.startswith("/") else "."))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return text, []
    names = []
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        if entry.is_dir():
            names.append(entry.name + "/")
        elif entry.name.endswith(".toml"):
            names.append(entry.name)
    if not names:
        return text, []
    shortest, longest = min(names), max(names)
    common = shortest[: next((i for i, c in enumerate(shortest) if longest[i : i + 1] != c), len(shortest))]
    return text[: len(text) - len(start)] + common if len(common) > len(start) else text, names


class Advice(Painted):
    """Below the field: the names that fit, what goes on, or what is wrong."""

    def __init__(self) -> None:
        super().__init__(id="advice")
        self.names: list[str] = []
        self.error = ""
        self.busy = ""

    def rows(self, width: int) -> list[Row]:
        """What there is to say."""
        if self.busy:
            return [[(f"{self.glyphs.states['running']} ", "accent"), (plain(self.busy, width - 2), "text")]]
        if self.error:
            return [
                [(f"{self.glyphs.no} " if i == 0 else "  ", "bad"), (line, "text")]
                for i, line in enumerate(wrap(self.error, width - 2))
            ]
        if not self.names:
            return [[("A run file is a TOML file; ", "faint"), ("luthier spec", "muted"), (" prints one.", "faint")]]
        shown = [[(plain(name, width), "muted")] for name in self.names[:_MOST_SHOWN]]
        more = len(self.names) - _MOST_SHOWN
        return shown + ([[(f"and {more} more", "faint")]] if more > 0 else [])

    def paint(self, width: int, height: int) -> list[Row]:
        """The rows; an error that is longer than the room keeps its end, where the cure is."""
        rows = self.rows(width)
        return rows if len(rows) <= height or not self.error else rows[:1] + rows[len(rows) - height + 1 :]


class NewRun(Dialog[str]):
    """Asks for a run file and starts it; answers with the name of the run."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#path"

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self.path = path
        self._checked = ""
        """What stands in the field while it is checked and started."""

    def compose(self) -> ComposeResult:
        """Frame, field, advice."""
        with Vertical(id="new-run") as box:
            box.border_title = "new run"
            box.border_subtitle = "tab complete   enter start   esc close"
            yield LineInput(self.path, placeholder="path of a run file", id="path", compact=True)
            yield Advice()

    def on_mount(self) -> None:
        """The files that are here; a path that was given is started, and stays to be mended where that fails."""
        field = self.query_one(Input)
        field.cursor_position = len(field.value)
        self._advise(names=complete(self.path)[1])
        if self.path:
            self._begin(self.path)

    def _advise(self, names: list[str] | None = None, error: str = "", busy: str = "") -> None:
        advice = self.query_one(Advice)
        advice.names, advice.error, advice.busy = names or [], error, busy
        width = min(90, int(self.app.size.width * 0.94)) - 6
        height = min(len(advice.rows(width)), max(3, self.app.size.height - 10))
        advice.styles.height = height
        self.query_one("#new-run").styles.height = height + 6
        advice.repaint()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if self.query_one(Advice).busy:  # keys that come while a run is being started change nothing of it
            if event.value != self._checked:
                event.input.value = self._checked
            return
        self._advise(names=complete(event.value)[1])

    def on_key(self, event: object) -> None:
        """Tab completes; it must not move the focus here."""
        if getattr(event, "key", "") == "tab":
            event.stop()  # type: ignore[attr-defined]
            event.prevent_default()  # type: ignore[attr-defined]
            if self.query_one(Advice).busy:
                return
            field = self.query_one(Input)
            completed, names = complete(field.value)
            field.value = completed
            field.cursor_position = len(completed)
            self._advise(names=names)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self.query_one(Advice).busy:
            self._begin(event.value)

    def _begin(self, typed: str) -> None:
        """Check and start what was typed, or say what is wrong with it."""
        text = typed.strip().strip("'\"")
        path = Path(os.path.expanduser(text))
        if not text:
            return
        if not path.is_file():
            self._advise(error=f"{path} is {'a folder' if path.is_dir() else 'not there'}. Name a run file (TOML).")
            return
        self._checked = typed
        self._advise(busy="Checking the run file, the data and the model…")
        self._start(path.absolute())

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, path: Path) -> str | None:
        """The run that was started, "" where it was queued, None where it was neither."""
        app, runs_dir = self.luthier, self.luthier.link.runs_dir
        if busy := await asyncio.to_thread(busy_with, runs_dir):
            text = f"{busy}. Two runs at once share its memory and its time."
            ways = (("enter", "into the queue", "queue"), ("n", "start it now all the same", "now"))
            match await app.push_screen_wait(Ways("start a second run", text, ways, "start nothing")):
                case None:
                    return None
                case "queue":
                    app.tell_queued(await queue_run(path, runs_dir))
                    return ""
        return (await start_run(path, runs_dir)).run

    @on(Worker.StateChanged)
    def _started(self, event: Worker.StateChanged) -> None:
        if event.worker.group != "start":
            return
        if event.state is WorkerState.SUCCESS:
            if event.worker.result is None:
                self._advise()
            else:
                self.dismiss(event.worker.result)
        elif event.state is WorkerState.ERROR:
            error = event.worker.error
            text = str(error) if isinstance(error, VerbError) else f"{type(error).__name__}: {error}"
            self._advise(error=text)
