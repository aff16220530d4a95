"""The two streams: data on stdout, narration on stderr. Nothing else in the project writes to either.

Text from outside is made harmless when a stream is a terminal; into a pipe it goes as it is.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console, RenderableType
from rich.text import Text

from engine.text import visible

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def safe(text: str, style: str = "") -> Text:
    """Foreign text for a terminal."""
    return Text(visible(text), style=style)


def data(text: str) -> None:
    """Write a line of data to stdout."""
    if out.is_terminal:
        out.print(safe(text))
    else:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def show(renderable: RenderableType) -> None:
    """Write something laid out to stdout."""
    out.print(renderable)


def json_line(value: Any) -> None:
    """Write one JSON object and a newline to stdout; not-a-number becomes null."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say(text: str, style: str = "") -> None:
    """Write a line of narration to stderr."""
    err.print(safe(text, style))


def complain(text: str) -> None:
    """Write an error to stderr."""
    err.print(Text.assemble(("error: ", "bold red"), visible(text)))
