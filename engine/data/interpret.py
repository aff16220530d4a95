"""What the rows of a source mean: which format, by which columns, and why. Browsing and training ask the same function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.config.data import DataSection
from engine.data.base import Converted, Format
from engine.data.conversation import Conversation
from engine.data.formats import (
    Detection,
    columns_for,
    detect,
    format_named,
    format_problem,
    named,
    names_of,
    unread_columns,
)
from engine.data.rows import Row

SAMPLE_ROWS = 200
"""Rows that a format is told by."""
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read. Without a `form` they can be browsed only, and `problem` says why."""

    format: str = ""
    reason: str = ""
    confidence: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    """Role -> column."""
    detections: list[Detection] = field(default_factory=list)
    """What the rows could be read as, likeliest first."""
    unread: list[str] = field(default_factory=list)
    """Columns that the format does not use."""
    remark: str = ""
    """What a person should know of the way the rows are read: which side of a pair, which speaker."""
    problem: str = ""
    form: Format | None = None

    @property
    def gathers(self) -> bool:
        """Whether a conversation is spread over rows, so that one row alone is a turn of it."""
        return self.form is not None and self.form.gathers

    @property
    def is_guess(self) -> bool:
        """Whether somebody should confirm it before it is trained on: other columns than usual are taken for its roles."""
        usual = (
            {role: column for role, column in self.form.roles.items() if not role.endswith("?")} if self.form else {}
        )
        return self.confidence == "possible" and self.required != usual

    @property
    def required(self) -> dict[str, str]:
        """Role -> column of the roles that the format cannot do without."""
        roles = self.form.roles if self.form else ()
        return {role: self.columns[role] for role in roles if not role.endswith("?")}

    def convert(self, row: Row) -> list[Conversation]:
        """The conversations in one row. Raises RowError when it does not fit the format."""
        if self.form is None:
            return [Conversation(row.origin, (), row.values)] if self.format == CUSTOM else []
        return self.form.convert(row, self.columns)

    def convert_all(self, rows: Iterable[Row]) -> Converted:
        """All conversations, the rows that do not fit, and what was left out of those that do."""
        if self.form is None:
            return Converted([conversation for row in rows for conversation in self.convert(row)], [], {})
        return self.form.convert_all(rows, self.columns)


def interpret(rows: Sequence[Row], section: DataSection) -> Reading:
    """Decide how the rows of a source are read, from the first of them and what the run file says."""
    sample = rows[:SAMPLE_ROWS]
    if section.template == CUSTOM:
        return Reading(CUSTOM, "the template names the columns", "certain")
    if not sample:
        return Reading(
            problem=f"{section.path} holds no row that can be read. Check that it is the right file and was written to its end."
        )
    detections = detect(sample, section.columns, section.assistant)
    if section.format != "auto":
        best = Detection(
            section.format,
            "named in the run file",
            "certain",
            {str(role): column for role, column in section.columns.items()},
        )
    elif detections:
        best = detections[0]
    else:
        return Reading(problem=_unknown(sample, section))
    name, chosen = best.name, best.columns
    form = format_named(name, section.assistant)
    columns = columns_for(form, chosen, names_of(sample))
    problem = format_problem(name, sample, chosen, section.assistant)
    if problem:
        return Reading(name, best.reason, best.confidence, columns, detections, problem=f"{section.path}: {problem}")
    unread = unread_columns(form, sample, columns)
    remark = form.remark(sample, columns)
    return Reading(name, best.reason, best.confidence, columns, detections, unread, remark, form=form)


def _unknown(sample: Sequence[Row], section: DataSection) -> str:
    return (
        f"{section.path}: its columns fit no known format. It has the columns {named(names_of(sample))}. "
        'Say which is which, for example columns = {prompt = "…", answer = "…"} under [[data]].'
    )
