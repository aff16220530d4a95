"""A real pseudo-terminal for tests: starts the console script in it, types, reads, and ends it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

LAUNCH = "from tui.entry import main; main()"


class Terminal:
    """`luthier` with some arguments in a pty of a given size."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 30, env: dict[str, str] | None = None) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", PYTHONUTF8="1")
            os.environ.pop("TMUX", None)
            os.environ.update(env or {})
            os.execv(sys.executable, [sys.executable, "-c", LAUNCH, *arguments])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = bytearray()
        self.ended: int | None = None

    def read(self, seconds: float) -> bool:
        """Read for at most `seconds`; return whether the other side is still there."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += data
        return bool(data)

    def expect(self, text: str, seconds: float = 15.0) -> None:
        """Read until `text` has come; it must not be split by a change of colour."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.output:
            assert time.monotonic() < deadline, f"{text!r} never came: ...{bytes(self.output[-2000:])!r}"
            if not self.read(0.05):
                assert text.encode() in self.output, f"it ended without {text!r}: {bytes(self.output[-2000:])!r}"

    def drain(self, quiet: float = 0.3, most: float = 5.0) -> int:
        """Read until nothing came for `quiet` seconds; return the number of bytes."""
        before, last, end = len(self.output), time.monotonic(), time.monotonic() + most
        while time.monotonic() < end and time.monotonic() - last < quiet:
            size = len(self.output)
            if not self.read(0.02):
                break
            if len(self.output) > size:
                last = time.monotonic()
        return len(self.output) - before

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 10.0) -> int:
        """Wait for the end; return the exit code, or minus the signal that ended it."""
        deadline = time.monotonic() + seconds
        while self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError("it did not end")
            else:
                self.read(0.02)
        self.drain(0.05, 0.5)
        return self.ended

    def close(self) -> None:
        """End it if it has not ended."""
        if self.ended is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def modes(self) -> list[int]:
        """The terminal's own settings."""
        return [flag for flag in termios.tcgetattr(self.fd)[:4] if isinstance(flag, int)]


def options(tmp_path: Path) -> list[str]:
    """Folders of the test's own."""
    return ["--runs-dir", str(tmp_path / "runs"), "--starter-dir", str(tmp_path / "starter")]
