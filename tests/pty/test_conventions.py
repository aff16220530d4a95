"""What only a real terminal shows: encodings, the mouse, suspending, sizes that change all the time, settings by flag."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pty.terminal import LAUNCH, Terminal, options
from tests.tui import fakes


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


class Shell(Terminal):
    """`luthier` as a job of a shell, which says so when it is stopped and takes it to the foreground again."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 30) -> None:
        command = shlex.join([sys.executable, "-c", LAUNCH, *arguments])
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", PYTHONUTF8="1")
            os.execvp("bash", ["bash", "--norc", "-mc", f"{command}; echo STOP''PED; read -r line; fg; echo EN''DED"])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = bytearray()
        self.ended: int | None = None


def test_ctrl_z_leads_to_the_shell_and_fg_back(tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    shell = Shell(*options(tmp_path))
    try:
        shell.expect("a-1")
        shell.drain()
        shell.type("\x1a")
        shell.expect("STOPPED")
        away = bytes(shell.output)
        assert away.rindex(b"\x1b[?1049l") > away.rindex(b"\x1b[?1049h"), "the shell has its own screen"
        assert away.rindex(b"\x1b[?25h") > away.rindex(b"\x1b[?25l")
        before = len(shell.output)
        shell.type("\r")
        shell.drain(0.6, 6)
        again = bytes(shell.output[before:])
        assert b"\x1b[?1049h" in again
        assert b"a-1" in again, "the whole screen is sent again"
        shell.type("q")
        shell.expect("ENDED")
    finally:
        shell.close()


@pytest.mark.parametrize("variables", [{"LANG": "C"}, {"LC_ALL": "POSIX"}])
def test_the_c_locale_gets_ascii_and_is_told(open_terminal: Open, tmp_path: Path, variables: dict[str, str]) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    env = {"LC_ALL": "", "LC_CTYPE": "", **variables}
    terminal = open_terminal(*options(tmp_path), env=env)
    terminal.expect("ASCII only")
    terminal.expect(next(iter(variables)))
    terminal.type("\x11")
    assert terminal.wait() == 0
    assert bytes(terminal.output).isascii()


def test_ascii_can_be_refused_and_wanted_in_the_settings(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    for wanted, ascii_only in (("no", False), ("yes", True)):
        env = {
            "LANG": "C" if wanted == "no" else "C.UTF-8",
            "LC_ALL": "",
            "LC_CTYPE": "",
            "LUTHIER_TERMINAL__ASCII": wanted,
        }
        terminal = open_terminal(*options(tmp_path), env=env)
        terminal.expect("a-1")
        terminal.drain()
        terminal.type("\x11")
        assert terminal.wait() == 0
        assert bytes(terminal.output).isascii() == ascii_only
        assert b"ASCII only" not in terminal.output


def test_without_the_mouse_the_terminal_keeps_it(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    for arguments, heard in ((["--no-mouse"], False), ([], True)):
        terminal = open_terminal(*options(tmp_path), *arguments)
        terminal.expect("a-1")
        terminal.type("\x11")
        assert terminal.wait() == 0
        assert (b"\x1b[?1000h" in terminal.output) == heard


def test_another_file_of_settings_and_the_flag_above_it(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    file = tmp_path / "mine.toml"
    file.write_text('theme = "spruce"\n[terminal]\nmouse = false\n[keymap]\n"app.quit" = "ctrl+x"\n')
    grounds = {"spruce": b"48;2;251;247;240", "ebony": b"48;2;14;17;22"}
    for arguments, theme in (([], "spruce"), (["--theme", "ebony"], "ebony")):
        terminal = open_terminal(*options(tmp_path), "--config", str(file), *arguments)
        terminal.expect("a-1")
        terminal.drain()
        assert grounds[theme] in terminal.output
        assert b"\x1b[?1000h" not in terminal.output
        terminal.type("\x18")
        assert terminal.wait() == 0


def test_a_storm_of_sizes_ends_at_the_last_one(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    terminal = open_terminal(*options(tmp_path))
    terminal.expect("a-1")
    for step in range(40):
        columns, rows = (30 + 7 * step % 170, 5 + 3 * step % 50) if step < 39 else (90, 28)
        fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(terminal.pid, signal.SIGWINCH)
        terminal.read(0.01)
    deadline, last = time.monotonic() + 12, 0
    while last != 28:
        assert time.monotonic() < deadline, f"the last size is not the one that is drawn: {last} lines"
        terminal.drain(0.3, 3)
        before = len(terminal.output)
        terminal.type("\x0c")
        terminal.drain(0.3, 3)
        sent = bytes(terminal.output[before:])
        last = max((int(line) for line in re.findall(rb"\x1b\[(\d+);\d+H", sent)), default=0)
    assert b"a-1" in sent
    terminal.type("\x11")
    assert terminal.wait() == 0


def test_text_that_is_pasted_with_a_line_break_is_not_run(open_terminal: Open, tmp_path: Path) -> None:
    fakes.whole_run(tmp_path / "runs", "a-1", 24)
    terminal = open_terminal(*options(tmp_path))
    terminal.expect("a-1")
    terminal.type(":")
    terminal.expect("command; tab completes")
    terminal.type("\x1b[200~quit\nquit\n\x1b[201~")
    terminal.expect("quit quit")
    time.sleep(0.2)
    terminal.drain()
    assert terminal.ended is None
    assert os.waitpid(terminal.pid, os.WNOHANG) == (0, 0), "nothing was run"
    terminal.type("\x11")
    assert terminal.wait() == 0
