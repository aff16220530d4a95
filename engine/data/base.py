"""What a format is: the roles of its columns, and the way from a row to its conversations.

A format is a value without state. A row that does not fit it costs that row and no other, and whatever is left out of a
row that does fit is counted by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from engine.data.conversation import Conversation
from engine.data.rows import BadLine, Row
from engine.data.turns import Columns, RowError

Counts = Counter[str] | None


class Converted(NamedTuple):
    """What rows became."""

    conversations: list[Conversation]
    misfits: list[BadLine]
    """Rows that do not fit the format, and why."""
    counts: dict[str, int]
    """What was left out of rows that do fit, by reason: "messages that were deleted" -> 3."""


class Format:
    """A way to read rows."""

    gathers: ClassVar[bool] = False
    """Whether a conversation is spread over rows, so that only `convert_all` can find it."""
    also_reads: ClassVar[tuple[str, ...]] = ()
    """Columns that are read beside those with a role."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Role -> usual column name. Optional roles end with "?"."""
        raise NotImplementedError

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        """Role -> other names that such a column often has, in lower case."""
        return {}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        """Return the conversations in a row, mostly one; `columns` maps roles to column names. Raises RowError."""
        raise NotImplementedError

    def convert_all(self, rows: Iterable[Row], columns: Columns) -> Converted:
        """Convert each row; the only way for a format that gathers."""
        conversations: list[Conversation] = []
        misfits: list[BadLine] = []
        counts: Counter[str] = Counter()
        convert = self.convert
        for row in rows:
            try:
                conversations += convert(row, columns, counts)
            except RowError as error:
                misfits.append(BadLine(row.origin, str(error)))
        return Converted(conversations, misfits, dict(counts))

    def fitting(self, rows: Sequence[Row], columns: Columns) -> tuple[int, str]:
        """How many rows fit, and why the first of the others does not."""
        converted = self.convert_all(rows, columns)
        return len(rows) - len(converted.misfits), converted.misfits[0].reason if converted.misfits else ""

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        """What a person should know of the way this format reads the rows, or ""."""
        return ""
