"""The warnings of a run, explained: what was said, what it means, what to do, and the step where there is one."""

from __future__ import annotations

from engine.runs import events as e
from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.text import wrap
from tui.widgets.run_tabs import RunTab
from tui.widgets.scroller import Picker

MEANINGS: dict[str, str] = {
    "loss_spike": "One batch was much harder than those before it, or the step before it went too far. One that falls back at "
    "once does no harm; its rows may be broken or in another language.",
    "loss_spikes": "Many jumps mean that the steps are too large: what was learned is partly undone each time.",
    "out_of_memory": "The device had no room for the batch. It is cut into smaller parts, which gives the same result and takes "
    "longer.",
    "best_lost": "The result is not what the evaluations found best, because that checkpoint cannot be read any more.",
    "nothing_learned": "On the held-out rows training made nothing better: the model learned its rows by heart, or not at all.",
    "bad_lines": "Lines of a data file could not be read, and the run file allows to skip them.",
    "not_paged": "The optimiser's state stays on the device: memory that it takes cannot be given to others.",
    "unquantised_experts": "Parts of the model stay in full precision: it takes more memory than its size in bits says.",
}
"""What a warning means, by its code; a code that is not here is told by its own words."""


class WarningsPane(RunTab, Picker):
    """The newest first, each with its explanation; the one under the cursor is lifted."""

    name_of = "warnings"
    about = (
        "What the worker warned of, the newest first, with what it means and what can be done. enter leads to the rows."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._of: list[int] = []
        """For each line the warning it belongs to."""

    def depends(self, view: RunView) -> object:
        """The warnings."""
        return tuple(item.seq for item in view.warnings)

    @property
    def all(self) -> list[e.Warning_]:
        """The warnings in the order of the list; one that a resumed worker said again, once."""
        if self.run is None:
            return []
        return list({(item.message, item.step): item for item in reversed(self.run.view.warnings)}.values())

    @property
    def current(self) -> e.Warning_ | None:
        """The one under the cursor."""
        found = self.all
        return found[self._of[self.cursor]] if self.cursor < len(self._of) else None

    def selectable(self, index: int) -> bool:
        """The cursor stands on the first line of each."""
        return index == 0 or (index < len(self._of) and self._of[index] != self._of[index - 1])

    def make(self, width: int) -> list[Row]:
        """Message; meaning; what to do."""
        rows: list[Row] = []
        self._of = []
        for number, item in enumerate(self.all):
            made = self._told(item, width)
            rows += made
            self._of += [number] * len(made)
        self.cursor = min(self.cursor, max(0, len(rows) - 1))
        while self.cursor and not self.selectable(self.cursor):
            self.cursor -= 1
        return rows

    def _told(self, item: e.Warning_, width: int) -> list[Row]:
        glyphs = self.glyphs
        step = f"step {words.count(item.step)}  " if item.step is not None else ""
        rows: list[Row] = []
        for i, line in enumerate(wrap(step + item.message, width - 2, 4)):
            rows.append([(f"{glyphs.warn} " if i == 0 else "  ", "warn"), (line, "text")])
        if meaning := MEANINGS.get(item.code, ""):
            rows += [[("  ", ""), (line, "muted")] for line in wrap(meaning, width - 2, 5)]
        if item.hint:
            lead = f"{glyphs.arrow} "
            rows += [
                [("  " + (lead if i == 0 else " " * len(lead)), "accent"), (line, "text")]
                for i, line in enumerate(wrap(item.hint, max(8, width - 2 - len(lead)), 4))
            ]
        return rows

    def empty(self, width: int) -> list[Row]:
        """None."""
        return [[("None.", "faint")]]
