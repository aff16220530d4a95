"""Talking to a real engine service over its pipes."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.service.protocol import Answer, AnyAnswer, Drafted, Grown, Hello, Progress, Request, answer_decoder, encoder

WAIT_S = 30.0
COMMAND = [sys.executable, "-P", "-m", "engine.service"]
A = TypeVar("A", bound=Answer)


class Service:
    """A service in a process of its own. Answers are kept by the id of their request."""

    def __init__(self, command: list[str], log: Path) -> None:
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        self.log = log
        self.hello: Hello
        self._queues: dict[int, queue.Queue[AnyAnswer]] = {}
        self._lock = threading.Lock()
        self._next = 1
        self.garbage: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()
        hello = self.next(0)
        assert isinstance(hello, Hello)
        self.hello = hello

    def _queue(self, number: int) -> queue.Queue[AnyAnswer]:
        with self._lock:
            return self._queues.setdefault(number, queue.Queue())

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                answer = answer_decoder.decode(line)
            except msgspec.DecodeError:
                self.garbage.append(line)
                continue
            self._queue(answer.id).put(answer)

    def write(self, line: bytes) -> None:
        """Send a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, kind: type[Request], **fields: Any) -> int:
        """Send a request; return its id."""
        number, self._next = self._next, self._next + 1
        self.write(encoder.encode(kind(id=number, **fields)))
        return number

    def next(self, number: int, timeout: float = WAIT_S) -> AnyAnswer:
        """The next answer to a request."""
        return self._queue(number).get(timeout=timeout)

    def waiting(self, number: int) -> queue.Queue[AnyAnswer]:
        """The answers to a request that nobody has taken yet."""
        return self._queue(number)

    def final(self, number: int, kind: type[A]) -> A:
        """The last answer to a request, which is to be of this kind."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            answer = self.next(number)
            if isinstance(answer, Progress | Grown | Drafted) or getattr(answer, "complete", True) is False:
                continue
            assert isinstance(answer, kind), answer
            return answer
        raise AssertionError(f"request {number} was not answered in {WAIT_S} s")

    def ask(self, request: type[Request], answer: type[A], **fields: Any) -> A:
        """Send a request and wait for its last answer."""
        return self.final(self.send(request, **fields), answer)

    def grown(self, number: int) -> Grown:
        """The last `grown` of an `open`."""
        while True:
            answer = self.next(number)
            if isinstance(answer, Grown) and answer.complete:
                return answer


@contextmanager
def service(log: Path, command: list[str] | None = None) -> Iterator[Service]:
    """A running service, ended at the end."""
    one = Service(command or COMMAND, log)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        for pipe in (one.process.stdin, one.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
