"""What can be looked at as tokens: drafts that lie open, open data, run files here and before, runs. With headings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.runs.store import list_runs
from tui.data.places import listing_of, short
from tui.rows import Row
from tui.text import plain, wrap
from tui.tokens import recent
from tui.tokens.model import Draft, Origin
from tui.widgets.painted import apart, row_width
from tui.widgets.scroller import Picker

MOST_RUNS, MOST_RECENT = 6, 6
_HEAD_BYTES = 1 << 16
_ABOUT = (
    "See every row exactly as the model will be trained on it: which tokens, which of them are learned, what is cut, "
    "and how the batches are laid out."
)


@dataclass(frozen=True)
class Entry:
    """A line: a heading, a draft to look at, or a folder to look into."""

    text: str
    note: str = ""
    origin: Origin | None = None
    folder: str = ""
    """A folder to look into, with a slash at its end."""
    data: bool = False
    """The sources that lie open on the Data screen."""

    @property
    def heading(self) -> bool:
        """Whether nothing can be done with it."""
        return self.origin is None and not self.folder and not self.data


def entries(text: str, drafts: Sequence[Draft], sources: str, runs_dir: Path) -> list[Entry]:
    """What fits a typed `text`. `sources` names the open data, "" where there is none. For a thread: it reads the disk."""
    wanted = text.strip().lower()
    found: list[Entry] = []

    def group(heading: str, some: list[Entry]) -> None:
        fitting = [entry for entry in some if wanted in f"{entry.text} {entry.note}".lower()]
        if fitting:
            found.extend([Entry(heading), *fitting])

    group("open", [Entry(draft.origin.title, _changed(draft), draft.origin) for draft in drafts])
    group("on the Data screen", [Entry(sources, "as they are read now", data=True)] if sources else [])
    group("run files here", _files(Path("."), ""))
    before = [path for path in recent.load() if os.path.dirname(path) != os.getcwd()][:MOST_RECENT]
    group("looked at before", [_file(path) for path in before])
    try:
        runs = list_runs(runs_dir)[:MOST_RUNS] if not wanted else list_runs(runs_dir)
    except OSError:
        runs = []
    group("runs", [Entry(run.name, "as it was trained", Origin(str(run.path), run=run.name)) for run in runs[:40]])
    return found


def typed(text: str, folder: Path, start: str) -> list[Entry]:
    """Run files and folders that a typed path leads to. For a thread. Raises OSError where the folder cannot be read."""
    folders = [
        Entry(entry.name, folder=str(folder / entry.name) + "/")
        for entry in listing_of(folder, start, (".toml",))
        if entry.folder
    ]
    return [*_files(folder, start), *folders]


def _files(folder: Path, start: str) -> list[Entry]:
    try:
        found = [entry.path for entry in listing_of(folder, start, (".toml",)) if not entry.folder]
    except OSError:
        return []
    return [_file(os.path.abspath(path)) for path in found if is_run_file(path)]


def _file(path: str) -> Entry:
    folder = short(os.path.dirname(path))
    note = "" if folder == os.getcwd() else folder
    return Entry(os.path.basename(path), note, Origin(path))


def _changed(draft: Draft) -> str:
    count = len(draft.changes)
    return f"{count} change{'s' if count > 1 else ''} not written" if count else ""


def is_run_file(path: str) -> bool:
    """Whether a TOML file looks like one of ours: it names data and a model."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return b"data" in head and b"model" in head and b"[build-system]" not in head


class DraftList(Picker):
    """The list; headings are passed over. `failed` is a draft that could not be opened: why is said above the list."""

    framed = False

    def __init__(self, *, id: str | None = None, said: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self.failed: Draft | None = None
        self.said = said
        self.header_rows = 0

    def fill(self, found: list[Entry]) -> None:
        """Show other entries; the cursor is on the first that can be chosen."""
        self.entries, self.top = found, 0
        self.cursor = next((index for index, entry in enumerate(found) if not entry.heading), 0)
        self.repaint()

    @property
    def current(self) -> Entry | None:
        """The entry under the cursor."""
        entry = self.entries[self.cursor] if self.cursor < len(self.entries) else None
        return entry if entry is not None and not entry.heading else None

    def paint(self, width: int, height: int) -> list[Row]:
        """What is said above, then the list."""
        self.header_rows = len(self._above(width))
        return super().paint(width, height)

    def heading(self, width: int) -> list[Row]:
        """What is said above."""
        return self._above(width)

    def _above(self, width: int) -> list[Row]:
        room = min(76, max(20, width - 4))
        if self.failed is not None:
            name = plain(self.failed.origin.title, 40)
            rows: list[Row] = [[(f"  {self.glyphs.no} ", "bad"), (f"{name} could not be opened.", "title")], []]
            rows += [[("  ", ""), (line, "text")] for line in wrap(self.failed.error, max(20, width - 4), 12)]
            keys: Row = [("  r", "key"), (" tries again   ", "muted"), ("o", "key"), (" opens another", "muted")]
            return [*rows, [], keys, []]
        if not self.said:
            return []
        rows = [[("  Look at the tokens that are trained.", "title")]]
        rows += [[("  ", ""), (line, "muted")] for line in wrap(_ABOUT, room)]
        keys = [("  ", ""), ("o", "key"), (" opens a run file, typed or pasted; ", "muted"), ("enter", "key")]
        rows += [[], [*keys, (" opens what is chosen below.", "muted")], []]
        return rows

    def empty(self, width: int) -> list[Row]:
        """There is nothing here."""
        if not self.said and self.failed is None:
            return [[(" No run file here fits.", "muted")]]
        text = (
            "There is no run file here and no run yet. Look at data first (2): its rows can be seen as tokens from there "
            "(i), and put into a run file (u)."
        )
        return [*self._above(width), *([("  ", ""), (line, "muted")] for line in wrap(text, min(76, width - 4)))]

    def count(self, width: int) -> int:
        """Headings and entries."""
        return len(self.entries)

    def selectable(self, index: int) -> bool:
        """The cursor passes over headings."""
        return not self.entries[index].heading

    def line(self, index: int, width: int) -> Row:
        """Name and note."""
        entry = self.entries[index]
        if entry.heading:
            return [(f"  {plain(entry.text, width - 2)}" if self.said else plain(entry.text, width), "faint")]
        note: Row = [(f"  {plain(entry.note, width // 2)} ", "muted")] if entry.note else []
        ink = "accent" if entry.folder else "text"
        left = "    " if self.said else "  "
        room = max(8, min(width, 100) - row_width(note) - len(left) - 1)
        return apart([(left, ""), (plain(entry.text, room), ink)], note, min(width, 100))
