"""The two pipes of the service: requests come in line by line, answers go out whole.

Owns the process's stdin and stdout. Whatever else is printed by anybody goes to stderr, and nobody else can read a request.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from engine.service.protocol import Answer, encoder

LINE_LIMIT = 64 << 20
"""Bytes of a request at most; a filter by row numbers is the longest."""
_READ = 1 << 16


class Channel:
    """Reads requests from one thread, writes answers from any."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._writing = threading.Lock()
        self._broken = False
        self._woken_fd, self.wake_fd = os.pipe()
        """A byte in `wake_fd` ends `lines`. A signal may arrive just before a read begins, and would not interrupt it."""
        os.set_blocking(self.wake_fd, False)

    def lines(self) -> Iterator[bytes | None]:
        """Requests as they come, without their newline; None for one over `LINE_LIMIT`. Ends when stdin closes, or at `stop`."""
        held = bytearray()
        skipping = False
        while piece := self._read():
            searched = len(held)
            held += piece
            while (end := held.find(b"\n", searched)) >= 0:
                line = bytes(held[:end])
                del held[: end + 1]
                searched = 0
                if not skipping and line.strip():
                    yield line
                skipping = False
            if len(held) > LINE_LIMIT:
                if not skipping:
                    yield None
                held.clear()
                skipping = True
        if held.strip() and not skipping:
            yield bytes(held)

    def send(self, answer: Answer) -> None:
        """Write one answer as one line. When nobody reads any more, `lines` ends."""
        data = memoryview(_encode(answer) + b"\n")
        with self._writing:
            if self._broken:
                return
            try:
                while data:
                    data = data[os.write(self._write_fd, data) :]
            except OSError:
                self._broken = True
                self.stop()

    def stop(self) -> None:
        """End `lines` as if stdin had closed; from any thread."""
        with suppress(BlockingIOError):  # it is full: somebody was quicker
            os.write(self.wake_fd, b"\0")

    def _read(self) -> bytes:
        """What comes next, or nothing at the end."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        poll.register(self._woken_fd, select.POLLIN)
        woken = any(fd == self._woken_fd for fd, _ in poll.poll())
        return b"" if woken else os.read(self._read_fd, _READ)


def claim_stdio() -> Channel:
    """Take stdin and stdout for the protocol; from here on, file descriptor 0 is empty and 1 is stderr."""
    read_fd, write_fd = os.dup(0), os.dup(1)
    null_fd = os.open(os.devnull, os.O_RDWR)
    os.dup2(null_fd, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr
        os.dup2(null_fd, 1)
    os.close(null_fd)
    if sys.stderr is not None:
        sys.stdout = sys.stderr
    return Channel(read_fd, write_fd)


def _encode(answer: Answer) -> bytes:
    try:
        return encoder.encode(answer)
    except UnicodeEncodeError:  # half of a surrogate pair, in the name of a file for example
        text = json.dumps(msgspec.to_builtins(answer), ensure_ascii=False, default=str)
        return text.encode("utf-8", "replace")
