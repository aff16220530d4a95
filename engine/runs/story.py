"""The demo's story, folded from its own journal: chapters, answers, the score.

The demo writes `story.jsonl` in the starter's folder as a run writes its journal, so the TUI can be closed and opened
while it is told.
"""

from __future__ import annotations

from pathlib import Path

from engine.runs import events as e
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held

STORY_FILE = "story.jsonl"
LOCK_FILE = "story.lock"


class Story:
    """What has been told so far; `refresh` reads on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = JournalReader(folder / STORY_FILE)
        self.chapters: list[e.Chapter] = []
        self.answers: list[e.Answer] = []
        self.score: e.Score | None = None
        self.finished: e.Finished | None = None
        self.alive = False

    def refresh(self) -> bool:
        """Read what is new; return whether anything changed."""
        alive = is_held(self.folder / LOCK_FILE)
        events = self.reader.read()
        for event in events:
            match event:
                case e.Hello():  # told anew
                    self.chapters, self.answers, self.score, self.finished = [], [], None, None
                case e.Chapter():
                    self.chapters.append(event)
                case e.Answer():
                    self.answers.append(event)
                case e.Score():
                    self.score = event
                case e.Finished():
                    self.finished = event
                case _:
                    pass
        changed = bool(events) or alive != self.alive
        self.alive = alive
        return changed

    @property
    def run(self) -> str | None:
        """The run that the newest chapter speaks of."""
        return next((c.run for c in reversed(self.chapters) if c.run), None)
