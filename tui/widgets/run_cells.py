"""The columns of the table of runs: how wide each is, when there is room for it, and what stands in its cells.

Invariant: no cell cuts a word or a number so that it reads as another one. A state is a word of at most eight letters; what
does not fit as a number is written shorter; a phase takes the place of several columns, and of long names … shows the cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.runs.store import Run
from tui import words
from tui.glyphs import Glyphs
from tui.rows import Row
from tui.run_table import RunRow
from tui.text import cell_len, pad, plain

if TYPE_CHECKING:
    from tui.run_table import RunTable

NAME_LEAST, NAME_MOST = 12, 32
STATE = 9
"""The longest is of eight letters; a blank parts it from what is said beside it."""
LEAD = 4
"""Mark, blank, sign, blank."""


@dataclass(frozen=True)
class Column:
    """A column beside name and state."""

    key: str
    heading: str
    width: int
    right: bool = False


COLUMNS = (
    Column("steps", "steps", 10),
    Column("course", "course", 7),
    Column("loss", "loss", 6, True),
    Column("best", "best", 6, True),
    Column("when", "when", 10, True),
    Column("model", "model", 16),
    Column("tags", "tags", 7),
)
_WANTED = ("when", "steps", "loss", "best", "tags", "course", "model")
_TAGGED = ("when", "steps", "loss", "tags", "best", "course", "model")
"""Which column comes first where there is not room for all; and where tags would get none."""


@dataclass(frozen=True)
class Layout:
    """The columns of one width: that of the name, and the others in their order."""

    name: int
    columns: tuple[Column, ...]

    def starts(self) -> list[tuple[int, int, str]]:
        """First and one past the last cell of each heading, with the column's key."""
        found = [(0, LEAD + self.name, "name"), (LEAD + self.name + 1, LEAD + self.name + 2 + STATE, "state")]
        x = LEAD + self.name + 2 + STATE
        for column in self.columns:
            found.append((x, x + 1 + column.width, column.key))
            x += 1 + column.width
        return found


def layout(width: int, longest: int, tagged: bool) -> Layout:
    """The columns for a width; names get what they need up to a limit, then other columns come, then names grow again."""
    name = min(max(NAME_LEAST, longest), NAME_MOST)
    room = width - LEAD - 2 - STATE
    kept = _kept(_WANTED, room, name, tagged)
    if tagged and not any(column.key == "tags" for column in kept):
        kept = _kept(_TAGGED, room, name, tagged)
    left = room - sum(column.width + 1 for column in kept)
    if left > name and any(column.key in ("tags", "model") for column in kept):
        left, extra = name, left - name
        kept = _widened(kept, extra)
    return Layout(max(1, left), tuple(column for one in COLUMNS for column in kept if column.key == one.key))


def _kept(wanted: tuple[str, ...], room: int, name: int, tagged: bool) -> list[Column]:
    """The columns there is room for beside the names, in the order in which they are wanted."""
    kept: list[Column] = []
    for key in wanted:
        column = next(column for column in COLUMNS if column.key == key)
        needed = name if key in ("course", "model") else min(name, 16) if key in ("best", "tags") else NAME_LEAST
        if (key != "tags" or tagged) and room - needed >= sum(c.width + 1 for c in kept) + column.width + 1:
            kept.append(column)
    return kept


def _widened(columns: list[Column], extra: int) -> list[Column]:
    """The last of the texts takes what is left."""
    key = "tags" if any(column.key == "tags" for column in columns) else "model"
    return [Column(c.key, c.heading, c.width + extra, c.right) if c.key == key else c for c in columns]


def heading(shape: Layout, table: RunTable, glyphs: Glyphs) -> Row:
    """Names of the columns, with a sign at the one that the rows are sorted by."""
    row: Row = [(" " * LEAD, "")]
    for key, text, width, right in (
        ("name", "name", shape.name, False),
        ("state", "state", STATE, False),
        *((column.key, column.heading, column.width, column.right) for column in shape.columns),
    ):
        gap = "" if key == "name" else "  " if key == "state" else " "
        sorted_by = key == table.sort
        sign = (glyphs.down if table.downwards else glyphs.up) if sorted_by else ""
        row.append((gap + pad(sign + text, width, right=right), "title" if sorted_by else "faint"))
    return row


def line(row: RunRow, shape: Layout, table: RunTable, glyphs: Glyphs, marked: bool) -> Row:
    """One run."""
    ink = words.STATE_ROLE[row.state]
    painted: Row = [
        (glyphs.trained if marked else " ", "strong"),
        (" ", ""),
        (f"{glyphs.states[row.state]} ", ink),
        (pad(plain(row.title, shape.name), shape.name), "muted" if row.card.archived else "text"),
        (f"  {pad('archived' if row.card.archived else row.word, STATE)}", "muted" if row.card.archived else ink),
    ]
    columns = list(shape.columns)
    if told := _instead(row, table):
        taken: list[Column] = []
        while columns and columns[0].key in ("steps", "course", "loss", "best"):
            taken.append(columns.pop(0))
        size = sum(column.width + 1 for column in taken) - 1
        if size > 0:
            text = plain(told, size) if row.state == "queued" else _whole_words(told, size)
            painted.append((" " + pad(text, size), "muted"))
    for column in columns:
        painted += [(" ", ""), *_cell(row, column, glyphs)]
    return painted


def _instead(row: RunRow, table: RunTable) -> str:
    """What is said of a run that has no figures yet."""
    run = row.run
    if row.place is not None and not row.alive:
        return table.after(row)
    if run is None or run.view.step or run.view.series:
        return ""
    if not run.alive:
        return "no step was done"
    phase = run.view.phase
    if phase is None:
        return "the worker is starting"
    return phase.name + (f" {words.percent(phase.done, phase.total)}" if phase.total and phase.done else "")


def _whole_words(text: str, width: int) -> str:
    """As many whole words as there is room for; the state beside them is said in full."""
    text = plain(text, 200)
    while cell_len(text) > width:
        text = text.rpartition(" ")[0]
    return text


def _cell(row: RunRow, column: Column, glyphs: Glyphs) -> Row:
    run, size = row.run, column.width
    if column.key == "tags":
        return [(pad(plain(" ".join(row.card.tags), size), size), "accent")]
    if column.key == "model":
        return [(pad(plain(row.model, size), size), "muted")]
    if run is None:
        return [(" " * size, "")]
    view = run.view
    if column.key == "steps":
        return _steps(run, size, glyphs)
    if column.key == "course":
        from tui.curves import course  # not before there is a run: numpy would delay the first frame

        return [(course(view.series.get("loss"), size, glyphs.blocks), "train")]
    if column.key == "loss":
        return [(pad(words.loss(view.last("loss")), size, right=True), "text")]
    if column.key == "best":
        return [(pad(words.loss(row.best[1]) if row.best else "-", size, right=True), "eval" if row.best else "faint")]
    return _when(run, size) if row.state != "queued" else [(" " * size, "")]


def _when(run: Run, size: int) -> Row:
    """How long a living run still takes, how long ago another one ended."""
    view = run.view
    if run.alive:
        left = f"{_short(view.eta_s)} left" if view.eta_s else ""
        return [(pad(left, size, right=True), "accent")]
    age = words.age(view.updated_t)
    return [(pad(age if age in ("now", "-") else f"{age} ago", size, right=True), "muted")]


def _short(seconds: float) -> str:
    """A duration in one unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{round(seconds / size)}{unit}"
    return f"{round(seconds)}s"


def _steps(run: Run, size: int, glyphs: Glyphs) -> Row:
    view = run.view
    if run.alive and view.step and view.total_steps:
        from tui.facts import progress_bar

        bar = progress_bar(view.step, view.total_steps, size - 5, glyphs)
        return [*bar, (pad(words.percent(view.step, view.total_steps), 5, right=True), "text")]
    if not view.step:
        return [(pad("-", size), "faint")]
    short = bool(view.total_steps) and view.step < view.total_steps
    forms = [f"{words.count(view.step)}/{words.count(view.total_steps)}"] if short else []
    forms += [f"{words.short_count(view.step)}/{words.short_count(view.total_steps)}"] if short else []
    forms += [words.count(view.step), words.short_count(view.step)]
    return [(pad(next((form for form in forms if len(form) <= size), forms[-1]), size), "muted")]
