"""Paths as people type and paste them: completed, listed, taken apart. Reads folders; asks nobody else."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from tui.data import choices

_TOKENIZER_NAMES = ("tokenizer.", "vocab.", "encoder.json", "spiece.model", "sentencepiece")
MOST_ENTRIES = 500
"""Entries of a folder that are looked at; a folder may hold a million."""


@dataclass(frozen=True)
class Entry:
    """Something that can be opened, or a folder to look into."""

    name: str
    path: str
    folder: bool = False
    bytes: int = 0
    note: str = ""


def listing(folder: Path, start: str = "") -> list[Entry]:
    """Folders and data files in `folder` whose names hold `start`; those that begin with it first. Hidden ones are left out.

    Raises OSError where it cannot be read.
    """
    return listing_of(folder, start, choices.endings())


def listing_of(folder: Path, start: str, endings: tuple[str, ...]) -> list[Entry]:
    """As `listing`, of files with other endings."""
    wanted = start.lower()
    found: list[tuple[bool, bool, str, Entry]] = []
    with os.scandir(folder) as entries:
        for seen, entry in enumerate(entries):
            if seen >= MOST_ENTRIES:
                break
            name = entry.name
            if wanted not in name.lower() or (name.startswith(".") and not start.startswith(".")):
                continue
            later = not name.lower().startswith(wanted)
            if _is_folder(entry):
                found.append((later, True, name.lower(), Entry(name + "/", entry.path, folder=True)))
            elif name.lower().endswith(endings):
                found.append((later, False, name.lower(), Entry(name, entry.path, bytes=_size(entry))))
    return [entry for *_, entry in sorted(found, key=lambda item: item[:3])]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return 0


def parted(text: str) -> tuple[Path, str]:
    """The folder that a typed path leads to so far, and the beginning of a name in it."""
    folder, _, start = text.rpartition("/")
    root = "/" if not folder and text.startswith("/") else folder + "/" if folder else "."
    return Path(os.path.expanduser(root)), start


def complete(text: str, entries: list[Entry]) -> str:
    """`text` as far as it is clear which of the entries is meant."""
    _, start = parted(text)
    names = [entry.name for entry in entries if entry.name.startswith(start)]
    if not names:
        return text
    shortest, longest = min(names), max(names)
    clear = next((i for i, char in enumerate(shortest) if longest[i : i + 1] != char), len(shortest))
    return text[: len(text) - len(start)] + shortest[:clear] if clear > len(start) else text


def sections_of(text: str) -> list[dict[str, str]]:
    """The `[[data]]` tables that a typed or pasted text means: one path, or several with white space between.

    A path that is there as it was typed is one path, whatever is in it. Quotes and backslashes count as in a shell.
    """
    text = text.strip()
    if not text:
        return []
    whole = os.path.expanduser(text.strip("'\""))
    parts = [whole] if os.path.exists(whole) else _parts(text)
    return [section_of(part) for part in parts]


def _parts(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found: list[str] = []
    for line in lines:
        if os.path.exists(os.path.expanduser(line)):
            found.append(line)
            continue
        try:
            found += shlex.split(line)
        except ValueError:  # a quote that is never closed belongs to the name
            found += line.split()
    return found


def section_of(place: str) -> dict[str, str]:
    """The table of one path, preset or hub id."""
    path = os.path.expanduser(place)
    if os.path.exists(path):
        return {"path": os.path.abspath(path)}
    if place in choices.presets():
        return {"preset": place}
    if _names_a_hub_dataset(place):
        return {"path": place}
    return {"path": os.path.abspath(path)}


def _names_a_hub_dataset(place: str) -> bool:
    """Whether "owner/name" can be meant; not where there is a folder of the owner's name here."""
    from engine.config.hub_id import looks_like_hub_id

    owner, slash, _ = place.partition("/")
    return bool(slash) and looks_like_hub_id(place) and not os.path.isdir(owner)


def short(path: str) -> str:
    """A path as a person would write it: from here, or from the home folder."""
    here, home = os.getcwd(), os.path.expanduser("~")
    if path.startswith(here + "/"):
        return path[len(here) + 1 :]
    return "~" + path[len(home) :] if path.startswith(home + "/") else path


def no_tokenizer(text: str) -> str:
    """Why a typed text names no folder with a tokenizer; empty where it may, and for a name of the Hub."""
    path = os.path.expanduser(text)
    if text and os.path.isdir(path):
        if any(entry.name.startswith(_TOKENIZER_NAMES) for entry in os.scandir(path)):
            return ""
        return "There is no tokenizer.json in this folder, nor another tokenizer."
    if text and not os.path.exists(path) and path.startswith(("/", ".")):
        return f"There is no folder {path}."
    return ""


def no_model(text: str) -> str:
    """Why a typed text names no model; empty where it is a folder, and for what may be a name of the Hub."""
    from engine.config.hub_id import looks_like_hub_id

    path = os.path.expanduser(text)
    if os.path.isfile(path):
        return f"{path} is a file. Name the folder of a model, or owner/name of the Hub."
    if os.path.isdir(path) or looks_like_hub_id(text):
        return ""
    return f"There is no folder {path}. Name the folder of a model, or owner/name of the Hub."


def no_data(text: str) -> str:
    """Why a file that is there holds no data; empty where it may."""
    path = os.path.expanduser(text)
    if path.lower().endswith(".toml") and os.path.isfile(path):
        return (
            f"{os.path.basename(path)} is a run file, and holds no rows: 4 fills it in as a form, 3 shows its tokens."
        )
    return ""
