"""One line about the queue: on which device how many runs wait, and which one starts next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.runs.ticket import Ticket
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import Painted


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
        told = ", ".join(f"{count} {where}" for where, count in devices.items())
        row: Row = [(f"  {self.glyphs.states['queued']} ", "accent"), ("queue ", "title"), (f"{told} ", "text")]
        first = plain(self.tickets[0].run, 24)
        return [
            [
                *row,
                (f"next {first}  ", "muted"),
                ("{ }", "key"),
                (" order  ", "muted"),
                ("x", "key"),
                (" take out", "muted"),
            ]
        ]


def _device(device: str) -> str:
    if not device:
        return "for the first device that is free"
    return f"for GPU {device}" if device.isdecimal() else f"for {plain(device, 12)}"
