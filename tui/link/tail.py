"""Reading journals while they grow: one thread reads, the app's handlers own what was read.

The thread lists the runs once a second and reads what was added; the run on the screen is read four times a second.
A run is folded once, in the thread, and then handed over: from there on the thread touches its reader only and sends events,
and the interface alone touches `view` and `alive`. A run that ended costs one `stat` a second.
"""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.app import App
from textual.message import Message

from engine.runs import events as e
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.store import FINAL, Run, list_runs
from engine.runs.story import Story

FAST_S = 0.25
SLOW_EVERY = 4
BITE_BYTES = 256 << 10
DEMO_LOG = "demo.log"


class RunsListed(Message):
    """The runs that exist now, newest first."""

    def __init__(self, runs: list[RunDir]) -> None:
        super().__init__()
        self.runs = runs


class RunFound(Message):
    """A run was read from the start; it belongs to the receiver."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


class RunGrew(Message):
    """Events were added to a run, or its worker came or went."""

    def __init__(self, name: str, events: list[e.AnyEvent], alive: bool) -> None:
        super().__init__()
        self.name = name
        self.events = events
        self.alive = alive


@dataclass(frozen=True)
class StoryNow:
    """What the demo has told so far: a copy that nobody changes."""

    chapters: tuple[e.Chapter, ...] = ()
    answers: tuple[e.Answer, ...] = ()
    score: e.Score | None = None
    finished: e.Finished | None = None
    alive: bool = False
    run: str | None = None
    started_t: float = 0.0
    failure: str = ""
    """The end of the demo's log when it died before its last word."""


class StoryGrew(Message):
    """The demo's story went on."""

    def __init__(self, story: StoryNow) -> None:
        super().__init__()
        self.story = story


@dataclass
class Link:
    """What is known of the runs, and the thread that reads on. Fields without underscore belong to the interface."""

    app: App[Any]
    runs_dir: Path
    starter_dir: Path
    runs: dict[str, Run] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    listed: bool = False
    story: StoryNow = field(default_factory=StoryNow)
    focus: str | None = None
    """The run that is read fast."""
    storyteller: subprocess.Popen[bytes] | None = None
    """The demo's process, when this program started it."""
    _tails: dict[str, Run] = field(default_factory=dict)
    _ended: dict[str, bool] = field(default_factory=dict)
    _alive: dict[str, bool] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _reasons: dict[str, tuple[int, bool, str]] = field(default_factory=dict)

    # The interface's side

    def accept(self, message: RunsListed | RunFound | RunGrew) -> set[str]:
        """Take what the thread read into `runs`; return the names of the runs that changed."""
        match message:
            case RunsListed():
                names = [run.name for run in message.runs]
                gone = set(self.runs) - set(names)
                for name in gone:
                    del self.runs[name]
                self.order, self.listed = names, True
                return gone or set(names)
            case RunFound():
                self.runs[message.run.dir.name] = message.run
                self._reasons.pop(message.run.dir.name, None)
                return {message.run.dir.name}
            case RunGrew():
                run = self.runs.get(message.name)
                if run is None:
                    return set()
                for event in message.events:
                    run.view.apply(event)
                run.alive = message.alive
                return {message.name}

    def reason(self, run: Run) -> str:
        """Why a run ended; the traces of a death are read once."""
        name, version = run.dir.name, run.view.version
        known = self._reasons.get(name)
        if known is None or known[:2] != (version, run.alive):
            known = (version, run.alive, run.reason)
            self._reasons[name] = known
        return known[2]

    def read_story_now(self) -> None:
        """Know the story without waiting for the thread; its file is short."""
        story = Story(self.starter_dir)
        story.refresh()
        self.story = self._story_now(story)

    def live(self) -> list[Run]:
        """The runs whose worker lives, newest first."""
        return [run for name in self.order if (run := self.runs.get(name)) and run.alive]

    def hurry(self) -> None:
        """Read at once: something was started."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread; it answers within a quarter of a second."""
        self._stop.set()
        self._wake.set()

    # The thread's side

    def tail(self) -> None:
        """Read until stopped. Runs in a thread; posts messages and touches no widget."""
        tick = 0
        story, story_was = Story(self.starter_dir), StoryNow()
        while not self._stop.is_set():
            hurried = self._wake.is_set()
            self._wake.clear()
            if tick % SLOW_EVERY == 0 or hurried:
                self._scan()
            elif self.focus in self._tails:
                self._poll(self.focus, self._tails[self.focus])
            story = self._read_story(story)
            now = self._story_now(story)
            if now != story_was:
                story_was = now
                self.app.post_message(StoryGrew(now))
            tick += 1
            self._wake.wait(FAST_S)

    def _scan(self) -> None:
        try:
            found = list_runs(self.runs_dir)
        except OSError:
            found = []
        names = {run.name for run in found}
        for name in set(self._tails) - names:
            del self._tails[name]
        self._list(found)
        for directory in found:
            if self._stop.is_set():
                return
            tail = self._tails.get(directory.name)
            if tail is None or _size(directory.journal) < tail.reader.offset:
                self._find(directory)
            else:
                self._poll(directory.name, tail)

    def _list(self, found: list[RunDir]) -> None:
        names = [run.name for run in found]
        if names != getattr(self, "_listed_names", None):
            self._listed_names = names
            self.app.post_message(RunsListed(found))

    def _find(self, directory: RunDir) -> None:
        run = Run(directory)
        while not self._stop.is_set():
            before = run.reader.offset
            run.refresh(BITE_BYTES)
            if run.reader.offset == before:
                break
        self._tails[directory.name] = run
        self._alive[directory.name] = run.alive
        self._ended[directory.name] = run.state in FINAL
        self.app.post_message(RunFound(run))

    def _poll(self, name: str, tail: Run) -> None:
        grown = _size(tail.dir.journal) > tail.reader.offset
        if self._ended[name] and not grown and not is_held(tail.dir.lock):
            return
        alive = is_held(tail.dir.lock)
        events = tail.reader.read(BITE_BYTES) if grown else []
        if events or alive != self._alive[name]:
            self._alive[name] = alive
            self._ended[name] = not alive
            self.app.post_message(RunGrew(name, events, alive))

    def _read_story(self, story: Story) -> Story:
        if _size(story.reader.path) < story.reader.offset:  # told afresh in a new file
            story = Story(self.starter_dir)
        story.refresh()
        return story

    def _story_now(self, story: Story) -> StoryNow:
        process = self.storyteller
        died = process is not None and process.poll() not in (None, 0) and story.finished is None
        return StoryNow(
            tuple(story.chapters),
            tuple(story.answers),
            story.score,
            story.finished,
            story.alive or (process is not None and process.poll() is None),
            story.run,
            story.chapters[0].t if story.chapters else 0.0,
            _tail_of(self.starter_dir / DEMO_LOG) if died else "",
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _tail_of(path: Path, most: int = 4096) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, _size(path) - most))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
