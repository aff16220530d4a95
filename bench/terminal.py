"""A terminal that counts: a program behind a pseudo-terminal, what it sends, how fast it answers, what it takes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """One program. Times are seconds since it was started."""

    def __init__(self, command: Sequence[str], columns: int, rows: int, environment: Mapping[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **environment})
            os.environ.pop("TMUX", None)
            os.execvp(command[0], list(command))
        self.began = time.perf_counter()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = bytearray()
        self.last = 0.0
        """When something was sent last."""

    @property
    def now(self) -> float:
        """The time."""
        return time.perf_counter() - self.began

    def read(self, seconds: float) -> bytes | None:
        """Wait so long for output; b"" for none, None when the program has ended."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return None
        if not data:
            return None
        self.last = self.now
        if b"\x1b[?2026$p" in data:
            os.write(self.fd, b"\x1b[?2026;2$y")
        self.output += data
        return data

    def run(self, seconds: float) -> int:
        """Let it work for a while; return how many bytes it sent."""
        until, count = time.perf_counter() + seconds, len(self.output)
        while (left := until - time.perf_counter()) > 0 and self.read(left) is not None:
            pass
        return len(self.output) - count

    def until_quiet(self, quiet: float, limit: float = 30.0) -> float:
        """Wait until nothing came for `quiet` seconds; return when the last came."""
        until = time.perf_counter() + limit
        while time.perf_counter() < until and self.read(0.02) is not None and self.now - self.last < quiet:
            pass
        return self.last

    def until(self, *wanted: bytes, limit: float = 30.0) -> float:
        """Wait until one of these was sent from now on; return when. Raises TimeoutError."""
        start, until = len(self.output), time.perf_counter() + limit
        while time.perf_counter() < until:
            if any(one in self.output[start:] for one in wanted):
                return self.now
            if self.read(0.005) is None:
                break
        raise TimeoutError(f"{wanted!r} was not sent")

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self.fd, keys)

    def answer(self, key: bytes, limit: float = 1.0) -> float | None:
        """Press a key; return the seconds until something is sent, None for nothing."""
        self.run(0.001)
        self.press(key)
        pressed = time.perf_counter()
        while time.perf_counter() - pressed < limit:
            if self.read(0.002):
                return time.perf_counter() - pressed
        return None

    def cpu_s(self) -> float:
        """Seconds of all cores that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory, now and at the highest."""
        facts = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(facts["VmRSS"].split()[0]) / 1024, int(facts["VmHWM"].split()[0]) / 1024

    def close(self) -> None:
        """Hang up, as a lost link does, and wait."""
        try:
            os.kill(self.pid, signal.SIGHUP)
            for _ in range(100):
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return
                self.read(0.05)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        finally:
            os.close(self.fd)
