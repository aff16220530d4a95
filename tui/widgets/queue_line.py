"""One line about the queue: on which device how many runs wait, and which one starts next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.runs.ticket import Ticket
from tui.facts import joined
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import Painted, row_width


class QueueLine(Painted):
    """The line; empty where nothing waits."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.tickets: Sequence[Ticket] = ()

    def show(self, tickets: Sequence[Ticket]) -> None:
        """Tell about these runs, in the order in which they start."""
        self.tickets = tickets
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """One row."""
        if not self.tickets:
            return []
        devices = Counter(_device(ticket.device) for ticket in self.tickets)
        told = [f"{count} {where}" for where, count in devices.items()]
        lead: Row = [(f"  {self.glyphs.states['queued']} ", "accent"), (f"{len(self.tickets)} queued", "title")]
        keys: list[Row] = [[("{ }", "key"), (" order", "muted")], [("x", "key"), (" take out", "muted")]]
        after: Row = [("next ", "muted"), (plain(self.tickets[0].run, 24), "text")]
        places: Row = [(", ".join(told), "muted")]
        for parts in ([after, places, *keys], [after, *keys], [after], []):  # whole parts only
            row = joined([lead, *parts], self.glyphs)
            if row_width(row) <= width:
                break
        return [row]


def _device(device: str) -> str:
    if not device:
        return "for the first device that is free"
    return f"for GPU {device}" if device.isdecimal() else f"for {plain(device, 12)}"
