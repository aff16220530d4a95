"""What can be opened: sources that were opened before, data files and folders, well-known datasets. With headings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui import words
from tui.data import choices, recent
from tui.data.places import Entry, listing, short
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import apart
from tui.widgets.scroller import Picker

MOST_RECENT = 6


@dataclass(frozen=True)
class Place:
    """A line: a heading, a source to open, or a folder to look into."""

    text: str
    note: str = ""
    section: dict[str, Any] = field(default_factory=dict)
    folder: str = ""
    """A folder to look into, with a slash at its end."""

    @property
    def heading(self) -> bool:
        """Whether nothing can be done with it."""
        return not self.section and not self.folder


def places(text: str, folder: Path, start: str) -> tuple[list[Place], list[Entry]]:
    """What fits a typed `text` that leads into `folder`; and the entries of that folder. For a thread: it reads the disk."""
    wanted = text.strip().lower()
    found: list[Place] = []
    before = [section for section in recent.load() if wanted in recent.place_of(section).lower()][:MOST_RECENT]
    if before:
        found.append(Place("opened before"))
        found += [Place(short(recent.place_of(section)), _kept(section), section) for section in before]
    try:
        entries = listing(folder, start)
    except OSError as error:
        return [*found, Place(f"{folder} cannot be read: {(error.strerror or str(error)).lower()}")], []
    files = [entry for entry in entries if not entry.folder]
    here = short(str(folder.absolute()))
    if entries:
        found.append(Place(f"in {here if here != str(folder.absolute()) or text else 'this folder'}"))
    if files and not start:
        note = f"{words.count(len(files))} data file{'s' if len(files) > 1 else ''} as one source"
        found.append(Place("this folder", note, {"path": str(folder.absolute())}))
    for entry in entries:
        if entry.folder:
            found.append(Place(entry.name, "", folder=str(folder / entry.name) + "/"))
        else:
            found.append(Place(entry.name, words.short_bytes(entry.bytes), {"path": str(Path(entry.path).absolute())}))
    named = [name for name in choices.presets() if wanted in name]
    if named and "/" not in text:
        found.append(Place("well-known datasets"))
        found += [Place(name, "from the Hub, or its cache", {"preset": name}) for name in named]
    return found, entries


def _kept(section: dict[str, Any]) -> str:
    keys = [key for key in section if key not in ("path", "preset")]
    return ", ".join(f"{key} {section[key]}" if isinstance(section[key], str) else key for key in keys)


class PlaceList(Picker):
    """The list; headings are passed over."""

    framed = False

    def __init__(self, *, id: str | None = None, lead: int = 0) -> None:  # noqa: A002
        super().__init__(id=id)
        self.places: list[Place] = []
        self.said: list[Row] = []
        """What stands above the list."""
        self.header_rows = lead

    def fill(self, found: list[Place]) -> None:
        """Show other places; the cursor is on the first that can be chosen."""
        self.places = found
        self.top = 0
        self.cursor = next((index for index, place in enumerate(found) if not place.heading), 0)
        self.repaint()

    @property
    def current(self) -> Place | None:
        """The place under the cursor."""
        place = self.places[self.cursor] if self.cursor < len(self.places) else None
        return place if place is not None and not place.heading else None

    def heading(self, width: int) -> list[Row]:
        """What is said above."""
        return [*self.said[: self.header_rows], *([[]] * (self.header_rows - len(self.said)))]

    def empty(self, width: int) -> list[Row]:
        """Nothing fits."""
        return [*self.heading(width), [(" Nothing here fits.", "muted")]]

    def count(self, width: int) -> int:
        """Headings and places."""
        return len(self.places)

    def selectable(self, index: int) -> bool:
        """The cursor passes over headings."""
        return not self.places[index].heading

    def line(self, index: int, width: int) -> Row:
        """Name and note."""
        place = self.places[index]
        if place.heading:
            return [(plain(place.text, width), "faint")]
        note: Row = [(f"  {plain(place.note, width // 2)} ", "muted")] if place.note else []
        ink = "accent" if place.folder else "text"
        room = width - 3 - sum(len(text) for text, _ in note)
        return apart([(f"  {plain(place.text, room)}", ink)], note, width)
