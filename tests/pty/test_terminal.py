"""The TUI in a real terminal: it starts, it is still, it leaves the terminal as it was, and lets nothing through."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pty.terminal import LAUNCH, Terminal, options
from tests.tui import fakes, hostile

SEQUENCES = re.compile(
    rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1bP[^\x1b]*\x1b\\|\x1b\[[0-9:;<=>?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]"
)
OWN = re.compile(
    rb"\x1b\[[0-9;]*m|\x1b\[[0-9;]*H|\x1b\[\?[0-9;]*[hl]|\x1b\[\?2026\$p|\x1b\[\?2048\$p|\x1b\[[<>][0-9]*u"
    rb"|\x1b\]22;default\x07"
)
"""What the program itself may send."""


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str, **named: object) -> Terminal:
        opened.append(Terminal(*arguments, **named))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


Open = Callable[..., Terminal]


def test_it_starts_is_still_and_leaves_no_trace(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 40)
    terminal = open_terminal(*options(tmp_path))
    before = terminal.modes()
    terminal.expect("a-1")
    terminal.drain()
    assert terminal.drain(quiet=1.2, most=1.2) == 0, "nothing is sent while nothing happens"
    terminal.type("q")
    assert terminal.wait() == 0
    assert terminal.output.rindex(b"\x1b[?1049l") > terminal.output.rindex(b"\x1b[?1049h")
    assert terminal.output.rindex(b"\x1b[?25h") > terminal.output.rindex(b"\x1b[?25l")
    for mode in (b"1000", b"1003", b"1006", b"2004", b"1004"):
        assert terminal.output.rindex(b"\x1b[?" + mode + b"l") > terminal.output.rindex(b"\x1b[?" + mode + b"h")
    assert terminal.modes() == before


def test_quitting_says_which_run_goes_on(open_terminal: Open, tmp_path: Path) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(tmp_path / "runs", "a-1", clock)
    fakes.train(journal, clock, 1, 12)
    with fakes.held(run):
        terminal = open_terminal(*options(tmp_path))
        terminal.expect("running")
        terminal.type("q")
        assert terminal.wait() == 0
        last = bytes(terminal.output[terminal.output.rindex(b"\x1b[?1049l") :])
        assert b"The run goes on. `luthier watch a-1` or `luthier` shows it again." in last


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_it_and_touches_no_run(open_terminal: Open, tmp_path: Path, number: signal.Signals) -> None:
    clock = fakes.Clock(time.time())
    run, journal = fakes.begin(tmp_path / "runs", "a-1", clock)
    fakes.train(journal, clock, 1, 12)
    with fakes.held(run):
        terminal = open_terminal(*options(tmp_path))
        terminal.expect("running")
        before = terminal.modes()
        terminal.signal(number)
        assert terminal.wait(5) == 0
        assert b"\x1b[?1049l" in terminal.output
        assert terminal.modes() != before
        assert not run.commands.exists()


def test_a_terminal_that_goes_away_does_not_leave_it_behind(tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 12)
    terminal = Terminal(*options(tmp_path))
    terminal.expect("a-1")
    os.close(terminal.fd)
    deadline = time.monotonic() + 6
    while not os.waitpid(terminal.pid, os.WNOHANG)[0]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("arguments", [[], ["--ascii"]])
def test_hostile_journals_leak_nothing(open_terminal: Open, tmp_path: Path, arguments: list[str]) -> None:
    hostile.fill(tmp_path / "runs", tmp_path / "starter")
    terminal = open_terminal(*options(tmp_path), *arguments, columns=140, rows=40)
    terminal.expect("failed")
    for keys in ("\r", "l", "\x1b", "\x1b", "9", "?", "q", "1"):
        terminal.type(keys)
        terminal.drain()
    terminal.type("q")
    assert terminal.wait() == 0
    sent = bytes(terminal.output)
    strange = {s for s in SEQUENCES.findall(sent) if not OWN.fullmatch(s)}
    assert strange == set()
    rest = SEQUENCES.sub(b"", sent).replace(b"\r\n", b"")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", rest.replace(b"\n", b"").replace(b"\r", b""))
    text = rest.decode()
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", text)
    assert hostile.LITERAL in text
    if arguments:
        assert text.isascii()


def test_no_color(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 40)
    terminal = open_terminal(*options(tmp_path), env={"NO_COLOR": "1"})
    terminal.expect("a-1")
    terminal.type("\r")
    terminal.drain()
    terminal.type("qq")
    assert terminal.wait() == 0
    for colors in re.findall(rb"38;2;(\d+);(\d+);(\d+)", bytes(terminal.output)):
        assert len(set(colors)) == 1, "greys only"


def headless(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LAUNCH, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=60,
    )


def test_without_a_terminal_it_points_to_the_verbs() -> None:
    done = headless()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "the input is no terminal" in done.stderr
    assert "luthier train RUN.toml" in done.stderr


def test_a_dumb_terminal_is_refused(open_terminal: Open) -> None:
    terminal = open_terminal(env={"TERM": "dumb"})
    assert terminal.wait() == 2
    assert b"TERM is dumb" in terminal.output
    assert b"\x1b" not in terminal.output


def test_another_encoding_gets_ascii(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 40)
    terminal = open_terminal(*options(tmp_path), env={"PYTHONIOENCODING": "latin-1"})
    terminal.expect("a-1")
    terminal.type("\r")
    terminal.drain()
    terminal.type("qq")
    assert terminal.wait() == 0
    assert bytes(terminal.output).isascii()


def test_sizes_in_the_environment_are_not_believed(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal(*options(tmp_path), env={"COLUMNS": "20", "LINES": "5"})
    terminal.expect("Fine-tune a language model from here.")
