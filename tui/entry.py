"""The console script: without a verb the TUI, with a verb the headless commands.

Invariant: nothing heavy is imported before it is known which of the two it is. The TUI starts only on a real terminal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from tui.settings import Settings

USAGE = 2
_M_MMAP_THRESHOLD = -3
"""The number of that setting in glibc's malloc.h."""
FLAGS = ("--ascii", "--fresh", "--no-mouse")
VALUES = ("--runs-dir", "--theme", "--starter-dir", "--config")
CONSOLE = "the Linux console has no braille"
HINT = """\
Luthier's screens need a terminal; here {why}.
Headless, the same things are done with verbs:
  luthier train RUN.toml     luthier runs      luthier status [RUN] [--json]
  luthier demo --headless    luthier watch RUN    luthier --help"""


class _MisusedError(Exception):
    """An option that the TUI does not know; its text says which."""


def main() -> None:
    """Run `luthier`. Raises SystemExit with the exit code."""
    arguments = sys.argv[1:]
    demo = arguments[:1] == ["demo"]
    if not demo and _all_ours(arguments):
        if why := no_terminal():
            print(HINT.format(why=why), file=sys.stderr)  # noqa: T201
            raise SystemExit(USAGE)
        _start(arguments, demo=False)
    if demo and not {"--headless", "--help", "-h"} & set(arguments):
        if why := no_terminal():
            print(f"Here {why}, so the demo is told without screens (--headless).", file=sys.stderr)  # noqa: T201
            arguments = [*arguments, "--headless"]
        elif _all_ours(arguments[1:]):
            _start(arguments[1:], demo=True)
    _headless(arguments)


def _headless(arguments: list[str]) -> NoReturn:
    from engine.cli import main as headless

    headless(arguments)
    raise SystemExit(0)


def _all_ours(arguments: list[str]) -> bool:
    """Whether all arguments are options of the TUI, or values of them."""
    return all(
        argument.partition("=")[0] in FLAGS + VALUES or (i > 0 and arguments[i - 1] in VALUES)
        for i, argument in enumerate(arguments)
    )


def no_terminal() -> str:
    """Why there can be no screens here, in words; empty where there can."""
    if not sys.stdin.isatty():
        return "the input is no terminal"
    if not sys.stdout.isatty():
        return "the output is no terminal"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return f"TERM is {os.environ.get('TERM', '') or 'not set'}"
    return ""


def cannot_show_unicode() -> str:
    """Why braille and lines would be garbage, in words: no UTF-8, or the Linux console; "" where they can be shown."""
    for stream in (sys.stdout, sys.__stderr__):
        encoding = getattr(stream, "encoding", None) or "none"
        if encoding.lower().replace("-", "") != "utf8":
            return f"the terminal's encoding is {encoding}"
    variable = next((name for name in ("LC_ALL", "LC_CTYPE", "LANG") if _at_start(name)), "")
    if _at_start(variable) in ("C", "POSIX"):
        return f"{variable} is {_at_start(variable)}"
    return CONSOLE if os.environ.get("TERM") == "linux" else ""


def _at_start(name: str) -> str:
    """A variable as the shell gave it: in the C locale Python sets LC_CTYPE to UTF-8 by itself."""
    try:
        block = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return "" if name == "LC_CTYPE" and os.environ.get("LANG") in ("C", "POSIX") else os.environ.get(name, "")
    before = name.encode() + b"="
    return next((entry[len(before) :].decode("ascii", "replace") for entry in block if entry.startswith(before)), "")


def _options(arguments: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, given, value = rest.pop(0).partition("=")
        if name in FLAGS:
            values[name] = "yes"
            continue
        if not given:
            if not rest:
                raise _MisusedError(f"{name} needs a value.")
            value = rest.pop(0)
        values[name] = value
    return values


def _give_memory_back() -> None:
    """Have glibc keep blocks from 64 KiB on apart: what a long journal was read through goes back to the system then."""
    import ctypes

    tune = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tune is not None and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        tune(_M_MMAP_THRESHOLD, 64 << 10)


def _start(arguments: list[str], demo: bool) -> NoReturn:
    """Run the TUI and say, when it has ended, which runs go on."""
    try:
        options = _options(arguments)
    except _MisusedError as error:
        print(f"{error} `luthier --help` tells more.", file=sys.stderr)  # noqa: T201
        raise SystemExit(USAGE) from None
    for name in ("COLUMNS", "LINES"):  # they lie after a resize, and Textual would believe them
        os.environ.pop(name, None)
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

    if "--config" in options:
        os.environ["LUTHIER_CONFIG"] = options["--config"]

    _give_memory_back()
    from engine.runs.paths import runs_dir, starter_dir
    from tui.app import LuthierApp
    from tui.settings import load_all

    def path(name: str) -> Path | None:
        return Path(options[name]) if name in options else None

    loaded = load_all()
    ascii_only, warnings = _ascii(options, loaded.settings)
    app = LuthierApp(
        runs_dir(path("--runs-dir")),
        starter_dir(path("--starter-dir")),
        theme=options.get("--theme", ""),
        ascii_only=ascii_only,
        demo=demo,
        fresh="--fresh" in options,
        loaded=loaded,
        warnings=warnings,
    )
    names = app.run(mouse=loaded.settings.mouse and "--no-mouse" not in options)
    if app.hung_up:
        os._exit(0)  # the terminal may be gone: nobody is left to wait for its threads
    for name in names or []:
        print(f"The run goes on. `luthier watch {name}` or `luthier` shows it again.")  # noqa: T201
    raise SystemExit(app.return_code or 0)


def _ascii(options: dict[str, str], settings: Settings) -> tuple[bool, list[str]]:
    """Whether to show ASCII only, and what there is to say about it."""
    if "--ascii" in options or settings.ascii != "auto":
        return "--ascii" in options or settings.ascii == "yes", []
    why = cannot_show_unicode()
    told = f"ASCII only: {why}. LANG=C.UTF-8 changes that, or :set terminal.ascii no."
    return bool(why), [told] if why and why != CONSOLE else []
