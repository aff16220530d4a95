"""Requests under way: each ends with exactly one final answer, and long ones step aside for quick ones.

A `Job` is the only way for a handler to speak. Once it has ended, by its answer or by `cancel`, whatever its thread still
says is dropped; so a cancelled request is answered at once, wherever its thread happens to be.
"""

from __future__ import annotations

import threading
import time

from engine.service.protocol import Answer, Cancelled, Progress
from engine.service.wire import Channel

PROGRESS_S = 0.2
"""At least so much time lies between two reports of one request."""
_STEP_S = 0.001
_PATIENCE_S = 0.05
"""A long request waits for quick ones so long at most, then does a further piece: neither ever starves."""


class Ended(Exception):  # noqa: N818 - nothing went wrong
    """The request was cancelled, or its source closed: the thread is to end."""


class Pace:
    """Lets quick requests pass before long ones. Python runs one thread at a time; who waits is not asked."""

    def __init__(self) -> None:
        self._waiting = 0
        self._lock = threading.Lock()

    def arrive(self) -> None:
        """A quick request is there."""
        with self._lock:
            self._waiting += 1

    def leave(self) -> None:
        """It was answered."""
        with self._lock:
            self._waiting -= 1

    def breathe(self) -> None:
        """Called by long requests between pieces of some milliseconds."""
        if not self._waiting:
            return
        until = time.monotonic() + _PATIENCE_S
        while self._waiting and time.monotonic() < until:
            time.sleep(_STEP_S)


class Job:
    """One request under way."""

    def __init__(self, request_id: int, channel: Channel, pace: Pace) -> None:
        self.id = request_id
        self.kind = ""
        self.source = 0
        """What it works on, for long ones; 0 for none."""
        self.pace = pace
        self._channel = channel
        self._lock = threading.Lock()
        self._over = False
        self._cancelled = False
        self._reported = 0.0

    @property
    def over(self) -> bool:
        """Whether the final answer was given."""
        return self._over

    def say(self, answer: Answer) -> None:
        """Give an answer that is not the final one."""
        answer.id = self.id
        with self._lock:
            if not self._over:
                self._channel.send(answer)

    def end(self, answer: Answer) -> bool:
        """Give the final answer; False when there was one already."""
        answer.id = self.id
        with self._lock:
            if self._over:
                return False
            self._over = True
            self._channel.send(answer)
            return True

    def cancel(self) -> bool:
        """End it early; False when it had ended before."""
        self._cancelled = True
        return self.end(Cancelled())

    def check(self) -> None:
        """Called by long requests between pieces of work, at least every 50 ms. Raises Ended."""
        if self._cancelled:
            raise Ended
        self.pace.breathe()

    def due(self) -> bool:
        """Whether it is time for a further report: five a second at most."""
        now = time.monotonic()
        if now - self._reported < PROGRESS_S:
            return False
        self._reported = now
        return True

    def progress(self, name: str, done: int, total: int) -> None:
        """Report how far the work is, when it is due."""
        if self.due():
            self.say(Progress(name=name, done=done, total=total))


class Jobs:
    """All requests under way."""

    def __init__(self, channel: Channel) -> None:
        self.pace = Pace()
        self._channel = channel
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def begin(self, request_id: int) -> Job | None:
        """A new request; None when its id is in use."""
        job = Job(request_id, self._channel, self.pace)
        with self._lock:
            if request_id in self._jobs:
                return None
            self._jobs[request_id] = job
        return job

    def claim(self, job: Job, kind: str, source: int, *, alone: bool = True) -> None:
        """Say what a long request does. Where it is to be alone, the one before of its kind on this source is cancelled.

        Which came before is decided by the order of the requests, not by which thread got here first. Raises Ended when a
        later one is at work already.
        """
        with self._lock:
            job.kind, job.source = kind, source
            same = [other for other in self._jobs.values() if (other.kind, other.source) == (kind, source)]
        place = same.index(job) if job in same else len(same)
        for other in same[:place] if alone else ():
            other.cancel()
        if alone and same[place + 1 :]:
            job.cancel()
            raise Ended

    def cancel(self, request_id: int) -> bool:
        """Cancel a request; False when there is none of that id, or it had ended."""
        with self._lock:
            job = self._jobs.get(request_id)
        return job is not None and job.cancel()

    def cancel_source(self, source: int, kind: str = "") -> None:
        """Cancel what works on a source; of one kind only, where one is given."""
        for job in self._all():
            if job.source == source and kind in ("", job.kind):
                job.cancel()

    def at_work(self, kind: str, source: int) -> bool:
        """Whether something of a kind works on a source."""
        return any((job.kind, job.source) == (kind, source) and not job.over for job in self._all())

    def cancel_all(self) -> None:
        """Cancel everything."""
        for job in self._all():
            job.cancel()

    def forget(self, job: Job) -> None:
        """Its thread has ended."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def _all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def __len__(self) -> int:
        """Requests whose threads have not ended."""
        return len(self._jobs)
