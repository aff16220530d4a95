"""Reading journals while they grow: one thread reads, the app's handlers own what was read.

The thread lists the runs once a second and reads what was added; the run on the screen is read four times a second.
A run is folded once, in the thread, and then handed over: from there on the thread touches its reader only and sends events,
and the interface alone touches `view` and `alive`. A run that ended costs two `stat`s a second.

A very long journal is handed over twice: as a glance found it, and when all of it was read. The curves of all long runs together
have a budget: the run on the screen is always whole, others as far as there is room, the rest are thinned until they are opened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.app import App

from engine.errors import RunError
from engine.runs.glance import glance
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.queue import ensure_keeper, is_queued
from engine.runs.store import FINAL, Run
from engine.runs.story import Story
from tui.link.news import RunFound, RunGrew, RunsListed, StoryGrew, StoryNow

FAST_S = 0.25
SLOW_S = 1.0
BITE_BYTES = 512 << 10
"""Is decoded in about half a millisecond: the interface never waits longer for the thread."""
WHOLE_STEPS = 20_000
"""Up to so many steps a curve is kept whole, whoever looks at it."""
THIN_STEPS = 4_000
BUDGET_STEPS = 1_200_000
"""Steps of all longer curves that are kept whole: 32 bytes each."""
UNSEEN_STEPS = 300_000
"""As many of them may be of runs that were not on the screen yet."""
SWITCH_S = 0.001
"""How long the thread may compute while the interface waits for the interpreter: a fifth of what is usual."""
DEMO_LOG = "demo.log"


@dataclass(frozen=True, slots=True)
class Tail:
    """A run that was handed over: where it is, and how far its journal was read."""

    dir: RunDir
    reader: JournalReader
    file: int = 0
    """The number of the journal's file: another file under the same name is another run."""


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
    """The run on the screen: it is read fast, and whole."""
    storyteller: subprocess.Popen[bytes] | None = None
    """The demo's process, when this program started it."""
    _whole: dict[str, int] = field(default_factory=dict)
    """Long runs whose curves are whole, with their steps; the one that was on the screen last comes last."""
    _tails: dict[str, Tail] = field(default_factory=dict)
    _filling: dict[str, Run] = field(default_factory=dict)
    """Runs that are being read from the start, a little at a time."""
    _thinned: set[str] = field(default_factory=set)
    """Runs whose curves lack steps."""
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
                    self._whole.pop(name, None)
                self.order, self.listed = names, True
                return gone or set(names)
            case RunFound():
                self.runs[message.run.dir.name] = message.run
                self._reasons.pop(message.run.dir.name, None)
                self._keep_within_budget(message.run)
                return {message.run.dir.name}
            case RunGrew():
                run = self.runs.get(message.name)
                if run is None:
                    return set()
                for item in message.events:
                    run.view.fold(item)
                run.alive = message.alive
                self._keep_within_budget(run)
                return {message.name}

    def _keep_within_budget(self, run: Run) -> None:
        """Thin the long runs that were left longest ago until all fit; one that is being read for the screen counts already."""
        name, view = run.dir.name, run.view
        if name == self.focus if view.thinned else view.points > WHOLE_STEPS:
            self._whole.pop(name, None)
            self._whole[name] = max(view.points, view.step)
        for other in [key for key in self._whole if key != self.focus]:
            if sum(self._whole.values()) <= BUDGET_STEPS:
                return
            self.runs[other].view.thin(THIN_STEPS)
            self._thinned.add(other)
            del self._whole[other]

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
        sys.setswitchinterval(SWITCH_S)
        story, story_was, scanned = Story(self.starter_dir), StoryNow(), -SLOW_S
        while not self._stop.is_set():
            hurried = self._wake.is_set()
            self._wake.clear()
            if hurried or time.monotonic() - scanned >= SLOW_S - FAST_S / 2:
                scanned = time.monotonic()
                self._scan()
            elif (focus := self.focus) in self._tails:  # read once: the interface changes it meanwhile
                self._poll(focus, self._tails[focus])
            story = self._read_story(story)
            now = self._story_now(story)
            if now != story_was:
                story_was = now
                self.app.post_message(StoryGrew(now))
            if not self._fill(FAST_S):
                self._wake.wait(FAST_S)

    def _scan(self) -> None:
        found = self._look()
        names = {run.name for run, _, _ in found}
        for known in (self._tails, self._filling):
            for name in set(known) - names:
                del known[name]
        self._list([run for run, _, _ in found])
        self._keep_queue([run for run, size, _ in found if not size])
        focus = self.focus
        for directory, size, file in sorted(found, key=lambda one: one[0].name != focus):
            if self._stop.is_set():
                return
            tail = self._tails.get(directory.name)
            if tail is None or size < tail.reader.offset or (tail.file and file not in (0, tail.file)):
                self._find(directory)
            else:
                self._poll(directory.name, tail, size)

    def _look(self) -> list[tuple[RunDir, int, int]]:
        """The runs with sizes and file numbers of their journals, newest first. Two `stat`s for each."""
        found: list[tuple[float, RunDir, int, int]] = []
        try:
            names = [name for name in os.listdir(self.runs_dir) if not name.startswith(".")]
        except OSError:
            return []
        for name in names:
            tail = self._tails.get(name)
            directory = tail.dir if tail is not None else RunDir(self.runs_dir / name)
            if not directory.config.is_file():
                continue
            try:
                state = os.stat(directory.journal)
            except OSError:
                state = None
            size, file = (state.st_size, state.st_ino) if state else (0, 0)
            found.append((state.st_mtime if state else _made(directory), directory, size, file))
        found.sort(key=lambda one: one[0], reverse=True)
        return [(directory, size, file) for _, directory, size, file in found]

    def _keep_queue(self, found: list[RunDir]) -> None:
        """Whoever looks at the runs starts the queue's process again where it has died; a broken disk is told elsewhere."""
        if any(is_queued(run) for run in found):
            with suppress(RunError):
                ensure_keeper(self.runs_dir)

    def _list(self, found: list[RunDir]) -> None:
        names = [run.name for run in found]
        if names != getattr(self, "_listed_names", None):
            self._listed_names = names
            self.app.post_message(RunsListed(found))

    def _find(self, directory: RunDir) -> None:
        """Read a run from the start; a very long one is looked at, and read later."""
        first = glance(directory)
        if first is not None:
            self._filling[directory.name] = Run(directory)
            self._hand_over(first)
            return
        run, before = Run(directory), -1
        while not self._stop.is_set() and run.reader.offset != before:
            before = run.reader.offset
            run.take_blocks(BITE_BYTES)
        self._hand_over(run)

    def _fill(self, seconds: float) -> bool:
        """Read on in the long journals for a while, first in that of the run on the screen; return whether there were any."""
        focus = self.focus
        if focus in self._thinned and focus not in self._filling and focus in self._tails:
            self._thinned.discard(focus)
            self._filling[focus] = Run(self._tails[focus].dir)
            self.app.post_message(RunGrew(focus, [], self._alive[focus]))  # others may have to make room
        until = time.monotonic() + seconds
        worked = bool(self._filling)
        while self._filling and not self._stop.is_set() and not self._wake.is_set() and time.monotonic() < until:
            focus = self.focus  # read once: the interface changes it meanwhile
            name = focus if focus in self._filling else next(iter(self._filling))
            assert name is not None
            run = self._filling[name]
            before = run.reader.offset
            run.take_blocks(BITE_BYTES)
            ended = run.reader.offset == before
            room = UNSEEN_STEPS - sum(self._whole.values())
            if (
                name != self.focus
                and run.view.points > (WHOLE_STEPS if ended else 4 * WHOLE_STEPS)
                and run.view.points > room
            ):
                run.view.thin(THIN_STEPS)
            if ended:
                del self._filling[name]
                self._hand_over(run)
        return worked

    def _hand_over(self, run: Run) -> None:
        name = run.dir.name
        self._tails[name] = Tail(run.dir, run.reader, _file(run.dir.journal))
        self._alive[name] = run.alive
        self._ended[name] = run.state in FINAL and not run.alive
        if run.view.thinned and name not in self._filling:
            self._thinned.add(name)
        self.app.post_message(RunFound(run))

    def _poll(self, name: str, tail: Tail, size: int | None = None) -> None:
        size = _size(tail.dir.journal) if size is None else size
        grown = size > tail.reader.offset
        if self._ended[name] and not grown:
            return
        alive = is_held(tail.dir.lock)
        events = tail.reader.read_blocks(BITE_BYTES) if grown else []
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


def _made(run: RunDir) -> float:
    try:
        return run.path.stat().st_mtime
    except OSError:
        return 0.0


def _file(path: Path) -> int:
    """The number of a file; 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


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
