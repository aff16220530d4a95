"""The two streams: data on stdout, narration on stderr. Nothing else in the project writes to either.

Text from outside is made harmless when a stream is a terminal; into a pipe it goes as it is.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import msgspec
from rich.console import Console, RenderableType
from rich.text import Text

from engine.text import visible

_WIDE = 110
"""Columns that a table has in a pipe; in a terminal that is narrower it shows less."""


class PoliteConsole(Console):
    """A console whose reader may leave: the program then ends well, since nothing is wrong with the run."""

    def on_broken_pipe(self) -> None:
        """`… | head` has seen enough."""
        reader_is_gone()


out = PoliteConsole(highlight=False, markup=False, emoji=False, soft_wrap=True)
if not out.is_terminal:
    out.width = max(out.width, _WIDE)
err = PoliteConsole(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def safe(text: str, style: str = "") -> Text:
    """Foreign text for a terminal."""
    return Text(visible(text), style=style)


def reader_is_gone() -> NoReturn:
    """End quietly with code 0. Raises SystemExit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise SystemExit(0)


def prepare_streams() -> None:
    """Make both streams able to take anything: closed ones swallow it, ones that are not UTF-8 get escapes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        reader_is_gone()


def data(text: str) -> None:
    """Write a line of data to stdout."""
    if out.is_terminal:
        out.print(safe(text))
    else:
        _write(text)


def is_narrow() -> bool:
    """Whether what is laid out has to fit a terminal of less than 100 columns."""
    return out.is_terminal and out.width < _WIDE


def show(renderable: RenderableType) -> None:
    """Write something laid out to stdout."""
    out.print(renderable)


def json_line(value: Any) -> None:
    """Write one JSON object and a newline to stdout; not-a-number becomes null."""
    _write(msgspec.json.encode(value).decode())


def say(text: str, style: str = "") -> None:
    """Write a line of narration to stderr."""
    err.print(safe(text, style))


def complain(text: str) -> None:
    """Write an error to stderr."""
    err.print(Text.assemble(("error: ", "bold red"), visible(text)))
