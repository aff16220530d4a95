"""The only doors of the TUI to other processes: journals in, commands and headless verbs out, the clipboard."""

from tui.link.clipboard import copy
from tui.link.tail import Link, RunFound, RunGrew, RunsListed, StoryGrew, StoryNow
from tui.link.verbs import VerbError, resume_run, start_run, start_story

__all__ = [
    "Link",
    "RunFound",
    "RunGrew",
    "RunsListed",
    "StoryGrew",
    "StoryNow",
    "VerbError",
    "copy",
    "resume_run",
    "start_run",
    "start_story",
]
