"""The planner of a service: a process of its own, which has the libraries that a plan needs.

A plan needs torch and peft: seconds of importing, half a GB, and traces that hold the interpreter. Rows are to be browsed
meanwhile, so all of it happens elsewhere. The process is started by the first plan that is asked for, and ends with the service,
after a quarter of an hour without a question, or by a crash; the next question starts another.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from engine.errors import ResourceError
from engine.plan_talk import Drop, MaskBytes, Question, Reply, Sequences, read, reply_decoder, write

COMMAND = (sys.executable, "-P", "-m", "engine.plan")
_KEPT = 6
"""Sequences that the process surely still has."""
_MALLOC = {"MALLOC_ARENA_MAX": "2", "OMP_WAIT_POLICY": "passive"}


class Planner:
    """The process, and who waits for it."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[subprocess.Popen[bytes], queue.SimpleQueue[Reply | None]]] = {}
        """Who waits for an answer, and of which process."""
        self._sent: list[int] = []
        self._next = 1
        self.warm = False
        """Whether it has answered: its libraries are loaded."""

    @property
    def pid(self) -> int | None:
        """The process, where one lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Have a process, whose libraries load meanwhile. Raises ResourceError."""
        with self._lock:
            self._running()

    @contextmanager
    def asked(
        self, question: Question, sequences: dict[int, MaskBytes], check: Callable[[], None] = lambda: None
    ) -> Iterator[queue.SimpleQueue[Reply | None]]:
        """Ask, and hear the replies; None among them: the process ended. Leaving early ends the question.

        `check` is called just before the question is sent, in the order of sending, and may raise: what a newer question ended
        must not come after it. Raises ResourceError.
        """
        with self._lock:
            check()
            process = self._running()
            question.id, self._next = self._next, self._next + 1
            replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
            self._waiting[question.id] = process, replies
            assert process.stdin is not None
            try:
                for key, masks in sequences.items():
                    if key not in self._sent:
                        write(process.stdin, Sequences(key, masks))  # type: ignore[arg-type]
                        self._sent = [*self._sent, key][-_KEPT:]
                write(process.stdin, question)  # type: ignore[arg-type]
            except OSError:
                replies.put(None)
        try:
            yield replies
        finally:
            with self._lock:
                if self._waiting.pop(question.id, None) is not None and process is self._process:
                    with suppress(OSError):
                        write(process.stdin, Drop(question.id))  # type: ignore[arg-type]

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**_MALLOC, **os.environ}
            )
        except OSError as error:
            raise ResourceError(f"The planner cannot be started: {error.strerror or error}.") from error
        self._process, self._sent, self.warm = process, [], False
        threading.Thread(target=self._hear, args=(process,), daemon=True).start()
        return process

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        while (message := read(process.stdout)) is not None:  # type: ignore[arg-type]
            try:
                reply = reply_decoder.decode(message)
            except msgspec.DecodeError:  # what follows cannot be told apart any more
                process.kill()
                break
            self.warm = True
            with self._lock:
                waiting = self._waiting.get(reply.id)
                if reply.final:
                    self._waiting.pop(reply.id, None)
            if waiting is not None:
                waiting[1].put(reply)
        process.wait()
        with self._lock:
            for asked, replies in self._waiting.values():
                if asked is process:  # another one may have been started by now
                    replies.put(None)
