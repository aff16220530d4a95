"""What a run of the draft would take, beside the form that changes it: memory as a stack, steps, time and disk.

The stack, the verdict and the length come first, so that a low pane keeps them. Ways to take less are the rows that the cursor
stops at: `Chosen` is posted with the keys that one of them changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.plan_facts import MemoryPlan, Remedy, RunPlan
from engine.service.protocol import Planned
from tui import words
from tui.facts import joined, texts
from tui.plan_parts import cells, highest, in_unit, parts_of, spelled, unit_of
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.widgets.painted import apart, row_width
from tui.widgets.scroller import Picker, Scroller

if TYPE_CHECKING:
    from tui.configure.planning import Planning
    from tui.tokens.model import Draft

_NAME, _SIZE, _GAP = 12, 5, 2
"""Cells of a name and of a size in the legend, and between its columns."""
_TIGHT = 0.9
"""Of a device that is fuller than that it is said: what a plan misses has no room."""
_MOST_WORDS = 4
"""Lines of a note or an error."""
_COLUMN = 2 + _NAME + _SIZE
_NARROW = 44
"""Columns below which the frame names no device."""
_TALL = 20
"""Rows from which the bar is two rows high and groups stand apart."""
_LOW = 9
"""Rows below which the legend is one line after the other, as short as can be."""


class PlanPane(Picker):
    """The pane."""

    class Chosen(Picker.Chosen):
        """A way to take less was chosen; `changes` are keys of the run file and their values."""

        def __init__(self, picker: PlanPane) -> None:
            super().__init__(picker)
            found = picker.remedy(picker.chosen)
            self.changes: dict[str, Any] = dict(found.changes) if found else {}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.planning: Planning | None = None
        self.draft: Draft | None = None
        self._head: list[Row] = []
        self._lines: list[Row] = []
        self._ways: dict[int, int] = {}
        """Row -> the way to take less that it belongs to."""
        self._made_for: tuple[object, ...] = ()

    def show(self, planning: Planning, draft: Draft | None) -> None:
        """Show what is known of a draft."""
        self.planning, self.draft = planning, draft
        self.repaint()

    # What is chosen

    @property
    def remedies(self) -> list[Remedy]:
        """Ways to take less."""
        planned = self.planned
        return planned.plan.remedies if planned else []

    def remedy(self, number: int) -> Remedy | None:
        """A way to take less, by its place; None where there is none."""
        return self.remedies[number] if 0 <= number < len(self.remedies) else None

    @property
    def chosen(self) -> int:
        """The way under the cursor; -1 for none."""
        return self._ways.get(self.cursor, -1)

    def choose(self) -> None:
        """Choose the way under the cursor."""
        self.count(max(1, self.inner[0]))
        if self.remedy(self.chosen) is not None:
            self.post_message(self.Chosen(self))

    @property
    def planned(self) -> Planned | None:
        """The plan that is shown."""
        return self.planning.planned if self.planning is not None and self.draft is not None else None

    # The frame

    def title(self) -> Row:
        """The device."""
        planned = self.planned
        if planned is None:
            return [("memory", "title")]
        if self.size.width < _NARROW:
            return [("memory", "title")]
        device = planned.plan.memory.device
        name = plain(device.name.removeprefix("NVIDIA "), 20)
        told = f"{spelled(device.bytes)} GPU" if name.startswith("a GPU of") else f"{name} {spelled(device.bytes)}"
        return [("memory ", "title"), (f"on {told}", "muted")]

    def badge(self) -> Row:
        """All of it, and whether it is old or near only."""
        planned, planning = self.planned, self.planning
        if planned is None or planning is None:
            return []
        memory = planned.plan.memory
        old = planning.stale or bool(planning.error)
        about = "was " if old else "plan " if planned.exact else "about "
        return [(about, "muted"), (spelled(memory.peak), "muted" if old else "title" if memory.fits else "bad")]

    # The rows

    def paint(self, width: int, height: int) -> list[Row]:
        """What counts stays above; the cursor, and the window after it, move only while the pane has the focus."""
        count = self.count(width)
        self.header_rows = len(self._head)
        if count and self.has_focus and self._ways:
            if self.cursor not in self._ways:
                self.cursor = min(self._ways)
            return super().paint(width, height)
        if not self.has_focus:
            self.top = 0
        return [*self._head, *Scroller.paint(self, width, height - self.header_rows)]

    def heading(self, width: int) -> list[Row]:
        """The stack and the verdict."""
        return self._head

    def selectable(self, index: int) -> bool:
        """The first row of each way to take less."""
        return index in self._ways and self._ways.get(index - 1) != self._ways[index]

    def step(self, rows: int) -> None:
        """Move the cursor; scroll where there is nothing to choose."""
        if self._ways:
            super().step(rows)
        else:
            Scroller.step(self, rows)

    def count(self, width: int) -> int:
        """Rows at this width."""
        planning, planned = self.planning, self.planned
        tall = self.inner[1] >= _TALL
        state = (planning.error, planning.doing, planning.busy, planning.stale) if planning is not None else None
        key = (id(planned), state, width, tall, id(self.draft))
        if self._made_for != key:
            self._made_for, self._ways, self._head, self._lines = key, {}, [], []
            if planned is not None:
                self._head = self._stack(planned.plan.memory, width, tall)
                self._lines = self._make(planned, width - 1, tall)
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One row."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """There is no plan yet, and why."""
        planning, glyphs = self.planning, self.glyphs
        waiting = "..." if glyphs.ascii_only else "…"
        if planning is None or self.draft is None:
            return [[("No run file is open.", "muted")]]
        if planning.error:
            return [[(f"{glyphs.warn} ", "warn"), ("there is no plan", "warn")], *_wrapped(planning.error, width, 8)]
        if not planning.busy:
            return [[("No model yet: nothing to plan.", "muted")]]
        said = planning.doing or "planning"
        more = "some seconds, once" if said == "loading libraries" else ""
        return [[(f"{said}{waiting}", "text")], [(more, "faint")]]

    def _stack(self, memory: MemoryPlan, width: int, tall: bool) -> list[Row]:
        """What is wrong, the bar, the verdict."""
        said = self.planning.error if self.planning is not None else ""
        bar = self._bar(memory, width)
        return [
            *([(f"{self.glyphs.warn} {line}", "warn")] for line in wrap(said, width - 2, 2) if said),
            *([bar, bar] if tall else [bar]),
            self._verdict(memory, width),
        ]

    def _make(self, planned: Planned, width: int, tall: bool) -> list[Row]:
        gap: list[Row] = [[]] if tall else []
        rows = [*self._length(planned, width), *gap, *self._legend(planned.plan.memory, width), *gap]
        rows += self._remarks(planned, width)
        if planned.plan.remedies:
            rows += [*gap, [("what would make it smaller", "key"), ("  enter", "faint")]]
        for number, remedy in enumerate(planned.plan.remedies):
            lines = self._way(remedy, width)
            self._ways |= {len(rows) + n: number for n in range(len(lines))}
            rows += lines
        return rows

    def _bar(self, memory: MemoryPlan, width: int) -> Row:
        """The parts as a stack: each begins with its letter. The device's end is where its mark is."""
        glyphs, room = self.glyphs, width - 1
        found = parts_of(memory)
        whole = max(memory.peak, memory.device.bytes, 1)
        end = min(room, round(room * memory.device.bytes / whole))
        cells_of = cells([size for _, size in found], whole, room)
        drawn: list[tuple[str, str]] = []
        for (part, _), count in zip(found, cells_of, strict=True):
            drawn += [(part.letter, f"{part.ink} reverse")] * min(1, count)
            drawn += [(glyphs.line, part.ink)] * max(0, count - 1)
        drawn += [(glyphs.cell_padding, "grid")] * (room - len(drawn))
        drawn.insert(end, (glyphs.limit, "muted" if memory.fits else "bad"))
        return _together(drawn)

    def _verdict(self, memory: MemoryPlan, width: int) -> Row:
        """Whether it fits."""
        glyphs, left = self.glyphs, memory.device.bytes - memory.peak
        if left < 0:
            said: Row = [(f"{glyphs.no} does not fit", "bad"), (f": {spelled(-left)} too much", "text")]
        elif memory.peak > _TIGHT * memory.device.bytes:
            said = [(f"{glyphs.warn} fits barely", "warn"), (f": {spelled(left)} left", "text")]
        else:
            said = [(f"{glyphs.yes} fits", "good"), (f": {spelled(left)} left", "text")]
        unit: Row = [(f"  parts in {unit_of(memory.peak)[0]}", "faint")]
        return apart(said, unit, width) if row_width(said) + row_width(unit) <= width else said

    def _length(self, planned: Planned, width: int) -> list[Row]:
        """Steps, epochs and tokens; time and disk."""
        plan, memory = planned.plan, planned.plan.memory
        again = (
            f"recomputes {memory.checkpointed_layers} of {memory.layers} layers" if memory.checkpointed_layers else ""
        )
        parts = [
            f"{words.count(plan.steps)} steps",
            f"{plan.epochs:.3g} epoch{'' if plan.epochs == 1 else 's'}",
            self._time(plan),
            f"disk {spelled(plan.disk)}",
            f"{words.short_count(plan.tokens)} tokens",
            f"{100 * (1 - plan.tokens / plan.cells):.0f} % padding" if plan.cells > plan.tokens else "",
            again,
        ]
        return _flow(texts([plain(part) for part in parts]), width, self)

    def _time(self, plan: RunPlan) -> str:
        if plan.seconds is None:
            return "time not known"
        off = plan.seconds_off
        sign = "+-" if self.glyphs.ascii_only else "±"
        return words.duration(plan.seconds) + (f" {sign} {words.duration(off)}" if off else "")

    def _legend(self, memory: MemoryPlan, width: int) -> list[Row]:
        """What each letter stands for, in as many columns as there is room for."""
        _, unit = unit_of(memory.peak)
        found = [(part.named(highest(memory)), part, in_unit(size, unit)) for part, size in parts_of(memory)]
        columns = max(1, (width + _GAP) // (_COLUMN + _GAP))
        if columns == 1 and self.inner[1] < _LOW:
            short = [[(part.letter, f"{part.ink} reverse"), (f" {name} {size}", "text")] for name, part, size in found]
            return _flow(short, width, self)
        lines = -(-len(found) // columns)
        rows: list[Row] = [[] for _ in range(lines)]
        for number, (name, part, size) in enumerate(found):
            row = rows[number % lines]
            entry: Row = [(part.letter, f"{part.ink} reverse"), (" " + pad(name, _NAME), "muted")]
            row += [*([(" " * _GAP, "")] if row else []), *entry, (pad(size, _SIZE, right=True), "text")]
        return rows

    def _remarks(self, planned: Planned, width: int) -> list[Row]:
        """What else is to be said."""
        plan, memory = planned.plan, planned.plan.memory
        said: list[tuple[str, str]] = []
        if not planned.exact and planned.rows > planned.rows_known:
            said.append((f"from {words.count(planned.rows_known)} of {words.count(planned.rows)} rows so far", "muted"))
        elif not planned.exact and not planned.rows:
            said.append((f"from the first {words.count(planned.rows_known)} rows so far", "muted"))
        if (moment := highest(memory)) != "training":
            said.append((f"{moment} takes the most; training {spelled(memory.training)}", "text"))
        if plan.earlier:
            said.append((_earlier([share for _, share in plan.earlier]), "muted"))
        if plan.pace_from:
            told = "a few layers timed here" if plan.pace_from == "timed" else plan.pace_from
            said.append((f"time from {told}", "muted"))
        said += [(f"note: {note}", "muted") for note in memory.notes]
        return [row for text, ink in said for row in _wrapped(text, width, _MOST_WORDS, ink)]

    def _way(self, remedy: Remedy, width: int) -> list[Row]:
        """What it saves, the keys, and what it costs."""
        saves = pad(f"-{spelled(remedy.saves)}", 9)
        keys = ", ".join(f"{key.rpartition('.')[2]} {_value(value)}" for key, value in remedy.changes.items())
        cost = remedy.cost if remedy.same_result else f"{remedy.cost}; another result"
        first, *rest = wrap(plain(keys), width - 10) or [""]
        return [
            [(saves, "good"), (" " + first, "text")],
            *([(" " * 10, ""), (line, "text")] for line in rest),
            *([(" " * 2, ""), (line, "faint")] for line in wrap(plain(cost), width - 2, 2)),
        ]


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _earlier(shares: list[float]) -> str:
    """How earlier runs kept their plans."""
    if len(shares) == 1:
        return f"an earlier run took {shares[0]:.2f} of its plan"
    return f"earlier runs took {min(shares):.2f} to {max(shares):.2f} of plan"


def _wrapped(text: str, width: int, most: int, ink: str = "text") -> list[Row]:
    return [[(line, ink)] for line in wrap(text, width, most)]


def _flow(parts: list[Row], width: int, pane: PlanPane) -> list[Row]:
    """Parts with dots between them, on as many rows as they take."""
    lines: list[list[Row]] = [[]]
    for part in parts:
        if lines[-1] and row_width(joined([*lines[-1], part], pane.glyphs)) > width:
            lines.append([])
        lines[-1].append(part)
    return [joined(line, pane.glyphs) for line in lines]


def _together(drawn: list[tuple[str, str]]) -> Row:
    """Cells of one ink in one piece."""
    row: Row = []
    for text, ink in drawn:
        if row and row[-1][1] == ink:
            row[-1] = (row[-1][0] + text, ink)
        else:
            row.append((text, ink))
    return row
