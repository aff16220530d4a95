"""Rows that a run refuses: lines that cannot be read, and rows that do not fit their format."""

from __future__ import annotations

from typing import ClassVar

from engine.data.quality.base import Rule, Severity, View, clipped
from engine.data.rows import BadLine


class Unreadable(Rule):
    """The line, record or element is no row."""

    title: ClassVar[str] = "Rows that cannot be read"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "They hold no row; a run refuses the source, so that nothing is lost without being told."
    cure: ClassVar[str] = 'Mend them, or leave them out; bad_lines = "skip" leaves out whatever cannot be used.'

    def refuse(self, number: int, line: BadLine) -> None:
        """A row that cannot be read."""
        self.found(number, f"{line.origin} {clipped(line.reason)}")


class Misfit(Rule):
    """The row can be read and does not fit the format."""

    title: ClassVar[str] = "Rows that do not fit the format"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "No conversation can be made of them; a run refuses the source."
    cure: ClassVar[str] = "Correct the format or its columns, mend the rows, or leave them out."

    def look(self, row: View) -> None:
        if row.misfit:
            self.found(row.number, clipped(row.misfit))
