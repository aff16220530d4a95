"""What the reading thread tells the app: messages, each handed over whole and changed by nobody but its receiver."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from engine.runs import events as e
from engine.runs.columns import StepBlock
from engine.runs.paths import RunDir
from engine.runs.store import Run


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

    def __init__(self, name: str, events: list[e.AnyEvent | StepBlock], alive: bool) -> None:
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
