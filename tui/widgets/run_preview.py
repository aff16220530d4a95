"""What is to be known of the run under the cursor: its outcome and what to do, its note, its figures, what is new about it."""

from __future__ import annotations

from engine.runs.card import Card
from engine.runs.store import Run
from tui import words
from tui.earlier import Earlier, earlier_like
from tui.facts import LABEL_WIDTH, fact, figures, outcome, texts
from tui.rows import Row
from tui.run_table import state_of
from tui.shelf import NO_CARD
from tui.text import plain, wrap
from tui.widgets.painted import Painted

_MOST_NOTE_LINES = 4
_MOST_DIFFERENCES = 8
_FEW_DIFFERENCES = 4


class RunPreview(Painted):
    """The pane. `show` takes a run or none."""

    framed = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.run: Run | None = None
        self.waits = ""
        """What a queued run waits for, in words."""
        self._earlier = Earlier()
        self._news: tuple[object, list[str], str] = (None, [], "")

    def show(self, run: Run | None, waits: str = "") -> None:
        """Tell about a run; None for none."""
        self.run, self.waits = run, waits
        self.repaint()

    @property
    def _card(self) -> Card:
        return self.luthier.shelf.card(self.run.dir.name) if self.run else NO_CARD

    @property
    def _state(self) -> str:
        return "queued" if self.waits else state_of(self.run)

    def title(self) -> Row:
        """The name of the folder: the one that commands take."""
        return [(plain(self.run.dir.name, 40), "title")] if self.run else [("run", "title")]

    def badge(self) -> Row:
        """Its state."""
        if self.run is None:
            return []
        state = self._state
        row: Row = [(f"{self.glyphs.states[state]} {words.state(state)}", words.STATE_ROLE[state])]
        return [*row, (" archived", "muted")] if self._card.archived else row

    def paint(self, width: int, height: int) -> list[Row]:
        """What a person wants to know first comes first; the rest as far as there is room."""
        run = self.run
        if run is None:
            return []
        reason = "" if self.waits else self.luthier.link.reason(run)
        parts = [self._end(run, reason, width), self._said(width), self._differences(run, width)]
        rows: list[Row] = []
        for part in (*parts, self._figures(run, width)):
            rows += [[]] * bool(rows and part) + part
        if len(rows) <= height:
            return rows
        return [row for row in rows if row][:height]

    def _end(self, run: Run, reason: str, width: int) -> list[Row]:
        if self.waits:
            rows: list[Row] = [[(f"{self.glyphs.states['queued']} ", "muted"), (plain(self.waits, width - 2), "text")]]
            step = "It starts by itself when its turn comes. { } change its turn, x takes it out."
            return rows + [[(line, "muted")] for line in wrap(step, width, 3)]
        if state_of(run) == "paused":
            return [[(line, "warn")] for line in wrap("It pauses: Monitor (enter) lets it go on.", width, 2)]
        return outcome(run, reason, width, self.glyphs)

    def _said(self, width: int) -> list[Row]:
        card = self._card
        rows: list[Row] = [[(plain(card.title, width), "title")]] if card.title else []
        if card.tags:
            rows += fact("tags", [[(plain(tag, 40), "accent")] for tag in card.tags], width, self.glyphs)
        if card.note:
            lines = wrap(card.note, max(8, width - LABEL_WIDTH), _MOST_NOTE_LINES)
            rows += [
                [(("note" if i == 0 else "").ljust(LABEL_WIDTH), "muted"), (line, "text")]
                for i, line in enumerate(lines)
            ]
        return rows

    def _differences(self, run: Run, width: int) -> list[Row]:
        """What is new against the nearest earlier run of its kind."""
        others = self.luthier.link.runs
        other = earlier_like(run, others.values())
        if other is None:
            return []
        key = (run.dir.name, other.dir.name, run.view.model)
        if self._news[0] != key:
            self._news = (key, self._earlier.differing(run, other), other.dir.name)
        changes = self._news[1]
        arrow = self.glyphs.arrow
        name = plain(other.dir.name, 30)
        if not changes:
            text = f"same settings as {name}"
            return [[(line, "muted")] for line in wrap(text, width, 2)]
        most = _MOST_DIFFERENCES if self.size.height > 16 else _FEW_DIFFERENCES
        shown = [change.replace(" -> ", f" {arrow} ") for change in changes[:most]]
        more = [f"and {len(changes) - len(shown)} more"] if len(changes) > len(shown) else []
        rows: list[Row] = [[(line, "muted")] for line in wrap(f"differs from {name}:", width, 2)]
        return rows + [
            [(("  " if i == 0 else "    ") + line, "text")]
            for change in [*shown, *more]
            for i, line in enumerate(wrap(change, max(8, width - 4), 3))
        ]

    def _figures(self, run: Run, width: int) -> list[Row]:
        place = fact("folder", texts([plain(place_of(run), 200)]), width, self.glyphs)
        return [*figures(run, width, self.glyphs), *place]


def place_of(run: Run) -> str:
    """The folder of a run."""
    return str(run.dir.path)
