"""The Tokens screen in a real terminal: still, harmless, polite to the editor."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal, options
from tests.pty.test_terminal import OWN, SEQUENCES, open_terminal
from tests.tui import hostile
from tests.tui.tokenfiles import boats_run, rows_run

Open = Callable[..., Terminal]
__all__ = ["open_terminal"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of the service lies in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def look_at(terminal: Terminal, path: Path, seen: str) -> None:
    """Open a run file on the Tokens screen."""
    terminal.expect("Fine-tune")
    terminal.type("3")
    terminal.expect("Look at the tokens")
    terminal.drain()
    terminal.type("o")
    terminal.expect("ath of a run file")  # the cursor is on its first letter
    terminal.drain()
    terminal.type(str(path))
    terminal.drain()
    terminal.type("\r")
    terminal.expect(seen, 30)


def test_it_is_still_while_nothing_happens(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal(*options(tmp_path), columns=120, rows=36)
    look_at(terminal, boats_run(tmp_path), "Nothing found in 49 rows.")
    terminal.drain(1.5)
    assert terminal.drain(quiet=1.2, most=1.2) == 0, "nothing is sent while nothing happens"
    terminal.type("l")
    assert terminal.drain() < 4000, "a step of the cursor sends what it changed"
    terminal.type("\x11")
    assert terminal.wait() == 0


def test_the_template_is_edited_while_the_screens_stand_aside(open_terminal: Open, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys\nfrom pathlib import Path\nfile = Path(sys.argv[1])\n"
        "file.write_text(file.read_text().replace('Question:', 'Riddle:'))\nprint('EDITED')\n"
    )
    terminal = open_terminal(
        *options(tmp_path), columns=120, rows=36, env={"EDITOR": f"python3 {editor}", "VISUAL": ""}
    )
    look_at(terminal, boats_run(tmp_path), "Nothing found in 49 rows.")
    terminal.drain(0.5)
    before = len(terminal.output)
    terminal.type("e")
    terminal.expect("EDITED")
    terminal.expect("Riddle")
    again = bytes(terminal.output[before:])
    assert again.rindex(b"\x1b[?1049h") > again.rindex(b"EDITED"), "the screens come back"
    terminal.type("U")  # leaving with changes that are not written asks
    terminal.drain(1.0)
    terminal.type("\x11")
    assert terminal.wait() == 0


@pytest.mark.parametrize("arguments", [[], ["--ascii"]])
def test_hostile_rows_leak_nothing(open_terminal: Open, tmp_path: Path, arguments: list[str]) -> None:
    path = rows_run(tmp_path, [(f"{hostile.TEXT} {i}", f"{hostile.TEXT}\n{hostile.TEXT}") for i in range(12)])
    terminal = open_terminal(*options(tmp_path), *arguments, columns=140, rows=40)
    look_at(terminal, path, "a[/x]")
    terminal.drain(1.0)
    for keys in (
        "v",
        "v",
        "v",
        "]",
        "jjll",
        "\t",
        "j",
        "\x1b",
        "b",
        "f",
        "n",
        "z",
        "z",
        "p",
        "\x1b",
        "m",
        "\x1b",
        "w",
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
