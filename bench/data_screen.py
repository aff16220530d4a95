"""The Data screen in a real pseudo-terminal: from Enter to the first rows, keys while the file is counted, memory."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import psutil

from tests.pty.terminal import Terminal

KEYS = 200
_KEY_EVERY_S = 0.02


def measure_screen(path: Path) -> None:
    """Open the file in the TUI, and press keys while it is indexed and examined."""
    with tempfile.TemporaryDirectory() as folder:
        world = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), folder)
        terminal = Terminal("--runs-dir", folder, columns=120, rows=36, env=world)
        try:
            _measure(terminal, path)
        finally:
            terminal.type("\x11")  # ctrl+q
            terminal.wait()


def _measure(terminal: Terminal, path: Path) -> None:
    terminal.drain()
    terminal.type("2")
    terminal.expect("Look at data")
    terminal.type("o")
    terminal.drain()
    terminal.type(str(path))
    terminal.drain()
    seen = len(terminal.output)
    began = time.perf_counter()
    terminal.type("\r")
    while b"1: " not in terminal.output[seen:] and time.perf_counter() - began < 30:
        terminal.read(0.005)
    first_s = time.perf_counter() - began
    counting = _keys(terminal)
    terminal.drain(quiet=1.0, most=120)
    after = _keys(terminal)
    me = psutil.Process(terminal.pid)
    service = sum(child.memory_info().rss for child in me.children(recursive=True))
    print(
        f"screen: first rows {first_s:.2f} s after Enter; key to paint {_spread(counting)} while counting, "
        f"{_spread(after)} after; TUI {me.memory_info().rss / 1e6:.0f} MB, service {service / 1e6:.0f} MB"
    )


def _keys(terminal: Terminal) -> list[float]:
    """Seconds from a key to the first bytes that answer it: up and down by turns."""
    taken = []
    for number in range(KEYS):
        terminal.drain(quiet=_KEY_EVERY_S, most=0.5)
        seen, began = len(terminal.output), time.perf_counter()
        os.write(terminal.fd, b"k" if number % 2 else b"j")
        while len(terminal.output) == seen and time.perf_counter() - began < 2:
            terminal.read(0.001)
        taken.append(time.perf_counter() - began)
    return taken


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"{1e3 * ordered[len(ordered) // 2]:.1f} ms (p99 {1e3 * ordered[len(ordered) * 99 // 100]:.1f})"
