"""The list of runs: state, progress, course of the loss, when. Only the rows in view are painted."""

from __future__ import annotations

from engine.runs.store import Run
from tui import words
from tui.facts import progress_bar
from tui.rows import Row
from tui.text import pad, plain
from tui.widgets.scroller import Picker

_NAME_LEAST = 13
_STATE, _STEPS, _SPARK, _LOSS, _WHEN = 8, 10, 6, 6, 8


class RunList(Picker):
    """All runs, or those that hold the filter's words."""

    header_rows = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.names: list[str] = []
        self.filter = ""
        self._selected = ""

    def refresh_runs(self) -> None:
        """Take the runs from the link; the cursor stays on its run."""
        link = self.luthier.link
        wanted = self.filter.lower().split()
        names = [name for name in link.order if all(word in self._text(name) for word in wanted)]
        # The living first, then by the time of the start: the order does not jump while runs write.
        self.names = sorted(names, key=self._rank)
        if self._selected in self.names:
            self.cursor = self.names.index(self._selected)
        elif self.names:
            self.cursor = min(self.cursor, len(self.names) - 1)
            self._selected = self.names[self.cursor]
        self.repaint()

    def _text(self, name: str) -> str:
        run = self.luthier.link.runs.get(name)
        return f"{name} {run.state if run else ''}".lower()

    def _rank(self, name: str) -> tuple[bool, float]:
        run = self.luthier.link.runs.get(name)
        started = run.view.started_t if run else None
        return (not (run and run.alive), -(started or 0.0) if run else 0.0)

    @property
    def selected(self) -> str | None:
        """Name of the run under the cursor."""
        return self.names[self.cursor] if self.cursor < len(self.names) else None

    def select(self, index: int) -> None:
        """Put the cursor on a row and remember its run."""
        self._selected = self.names[index] if index < len(self.names) else ""
        super().select(index)

    def select_name(self, name: str) -> None:
        """Put the cursor on a run as soon as it is there."""
        self._selected = name
        self.refresh_runs()

    def title(self) -> Row:
        """A name."""
        return [("runs", "title")]

    def badge(self) -> Row:
        """How many, and of how many."""
        total = len(self.luthier.link.order)
        if not self.filter:
            return [(words.count(total), "muted")] if total else []
        return [(f"{len(self.names)} of {total}", "muted"), ("  / ", "key"), (plain(self.filter, 20), "text")]

    def count(self, width: int) -> int:
        """The runs that pass the filter."""
        return len(self.names)

    def empty(self, width: int) -> list[Row]:
        """Nothing fits, or nothing was read yet."""
        if self.filter:
            return [[], [("No run fits the filter. esc clears it.", "muted")]]
        return [[], [("Reading the runs…", "muted")]] if not self.luthier.link.listed else []

    def heading(self, width: int) -> list[Row]:
        """Names of the columns."""
        name, parts = self._columns(width - 1)
        row: Row = [("  " + pad("name", name), "faint"), (pad("  state", _STATE + 2), "faint")]
        labels = {"steps": "steps", "spark": "course", "loss": "loss", "when": "when"}
        for key, size in parts:
            text = pad(labels[key], size, right=key in ("loss", "when"))
            row.append((f" {text}", "faint"))
        return [row]

    def _columns(self, width: int) -> tuple[int, list[tuple[str, int]]]:
        """Width of the name, and the other columns there is room for."""
        room = width - 2 - 2 - _STATE - _NAME_LEAST
        kept: list[tuple[str, int]] = []
        for key, size in (("when", _WHEN), ("loss", _LOSS), ("steps", _STEPS), ("spark", _SPARK)):
            if room > size:
                kept.append((key, size))
                room -= size + 1
        order = ["steps", "spark", "loss", "when"]
        return _NAME_LEAST + max(0, room), sorted(kept, key=lambda part: order.index(part[0]))

    def line(self, index: int, width: int) -> Row:
        """One run."""
        name = self.names[index]
        run = self.luthier.link.runs.get(name)
        name_width, parts = self._columns(width)
        state = run.state if run else "loading"
        ink = words.STATE_ROLE[state]
        row: Row = [(f"{self.glyphs.states[state]} ", ink), (pad(plain(name, name_width), name_width), "text")]
        row.append((f"  {pad(words.STATE_WORD.get(state, state), _STATE)}", ink))
        for key, size in parts:
            row.append((" ", ""))
            row += self._cell(key, size, run)
        return row

    def _cell(self, key: str, size: int, run: Run | None) -> Row:
        if run is None:
            return [(" " * size, "")]
        view = run.view
        if key == "steps":
            return _steps(run, size, self)
        if key == "spark":
            from tui.curves import course  # not before there is a run: numpy would delay the first frame

            return [(course(view.series.get("loss"), size, self.glyphs.blocks), "train")]
        if key == "loss":
            return [(pad(words.loss(view.last("loss")), size, right=True), "text")]
        if run.alive and view.eta_s:
            return [(pad(_short(view.eta_s) + " left", size, right=True), "accent")]
        return [(pad(words.age(view.updated_t), size, right=True), "muted")]


def _short(seconds: float) -> str:
    """A duration in one unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{round(seconds / size)}{unit}"
    return f"{round(seconds)}s"


def _steps(run: Run, size: int, picker: RunList) -> Row:
    view = run.view
    if run.alive and view.step and view.total_steps:
        bar = progress_bar(view.step, view.total_steps, size - 5, picker.glyphs)
        row: Row = [*bar, (pad(words.percent(view.step, view.total_steps), 5, right=True), "text")]
        return row
    if run.alive:
        return [(pad(plain(view.phase.name if view.phase else "", size), size), "muted")]
    if not view.step:
        return [(pad("-", size), "faint")]
    short = bool(view.total_steps) and view.step < view.total_steps
    text = f"{words.count(view.step)}/{words.count(view.total_steps)}" if short else words.count(view.step)
    if len(text) > size:
        text = f"at {words.short_count(view.step)}"
    return [(pad(text, size), "muted")]
