"""The engine service's other end: starts it, asks it, hears it, and starts it again when it dies.

Two threads stand between the pipes and the interface. One writes what is asked, so that a service that does not read cannot
hold up a key; the other reads, and posts one message for all answers that came together. The app hands those to `accept`:
everything else here runs in the interface's own thread. Invariant: whoever asked gets one answer or one error, also when
the service dies.
"""

from __future__ import annotations

import asyncio
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec
from textual.app import App

from engine.errors import LuthierError
from engine.runs.launcher import worker_environment
from engine.service import protocol as p
from tui.link.heard import Answered, ServiceEnded

BITE_BYTES = 1 << 16
MOST_CRASHES, CRASH_WINDOW_S = 3, 60.0
GRACE_S = 1.0
_LOG_BYTES = 1 << 20

OnPart = Callable[[p.AnyAnswer], None]


class ServiceError(LuthierError):
    """The service could not do what was asked; its text is what it said."""


class ServiceGoneError(ServiceError):
    """The service ended before it answered."""


class ServiceCancelledError(ServiceError):
    """The request was ended early, by us."""


def command() -> list[str]:
    """The command that starts the service. -P: a folder called `engine` where one stands must not be taken for ours."""
    return [sys.executable, "-P", "-m", "engine.service"]


def is_final(answer: p.AnyAnswer) -> bool:
    """Whether nothing more of its request is to come, save `grown`."""
    match answer:
        case p.Hello() | p.Grown() | p.Progress() | p.Drafted():
            return False
        case p.Matched() | p.Examined() | p.Measured():
            return answer.complete
        case p.Planned():
            return answer.final
    return True


class Service:
    """The process and what was asked of it."""

    def __init__(self, app: App[Any], log: Path, start_with: Sequence[str] = ()) -> None:
        self.app = app
        self.log = log
        self.state: Literal["idle", "working", "gone"] = "idle"
        self.reason = ""
        """Why it is gone."""
        self.hello: p.Hello | None = None
        self._command = list(start_with) or command()
        self._process: subprocess.Popen[bytes] | None = None
        self._generation = 0
        self._last_id = 0
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting: dict[int, tuple[asyncio.Future[p.AnyAnswer], OnPart | None]] = {}
        self._hearing: dict[int, OnPart] = {}
        self._crashes: list[float] = []
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The process that works now."""
        return self._process.pid if self._process else None

    # Asking

    async def ask(self, request: p.AnyRequest, on_part: OnPart | None = None) -> p.AnyAnswer:
        """Send a request, wait, and return its final answer; `on_part` gets what comes before, and `grown` after.

        The request's `id` is set here. Raises ServiceError with what the service said, ServiceGoneError when it ended
        before. A task that is cancelled while it waits cancels the request.
        """
        self.start()
        self._last_id += 1
        request.id = number = self._last_id
        future: asyncio.Future[p.AnyAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, on_part)
        self._send(request)
        try:
            answer = await future
        except asyncio.CancelledError:
            self.cancel(number)
            if number in self._waiting:  # its last answer is waited for, but nobody hears it
                self._waiting[number] = (future, None)
            raise
        match answer:
            case p.Failed():
                raise ServiceError(answer.message + (f" The trace is in {self.log}." if answer.bug else ""))
            case p.Cancelled():
                raise ServiceCancelledError("It was ended early.")
        return answer

    def cancel(self, number: int) -> None:
        """Have a request ended early; its last answer still comes."""
        if number in self._waiting and self.state == "working":
            self._last_id += 1
            self._send(p.Cancel(id=self._last_id, target=number))

    def deafen(self, number: int) -> None:
        """Hear nothing more of a request that was answered."""
        self._hearing.pop(number, None)

    def _send(self, request: p.AnyRequest) -> None:
        self._outbox.put(p.encoder.encode(request) + b"\n")

    # Life

    def start(self) -> None:
        """Have a process. Raises ServiceGoneError where there is none to be had any more."""
        if self.state == "gone":
            raise ServiceGoneError(self.reason)
        if self._process is not None:
            return
        self._generation += 1
        self._outbox = queue.SimpleQueue()
        try:
            with self._open_log() as log:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    process_group=0,
                    env=worker_environment(),
                )
        except OSError as error:
            self.state, self.reason = "gone", f"The engine service cannot be started: {error.strerror or error}."
            raise ServiceGoneError(self.reason) from error
        self._process, self.state = process, "working"
        assert process.stdin is not None
        assert process.stdout is not None
        threads = (
            threading.Thread(target=_write, args=(process.stdin, self._outbox), daemon=True, name="service-in"),
            threading.Thread(target=self._read, args=(process, self._generation), daemon=True, name="service-out"),
        )
        for thread in threads:
            thread.start()

    def revive(self) -> None:
        """Try again after it was given up: somebody asks for it."""
        if self.state == "gone" and not self._closing:
            self.state, self.reason = "idle", ""
            self._crashes.clear()

    def _open_log(self) -> BinaryIO:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            if self.log.stat().st_size > _LOG_BYTES:
                os.replace(self.log, self.log.with_suffix(".old.log"))
        return self.log.open("ab")

    def _read(self, process: subprocess.Popen[bytes], generation: int) -> None:
        """The thread that hears. Posts messages and touches nothing else."""
        assert process.stdout is not None
        rest = b""
        while bite := os.read(process.stdout.fileno(), BITE_BYTES):
            *lines, rest = (rest + bite).split(b"\n")
            answers = [answer for line in lines if (answer := _decoded(line)) is not None]
            if answers:
                self.app.post_message(Answered(generation, answers))
        process.stdout.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        if process.poll() is None:  # it closed its output and lives on: of no use to anybody
            process.kill()
            process.wait()
        self.app.post_message(ServiceEnded(generation, process.returncode))

    async def close(self) -> None:
        """End it: close its input, and after a second do more."""
        self._closing = True
        process, self._process = self._process, None
        if process is None:
            return
        self._outbox.put(None)
        steps: tuple[Callable[[], None] | None, ...] = (None, process.terminate, process.kill)
        for step in steps:
            if step is not None:
                step()
            deadline = time.monotonic() + GRACE_S
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            if process.poll() is not None:
                break
        self.state, self.reason = "gone", "Luthier is being closed."
        self._fail_all(ServiceGoneError(self.reason))

    # Hearing

    def accept(self, message: Answered) -> None:
        """Hand answers to those who asked."""
        if message.generation != self._generation:
            return
        for answer in message.answers:
            match answer:
                case p.Hello():
                    self._greet(answer)
                case p.Grown():
                    self._part(answer)
                    if answer.complete:
                        self._hearing.pop(answer.id, None)
                case _ if is_final(answer):
                    self._answer(answer)
                case _:
                    self._part(answer)

    def _greet(self, hello: p.Hello) -> None:
        self.hello = hello
        if hello.protocol != p.PROTOCOL:
            self._give_up(
                f"The engine service speaks protocol {hello.protocol}, these screens {p.PROTOCOL}: two versions of "
                "Luthier are mixed here. Install it anew, then start it again."
            )

    def _part(self, answer: p.AnyAnswer) -> None:
        waiting = self._waiting.get(answer.id)
        on_part = waiting[1] if waiting else self._hearing.get(answer.id)
        if on_part is not None:
            on_part(answer)

    def _answer(self, answer: p.AnyAnswer) -> None:
        future, on_part = self._waiting.pop(answer.id, (None, None))
        if on_part is not None and isinstance(answer, p.Opened):
            self._hearing[answer.id] = on_part
        if future is not None and not future.done():
            future.set_result(answer)

    def ended(self, message: ServiceEnded) -> str:
        """Take note of the end of the process; return what to tell the user, or nothing."""
        if message.generation != self._generation or self._closing or self.state == "gone":
            return ""
        self._process, self.state, self.hello = None, "idle", None
        self._outbox.put(None)
        now = time.monotonic()
        self._crashes = [t for t in self._crashes if now - t < CRASH_WINDOW_S] + [now]
        what = f"The engine service ended ({_how(message.code)})."
        if len(self._crashes) >= MOST_CRASHES:
            text = (
                f"{what} That was {MOST_CRASHES} times within a minute: it is not started again. Its log is {self.log}."
            )
            self._give_up(text)
            return text
        self._fail_all(ServiceGoneError(what))
        return f"{what} It is started again."

    def _give_up(self, reason: str) -> None:
        self.state, self.reason = "gone", reason
        process, self._process = self._process, None
        self._outbox.put(None)
        if process is not None:
            process.terminate()
        self._fail_all(ServiceGoneError(reason))

    def _fail_all(self, error: ServiceGoneError) -> None:
        waiting, self._waiting = self._waiting, {}
        self._hearing.clear()
        for future, _ in waiting.values():
            if not future.done():
                future.set_exception(error)


def _write(pipe: BinaryIO, outbox: queue.SimpleQueue[bytes | None]) -> None:
    """The thread that speaks; it ends with the pipe or with a None."""
    with suppress(OSError, ValueError):
        while (line := outbox.get()) is not None:
            pipe.write(line)
            pipe.flush()
    with suppress(OSError):
        pipe.close()


def _decoded(line: bytes) -> p.AnyAnswer | None:
    """An answer; None for a line of another kind, which an older program passes over."""
    try:
        return p.answer_decoder.decode(line) if line else None
    except msgspec.DecodeError:
        return None


def _how(code: int | None) -> str:
    if code is None:
        return "it closed its output"
    return f"signal {-code}" if code < 0 else f"code {code}"
