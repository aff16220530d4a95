"""Several terminals on one run: stalled, quit, lost, suspended. The run goes on, and the screens are right afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.runs.journal import Journal
from tests.pty.grid import shown
from tests.pty.terminal import Terminal, options
from tests.tui import fakes

SIZE = 100, 30


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    opened: list[Terminal] = []

    def start() -> Terminal:
        terminal = Terminal(*options(tmp_path), columns=SIZE[0], rows=SIZE[1])
        opened.append(terminal)
        terminal.expect("a-1")
        terminal.type("\r")
        terminal.expect("epoch")
        return terminal

    yield start
    for terminal in opened:
        if terminal.ended is None:
            terminal.signal(signal.SIGCONT)
        terminal.close()


def _go_on(journal: Journal, clock: fakes.Clock, step: int, seconds: float) -> tuple[int, float]:
    """Ten steps a second, as a worker writes them; (the last step, the longest that an append took)."""
    longest = 0.0
    for _ in range(round(10 * seconds)):
        step += 1
        began = time.perf_counter()
        fakes.train(journal, clock, step, step)
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.1)
    return step, longest


def _screen(terminal: Terminal) -> list[str]:
    return shown(bytes(terminal.output), *SIZE)


def _settled(terminal: Terminal, step: int) -> list[str]:
    """The screen once it says this step."""
    deadline = time.monotonic() + 10
    while True:
        terminal.read(0.1)
        lines = _screen(terminal)
        if any(f" {step} / 600" in line for line in lines):
            terminal.drain(0.4, 2.0)
            return _screen(terminal)
        assert time.monotonic() < deadline, "\n".join(lines)


def test_a_stalled_reader_holds_up_nothing_and_sees_the_right_screen_afterwards(
    tmp_path: Path, watch: Callable[[], Terminal]
) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(tmp_path / "runs", "a-1", clock)
    fakes.train(journal, clock, 1, 20)
    with fakes.held(run):
        stalled, other = watch(), watch()
        step, longest = _go_on(journal, clock, 20, 2.5)  # nobody reads what `stalled` draws
        assert longest < 0.1
        other.type("\x11")
        assert other.wait() == 0
        step, longest = _go_on(journal, clock, step, 0.5)
        assert longest < 0.1
        before = _settled(stalled, step)
        stalled.type("\x0c")  # everything anew
        stalled.drain(0.5, 3.0)
        assert _screen(stalled) == before


def test_a_suspended_screen_catches_up_and_a_lost_one_ends(tmp_path: Path, watch: Callable[[], Terminal]) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(tmp_path / "runs", "a-1", clock)
    fakes.train(journal, clock, 1, 20)
    with fakes.held(run):
        suspended, lost = watch(), watch()
        suspended.signal(signal.SIGSTOP)
        master, lost.fd = lost.fd, os.dup(lost.fd)
        os.close(master)
        os.close(lost.fd)
        assert os.waitpid(lost.pid, 0)[1] == 0
        lost.ended, lost.fd = 0, os.open(os.devnull, os.O_RDONLY)
        step, _ = _go_on(journal, clock, 20, 1.0)
        suspended.signal(signal.SIGCONT)
        _settled(suspended, step)
        assert not run.commands.exists()
