"""The checkpoints of a run: step, size, the evaluation of that step, which is the best, and which are still there."""

from __future__ import annotations

from pathlib import Path

from engine.runs import events as e
from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.text import pad, plain
from tui.widgets.run_tabs import RunTab
from tui.widgets.scroller import Picker

_LOOK_S = 5.0


class CheckpointsPane(RunTab, Picker):
    """The newest first. What is still there is looked up every few seconds."""

    name_of = "checkpoints"
    about = "What was saved, the newest first. Old ones are removed as train.keep says; the best one is kept."

    def depends(self, view: RunView) -> object:
        """The checkpoints; and the time, as they are removed without a word."""
        return (tuple(item.seq for item in view.checkpoints), int((view.updated_t or 0.0) // _LOOK_S))

    @property
    def all(self) -> list[e.Checkpoint]:
        """The checkpoints in the order of the list."""
        return list(reversed(self.run.view.checkpoints)) if self.run else []

    @property
    def current(self) -> e.Checkpoint | None:
        """The one under the cursor."""
        found = self.all
        return found[self.cursor] if self.cursor < len(found) else None

    def path_of(self, checkpoint: e.Checkpoint) -> Path:
        """Where it is, or was."""
        assert self.run is not None
        return self.run.dir.checkpoints / checkpoint.path

    def make(self, width: int) -> list[Row]:
        """A line each."""
        assert self.run is not None
        found = self.all
        kept = {item.step for item in found if self.path_of(item).is_dir()}
        best = next((item.step for item in found if item.best), None)
        held_out = self.run.view.series.get("eval_loss")
        losses = dict(zip(held_out.steps, held_out.values, strict=True)) if held_out else {}
        return [
            self._line(item, losses.get(float(item.step)), item.step in kept, item.step == best, width)
            for item in found
        ]

    def _line(self, item: e.Checkpoint, loss: float | None, kept: bool, best: bool, width: int) -> Row:
        glyphs = self.glyphs
        row: Row = [
            (f"{glyphs.best if best else ' '} ", "eval"),
            (pad(words.count(item.step), 8, right=True), "text" if kept else "faint"),
            (pad(words.short_bytes(item.bytes) if item.bytes else "", 9, right=True), "muted"),
            (pad(f"eval {words.loss(loss)}" if loss is not None else "", 12, right=True), "eval"),
            (f"  {glyphs.yes} kept   " if kept else f"  {glyphs.no} removed", "good" if kept else "faint"),
        ]
        room = width - sum(len(text) for text, _ in row) - 2
        if room >= 12:
            row.append(("  " + plain(item.path, room), "faint"))
        return row

    def empty(self, width: int) -> list[Row]:
        """None yet."""
        plan = self.run.view.plan if self.run else None
        if plan is not None and plan.save_every and self.run is not None and self.run.alive:
            return [[(f"None yet: one every {words.count(plan.save_every)} steps; c saves one now.", "faint")]]
        return [[("None yet.", "faint")]]
