"""What people say about a run: a title, a note, tags, and whether it is put away. `card.json` in the run directory.

It is written by viewers and never read by a worker. Without a file everything is empty.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from engine.errors import RunError
from engine.runs.paths import RunDir

MOST_NOTE = 10_000
"""Characters of a note."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about a run."""

    title: str = ""
    """A name for people; the directory keeps its own. Empty: the name of the directory."""
    note: str = ""
    tags: tuple[str, ...] = ()
    archived: bool = False
    """Not listed, unless asked for."""


_decoder = msgspec.json.Decoder(Card)


def card_path(run: RunDir) -> Path:
    """The file."""
    return run.path / "card.json"


def read_card(run: RunDir) -> Card:
    """The card of a run; an empty one where there is none or it cannot be read."""
    try:
        return _decoder.decode(card_path(run).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Card()


def write_card(run: RunDir, card: Card) -> None:
    """Put a card in place in one move. Raises RunError when it cannot be written."""
    kept = msgspec.structs.replace(card, note=card.note[:MOST_NOTE], tags=tuple(dict.fromkeys(card.tags)))
    try:
        fd, name = tempfile.mkstemp(dir=run.path, prefix=".card-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
            os.replace(name, card_path(run))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(f"{run.name}: its card cannot be written in {run.path}: {error.strerror}.") from error
