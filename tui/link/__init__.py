"""The only doors of the TUI to other processes: journals in, commands and headless verbs out, the clipboard."""

from tui.link.clipboard import copy
from tui.link.news import RunFound, RunGrew, RunsListed, StoryGrew, StoryNow
from tui.link.tail import Link
from tui.link.verbs import VerbError, queue_run, resume_run, start_run, start_story

__all__ = [
    "Link",
    "RunFound",
    "RunGrew",
    "RunsListed",
    "StoryGrew",
    "StoryNow",
    "VerbError",
    "copy",
    "queue_run",
    "resume_run",
    "start_run",
    "start_story",
]
