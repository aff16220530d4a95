"""The runs as the rows of a table: what each row says, which rows are shown, and in which order. Knows no widget.

A row is made once and again only when its run, its card or its place in the queue changed: 200 runs are sorted and filtered
in a millisecond. Invariant: the order depends only on what the rows show, so that a person can tell why a row stands where
it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.runs.card import Card
from engine.runs.store import Run
from tui import words
from tui.run_filter import RunFilter
from tui.shelf import Shelf

SORTS: tuple[str, ...] = ("", "name", "state", "steps", "loss", "best", "when", "model", "tags")
"""Columns that can be sorted by; "" is the order of their own: the living, the waiting, then the newest."""
_UP_FIRST = frozenset({"name", "state", "loss", "best", "model", "tags"})
_STATES = ("running", "paused", "starting", "queued", "loading", "done", "stopped", "failed", "crashed")


@dataclass(frozen=True)
class RunRow:
    """What the table knows of one run."""

    name: str
    title: str
    """What it is called: the title on its card, else its name."""
    state: str
    """A key of the glyphs and inks of states."""
    word: str
    """The state as it is written."""
    card: Card
    place: int | None
    """In the queue, from 0."""
    run: Run | None
    model: str
    best: tuple[float, float] | None
    """(step, loss) of the lowest evaluation."""
    fields: Mapping[str, str]

    @property
    def alive(self) -> bool:
        """Whether a worker holds it."""
        return self.run is not None and self.run.alive


class RunTable:
    """All rows, and those that are shown."""

    def __init__(self) -> None:
        self.rows: dict[str, RunRow] = {}
        self.shown: list[str] = []
        self.filter = RunFilter()
        self.sort = ""
        self.reverse = False
        self.with_archived = False
        self.archived = 0
        """How many are put away."""
        self._keys: dict[str, tuple[Any, ...]] = {}

    def refresh(self, order: Iterable[str], runs: Mapping[str, Run], shelf: Shelf) -> None:
        """Take the runs as they are now."""
        places = {ticket.run: i for i, ticket in enumerate(shelf.queue)}
        rows: dict[str, RunRow] = {}
        keys: dict[str, tuple[Any, ...]] = {}
        for name in order:
            run, card, place = runs.get(name), shelf.card(name), places.get(name)
            key = (id(run), run.view.version if run else -1, run.alive if run else False, card, place)
            keys[name] = key
            rows[name] = self.rows[name] if self._keys.get(name) == key else _row(name, run, card, place)
        self.rows, self._keys = rows, keys
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort anew."""
        self.archived = sum(row.card.archived for row in self.rows.values())
        fitting = [
            row
            for row in self.rows.values()
            if (self.with_archived or not row.card.archived or row.alive) and self.filter.fits(row.fields)
        ]
        fitting.sort(key=_natural)
        if self.sort:
            key = _KEYS[self.sort]
            known = [row for row in fitting if key(row) is not None]
            known.sort(key=key, reverse=self.reverse != (self.sort not in _UP_FIRST))
            fitting = known + [row for row in fitting if key(row) is None]
        elif self.reverse:
            fitting.reverse()
        self.shown = [row.name for row in fitting]

    def sort_by(self, column: str) -> None:
        """Sort by a column; by the same one again: the other way round."""
        self.reverse = not self.reverse if column == self.sort else False
        self.sort = column
        self.arrange()

    @property
    def downwards(self) -> bool:
        """Whether the largest value comes first."""
        return self.reverse != (self.sort not in _UP_FIRST)

    def after(self, row: RunRow) -> str:
        """What a waiting run waits for, in words."""
        if row.place is None:
            return ""
        waiting = sorted((r for r in self.rows.values() if r.place is not None), key=lambda r: r.place or 0)
        before = [r for r in waiting if (r.place or 0) < row.place]
        busy = [r for r in self.rows.values() if r.alive and r.place is None]
        if before:
            return f"after {before[-1].title}"
        return f"after {busy[0].title}" if busy else "next"


def state_of(run: Run | None) -> str:
    """The state of a run as the screens tell it: a paused run is running, and says so."""
    if run is None:
        return "loading"
    return "paused" if run.state == "running" and run.view.paused else run.state


def _row(name: str, run: Run | None, card: Card, place: int | None) -> RunRow:
    state = "queued" if place is not None and not (run is not None and run.alive) else state_of(run)
    word = words.state(state)
    view = run.view if run else None
    model = view.model.path.rstrip("/").rsplit("/", 1)[-1] if view and view.model else ""
    sources = view.data.sources if view and view.data else []
    held_out = view.series.get("eval_loss") if view else None
    fields = {
        "tag": "\n".join(card.tags),
        "state": word,
        "model": f"{view.model.path} {view.model.quantization} {view.model.adapter}" if view and view.model else "",
        "data": "\n".join(str(source.get("path", "")) for source in sources),
        "note": card.note,
        "name": f"{name} {card.title}",
    }
    fields["all"] = " ".join((*fields.values(), "archived" if card.archived else ""))
    best = held_out.lowest if held_out is not None else None
    return RunRow(name, card.title or name, state, word, card, place, run, model, best, fields)


def _natural(row: RunRow) -> tuple[int, float, str]:
    """The living first by their start, then the waiting in their order, then by the last word, the newest first."""
    if row.run is None:
        return 3, 0.0, row.name
    view = row.run.view
    if row.alive:
        return 0, -(view.started_t or 0.0), row.name
    if row.place is not None:
        return 1, float(row.place), row.name
    return 2, -(view.updated_t or 0.0), row.name


def _loss(row: RunRow) -> float | None:
    return row.run.view.last("loss") if row.run else None


def _best(row: RunRow) -> float | None:
    return row.best[1] if row.best and math.isfinite(row.best[1]) else None


_KEYS: dict[str, Callable[[RunRow], Any]] = {
    "name": lambda row: row.title.lower(),
    "state": lambda row: _STATES.index(row.word) if row.word in _STATES else len(_STATES),
    "steps": lambda row: row.run.view.step if row.run else None,
    "loss": _loss,
    "best": _best,
    "when": lambda row: row.run.view.updated_t if row.run else None,
    "model": lambda row: row.model.lower() or None,
    "tags": lambda row: " ".join(row.card.tags).lower() or None,
}
