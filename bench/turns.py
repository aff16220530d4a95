"""Processes that take turns, a step each: noise of the machine meets all of them alike.

Each asks over a socket before it begins a step and waits until it is let go; what it does from then until it asks again is the
step, batch, journal and all. Only one works at a time. Wall-clock and processor time are taken here, for all in one way.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

READY, GO = b"r", b"g"
LOADING_S = 900.0
"""Longest that a process may take until its first step, or for a step."""
LOOK_S = 1.0
"""How often it is looked whether a process that has not asked yet is still there."""


@dataclass
class Seat:
    """One process, and what its steps took."""

    name: str
    address: Path
    listener: socket.socket
    pid: int = 0
    connection: socket.socket | None = None
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def wait(self) -> bool:
        """Wait until it asks for a step; False when it has none left."""
        deadline = time.monotonic() + LOADING_S
        while self.connection is None and time.monotonic() < deadline:
            try:
                self.connection, _ = self.listener.accept()
                self.connection.settimeout(LOADING_S)
            except TimeoutError:
                if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                    return False  # it ended before its first step; who asks for its figures will say why
        if self.connection is None:
            raise TimeoutError
        return self.connection.recv(1) == READY

    def step(self) -> bool:
        """Let it do a step; False when it was its last."""
        assert self.connection is not None
        process = psutil.Process(self.pid)
        used, began = _cpu_s(process), time.perf_counter()
        self.connection.sendall(GO)
        more = self.wait()
        self.seconds.append(time.perf_counter() - began)
        if more:
            self.cpu_s.append(_cpu_s(process) - used)
        return more


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def seat(name: str, folder: Path) -> Seat:
    """A place for one process; `address` is given to it."""
    address = folder / f"{name}.socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(address))
    listener.listen(1)
    listener.settimeout(LOOK_S)
    return Seat(name, address, listener)


def take_turns(seats: Sequence[Seat]) -> None:
    """Let all do their steps, one after the other, until none has any left. Ends the program when one falls silent."""
    try:
        waiting = [one for one in seats if one.wait()]
        while waiting:
            waiting = [one for one in waiting if one.step()]
    except TimeoutError:
        sys.exit("a contestant fell silent")


class Turn:
    """The other side, in the process that works."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)

    def wait(self) -> None:
        """Ask for a step and wait until it is let go."""
        self._socket.sendall(READY)
        self._socket.recv(1)

    def leave(self) -> None:
        """No step is left."""
        self._socket.close()
