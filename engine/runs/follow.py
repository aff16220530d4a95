"""Following a run to its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.runs.events import AnyEvent
from engine.runs.store import FINAL, Run

POLL_S = 0.1


def follow(run: Run, on_event: Callable[[AnyEvent], None], poll_s: float = POLL_S) -> Run:
    """Hand every event of `run` to `on_event`, those that are there and those that come, until it is final; return it."""
    while True:
        events = run.take()
        for event in events:
            on_event(event)
        if not events:
            if run.state in FINAL and not run.alive:
                return run
            time.sleep(poll_s)
