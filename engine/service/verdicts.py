"""What is said of a row in a list: ok, unreadable, misfit, or left out, and why."""

from __future__ import annotations

from typing import Literal

from engine.config.data import DataSection
from engine.data.interpret import Reading
from engine.data.learned import unlearned
from engine.data.row_error import RowError
from engine.data.rows import BadLine, Record

State = Literal["ok", "unreadable", "misfit", "excluded"]


class Verdicts:
    """Judges the rows of a source as a run with this section would take them.

    Rows that findings exclude are known only where the source was examined: `marks` has a byte a row, 0 for none and else
    the place of its rule in `exclude.findings`, from 1.
    """

    def __init__(self, section: DataSection, reading: Reading, marks: bytes = b"") -> None:
        self._section = section
        self._reading = reading
        self._by_number = frozenset(number - 1 for number in section.exclude.rows)
        self._marks = marks
        self._most = section.max_rows

    def of(self, row: int, record: Record) -> tuple[State, str]:
        """(state, why) of a row, counted from 0."""
        return self._judge(row, record)[:2]

    def keeps(self, row: int, record: Record) -> bool:
        """Whether a run would take it."""
        return self._judge(row, record)[0] == "ok"

    def taken(self, row: int, record: Record) -> int:
        """How many conversations a run would take from a row; 1 for formats that gather them from many rows."""
        return self._judge(row, record)[2]

    def _judge(self, row: int, record: Record) -> tuple[State, str, int]:
        if isinstance(record, BadLine):
            return "unreadable", record.reason, 0
        if row in self._by_number:
            return "excluded", "left out by exclude.rows", 0
        if row < len(self._marks) and self._marks[row]:
            rule = self._section.exclude.findings[self._marks[row] - 1]
            return "excluded", f"left out by exclude.findings: {rule}", 0
        if self._most is not None and row >= self._most:
            return "excluded", f"beyond max_rows = {self._most}", 0
        if self._reading.problem:
            return "ok", "", 0
        try:
            conversations = self._reading.convert(record)
        except RowError as error:
            return "misfit", str(error), 0
        if self._reading.form is not None and self._reading.form.gathers:
            return "ok", "", 1  # only all rows together say what can be learned
        reasons = [unlearned(conversation, self._section) for conversation in conversations]
        if all(reasons):
            return "excluded", f"nothing to learn: {reasons[0] if reasons else 'no conversation'}", 0
        return "ok", "", reasons.count("")
