"""A service without a process: requests go to the handlers, answers are kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeVar

from engine.service.handlers import LONG, QUICK
from engine.service.jobs import Jobs
from engine.service.protocol import Answer, Open, Opened, Request
from engine.service.sources import Source, Sources
from engine.service.wire import Channel

A = TypeVar("A", bound=Answer)


class Kept(Channel):
    """A channel that nobody listens to."""

    def __init__(self) -> None:
        self.said: list[Answer] = []

    def send(self, answer: Answer) -> None:
        self.said.append(answer)


class Talk:
    """Asks, and returns the final answer."""

    def __init__(self) -> None:
        self.channel = Kept()
        self.jobs = Jobs(self.channel)
        self.sources = Sources(self.channel, self.jobs.pace)
        self._next = 1

    def ask(self, kind: type[Request], answer: type[A], **fields: Any) -> A:
        """Raises what the handler raises."""
        request, self._next = kind(id=self._next, **fields), self._next + 1
        job = self.jobs.begin(request.id)
        assert job is not None
        try:
            found = {**QUICK, **LONG}[kind](self.sources, self.jobs, request, job)
        finally:
            self.jobs.forget(job)
        found = found or next(said for said in self.channel.said if said.id == request.id)
        assert isinstance(found, answer), found
        return found

    def open(self, path: Path, **keys: Any) -> Source:
        """Open a file, all of it."""
        opened = self.ask(Open, Opened, section={"path": str(path), **keys})
        return self.sources.get(opened.source)


def until(true: Any, seconds: float = 10.0) -> None:
    """Wait until `true()` holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
