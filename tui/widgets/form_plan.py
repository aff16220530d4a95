"""The plan of a draft as two lines: whether it fits, and how long it takes; for terminals that have no room for its pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import words
from tui.plan_parts import spelled
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import Painted, row_width

if TYPE_CHECKING:
    from engine.plan_facts import RunPlan
    from tui.configure.planning import Planning


def memory_words(plan: RunPlan) -> tuple[str, bool]:
    """Such as "9.1 GiB of 139 GiB on NVIDIA H200", and whether it fits."""
    memory = plan.memory
    return f"{spelled(memory.peak)} of {spelled(memory.device.bytes)} on {memory.device.name}", memory.fits


def course_words(plan: RunPlan) -> str:
    """Such as "1,200 steps · 2.9 epochs · 41 min"; the dots are for the caller to put in."""
    parts = [f"{words.count(plan.steps)} steps", f"{plan.epochs:.3g} epochs"]
    if plan.seconds is not None:
        parts.append(words.duration(plan.seconds))
    if plan.disk:
        parts.append(f"disk {spelled(plan.disk)}")
    return "\n".join(parts)


class PlanLines(Painted):
    """The lines."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.planning: Planning | None = None

    def show(self, planning: Planning) -> None:
        """Show what is known."""
        self.planning = planning
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """Memory; steps and time."""
        planning = self.planning
        if planning is None:
            return []
        label: Row = [(" plan  ", "muted")]
        if planning.planned is None:
            waiting = "..." if self.glyphs.ascii_only else "…"
            said = planning.error or (f"{planning.doing or 'planning'}{waiting}" if planning.busy else "")
            return [[*label, (plain(said, width - 8), "warn" if planning.error else "muted")]]
        plan = planning.planned.plan
        text, fits = memory_words(plan)
        old = planning.stale or bool(planning.error)
        mark = self.glyphs.yes if fits else self.glyphs.no
        first: Row = [
            *label,
            (f"{mark} ", "good" if fits else "bad"),
            ("was: " if old else "fits: " if fits else "does not fit: ", "muted" if old else "text"),
            (plain(text, width - 24), "muted" if old else "text"),
        ]
        second: Row = [("       ", "")]
        for part in course_words(plan).split("\n"):
            gap: Row = [(f" {self.glyphs.between} ", "faint")] if len(second) > 1 else []
            if row_width(second) + row_width(gap) + len(part) <= width:
                second += [*gap, (part, "muted")]
        return [first, second]
