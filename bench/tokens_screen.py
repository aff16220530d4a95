"""The Tokens screen in a real pseudo-terminal, on 100,000 rows: from a key to the row it asks for, and to a moved limit."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from pathlib import Path

import psutil

from bench.data_screen import _spread
from tests.pty.terminal import Terminal
from tests.shared import DATA

ROWS = 100_000
KEYS = 300
LIMIT_S = 0.050
"""A row is to be there within this, in 99 of 100 cases."""


def main() -> None:
    """Open a run file of 100,000 rows, and move."""
    tokenizer = DATA / "tokenizers" / "smollm2"
    if not tokenizer.is_dir():
        print("tokens screen: the shared tokenizers are not beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = _run_file(Path(folder), tokenizer)
        world = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), folder)
        terminal = Terminal("--runs-dir", folder, columns=120, rows=36, env=world)
        try:
            _measure(terminal, path)
        finally:
            terminal.type("\x11")  # ctrl+q
            terminal.wait()


def _run_file(folder: Path, tokenizer: Path) -> Path:
    """Questions and answers of about a hundred tokens."""
    chosen = random.Random(7)
    words = (
        "the boat",
        "carries salt",
        "and tea",
        "over a",
        "cold sea",
        "while nobody",
        "keeps the",
        "lamp of glass",
        "lit",
    )
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(ROWS):
            question = " ".join(chosen.choices(words, k=chosen.randint(3, 20)))
            answer = " ".join(chosen.choices(words, k=chosen.randint(3, 40)))
            file.write(json.dumps({"question": f"{number}: {question}?", "answer": f"{answer}."}) + "\n")
    path = folder / "many.toml"
    path.write_text(f'[model]\npath = "{tokenizer}"\n\n[tokens]\nmax_length = 96\n\n[[data]]\npath = "rows.jsonl"\n')
    return path


def _measure(terminal: Terminal, path: Path) -> None:
    terminal.drain()
    terminal.type("3")
    terminal.expect("Look at the tokens")
    terminal.type("o")
    terminal.drain()
    terminal.type(str(path))
    terminal.drain()
    seen, began = len(terminal.output), time.perf_counter()
    terminal.type("\r")
    while b"characters" not in terminal.output[seen:] and time.perf_counter() - began < 60:
        terminal.read(0.005)
    first_s = time.perf_counter() - began
    while_read = _keys(terminal, "]")
    terminal.drain(quiet=2.0, most=300)
    whole_s = time.perf_counter() - began
    forth, back = _keys(terminal, "]"), _keys(terminal, "[")
    limit = _keys(terminal, ">", 40)
    me = psutil.Process(terminal.pid)
    service = sum(child.memory_info().rss for child in me.children(recursive=True))
    print(
        f"tokens screen, {ROWS:,} rows: first row {first_s:.2f} s after enter, all measured after {whole_s:.0f} s; key to row "
        f"{_spread(while_read)} while measuring, {_spread(forth)} forth, {_spread(back)} back; key to limit {_spread(limit)}; "
        f"TUI {me.memory_info().rss / 1e6:.0f} MB, service {service / 1e6:.0f} MB"
    )
    slow = sorted(forth + back)[len(forth + back) * 99 // 100]
    print(f"tokens screen: p99 {1e3 * slow:.1f} ms, {LIMIT_S / slow:.1f} times as fast as is asked for")


def _keys(terminal: Terminal, key: str, count: int = KEYS) -> list[float]:
    """Seconds from a key to the first bytes that answer it."""
    taken = []
    for _ in range(count):
        terminal.drain(quiet=0.02, most=0.5)
        seen, began = len(terminal.output), time.perf_counter()
        os.write(terminal.fd, key.encode())
        while len(terminal.output) == seen and time.perf_counter() - began < 2:
            terminal.read(0.001)
        taken.append(time.perf_counter() - began)
    return taken


if __name__ == "__main__":
    main()
