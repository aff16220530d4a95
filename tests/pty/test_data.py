"""The Data screen in a real terminal: still, harmless, polite to the pager; the engine service dies with it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.pty.terminal import Terminal, options
from tests.pty.test_terminal import OWN, SEQUENCES, open_terminal
from tests.tui import hostile

Open = Callable[..., Terminal]
__all__ = ["open_terminal"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of the service lies in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def look_at(terminal: Terminal, path: Path, seen: str) -> None:
    """Open a file on the Data screen."""
    terminal.expect("Fine-tune")
    terminal.type("2")
    terminal.expect("Look at data")
    terminal.type("o")
    terminal.expect("open data")
    terminal.drain()
    terminal.type(str(path))
    terminal.drain()
    terminal.type("\r")
    terminal.expect(seen)


def service_of(terminal: Terminal) -> psutil.Process:
    (child,) = psutil.Process(terminal.pid).children()
    return child


def gone(process: psutil.Process, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_it_is_still_while_nothing_happens_and_its_service_ends_with_it(open_terminal: Open, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"question": f"Q{i}?", "answer": f"A{i}."}) + "\n" for i in range(100)))
    terminal = open_terminal(*options(tmp_path), columns=120, rows=36)
    look_at(terminal, path, "assistant")
    terminal.drain(1.0)
    assert terminal.drain(quiet=1.2, most=1.2) == 0, "nothing is sent while nothing happens"
    service = service_of(terminal)
    terminal.type("\x11")
    assert terminal.wait() == 0
    assert gone(service)


def test_a_killed_tui_leaves_no_service_behind(open_terminal: Open, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "Q?", "answer": "A."}\n')
    terminal = open_terminal(*options(tmp_path))
    look_at(terminal, path, "Q?")
    service = service_of(terminal)
    terminal.signal(signal.SIGKILL)
    assert gone(service)


def test_the_pager_gets_the_whole_row_made_harmless(open_terminal: Open, tmp_path: Path) -> None:
    path, copied = tmp_path / "rows.jsonl", tmp_path / "paged"
    long = "salt and rope " * 20_000
    path.write_text(json.dumps({"question": f"{hostile.TEXT}?", "answer": long}) + "\n")
    pager = f"sh -c 'cp \"$0\" {copied}; echo PAGED'"
    terminal = open_terminal(*options(tmp_path), columns=120, rows=36, env={"PAGER": pager})
    look_at(terminal, path, "assistant")
    terminal.drain()
    before = len(terminal.output)
    terminal.type("p")
    terminal.expect("PAGED")
    terminal.drain(0.6)
    text = copied.read_text()
    assert long.strip() in text
    assert hostile.LITERAL in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    again = bytes(terminal.output[before:])
    assert again.rindex(b"\x1b[?1049h") > again.rindex(b"PAGED"), "the screens come back"
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob("luthier-row-1-*")), "the file is taken away"
    terminal.type("\x11")
    assert terminal.wait() == 0


@pytest.mark.parametrize("arguments", [[], ["--ascii"]])
def test_hostile_rows_leak_nothing(open_terminal: Open, tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "evil.jsonl"
    with path.open("w") as file:
        for i in range(20):
            said = [{"role": role, "content": f"{hostile.TEXT} {i}"} for role in ("user", "assistant")]
            file.write(json.dumps({hostile.MARKUP + "\x1b[31m": hostile.TEXT, "messages": said}) + "\n")
        file.write(f'{{"torn \x1b[2J {hostile.MARKUP}\n')
    terminal = open_terminal(*options(tmp_path), *arguments, columns=140, rows=40)
    look_at(terminal, path, hostile.LITERAL)
    for keys in (
        "v",
        "l",
        "s",
        "a",
        "f",
        "\x1b",
        "G",
        "\r",
        "\x1b",
        "m",
        "\x1b",
        "u",
        "\x1b",
        "b",
        "\x1b",
        "/evil\r",
        "\x1b",
    ):
        terminal.type(keys)
        terminal.drain(0.12)
    terminal.type("\x11")
    assert terminal.wait() == 0
    sent = bytes(terminal.output)
    assert {s for s in SEQUENCES.findall(sent) if not OWN.fullmatch(s)} == set()
    text = SEQUENCES.sub(b"", sent).decode()
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", text)
    if arguments:
        assert text.isascii()
