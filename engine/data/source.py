"""A source: one [[data]] table, read and normalised. Used alike by training, inspection and evaluation."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from engine.config.data import DataSection
from engine.data.conversation import Conversation
from engine.data.exclude import excluded_rows
from engine.data.interpret import Reading, interpret
from engine.data.learned import unlearned
from engine.data.oasst import BELOW
from engine.data.open import HELD_OUT_SPLITS, is_hub, open_table, splits_of
from engine.data.presets import apply_preset
from engine.data.rows import BadLine, Record, Row
from engine.errors import DataError

SHOWN_BAD_LINES = 20


@dataclass(frozen=True, slots=True)
class Source:
    """What one [[data]] table gave."""

    section: DataSection
    path: Path
    sha256: str
    """What the rows are known by; see `Table.fingerprint`."""
    commit: str
    """On the hub, the commit that was read; else ""."""
    format: str
    reason: str
    """Why the format was chosen."""
    conversations: list[Conversation]
    bad: list[BadLine]
    skipped: dict[str, int]
    """Rows that can be read but not trained on: reason -> count."""
    unread: list[str]
    """Columns that the format does not use."""
    passed_over: dict[str, int] = field(default_factory=dict)
    """Parts of rows that are used otherwise: "questions that nobody answered" -> 226."""
    excluded: dict[str, int] = field(default_factory=dict)
    """Rows that the run file leaves out: finding, or "by number" -> count."""
    held_out: list[Conversation] | None = None
    """Held-out conversations that the source brings itself; None where they are drawn."""
    held_out_from: str = ""
    """Which split or file they are from."""
    gathers: bool = False
    """Whether a conversation may be spread over several rows."""
    rows_read: int = 0
    """Rows of the file that were read, those that cannot be used among them."""
    renumbered: dict[str, int] = field(default_factory=dict)
    """Origin -> number of the row, where the origin does not end with it: behind blank lines, in folders of files."""

    def row_number(self, conversation: Conversation) -> int | None:
        """The number from 1 by which `exclude.rows` names the row of a conversation; None where that is not one row."""
        if self.gathers:
            return None
        return self.renumbered.get(conversation.origin) or _last_number(conversation.origin)


def read_source(section: DataSection) -> Source:
    """Read and normalise one source.

    Raises DataError when it is missing or of an unknown kind, when it holds no row, when its columns fit no format, when
    lines are bad and `bad_lines` is "refuse", and when no row has an answer.
    """
    section = apply_preset(section)
    other = held_out_section(section)
    held_out = read_source(other) if other else None
    table = open_table(section)
    try:
        records = list(islice(table.scan(), section.max_rows))
        if table.problem:
            raise DataError(table.problem)
        sha256, commit = table.fingerprint, table.commit
    finally:
        table.close()
    return _source(section, sha256, commit, records, held_out, other)


def _source(
    section: DataSection,
    sha256: str,
    commit: str,
    records: list[Record],
    held_out: Source | None,
    other: DataSection | None,
) -> Source:
    path = Path(section.path)
    if not records:
        raise DataError(f"{path} holds no rows. Check that it is the right file and was written to its end.")
    rows = [record for record in records if isinstance(record, Row)]
    if not rows:
        raise DataError(_refusal(path, [r for r in records if isinstance(r, BadLine)], len(records), "skip"))
    reading = interpret(rows, section)
    if reading.problem or reading.is_guess:
        raise DataError(reading.problem or _guessed(path, reading))
    against = held_out.conversations if held_out else []
    leave_out = excluded_rows(records, section, reading, sha256, against)
    wanted = [record for number, record in enumerate(records, 1) if number not in leave_out.rows]
    converted = reading.convert_all(record for record in wanted if isinstance(record, Row))
    conversations = converted.conversations
    misfits = converted.misfits
    if reading.gathers and leave_out.rows:
        # What replies to a message that was left out is left out with it; the data are not to blame.
        before = {line.origin for line in reading.convert_all(rows).misfits}
        misfits = [line for line in misfits if line.origin in before]
        leave_out.counts[BELOW] = len(converted.misfits) - len(misfits)
    bad = [record for record in wanted if isinstance(record, BadLine)] + misfits
    if bad and (section.bad_lines == "refuse" or not conversations):
        raise DataError(_refusal(path, bad, len(records), section.bad_lines))
    kept, skipped = _trainable(conversations, section)
    if not kept:
        reasons = ", ".join(f"{count} {why}" for why, count in {**skipped, **leave_out.counts}.items())
        raise DataError(f"{path}: none of its {len(records)} rows can be trained on: {reasons}. Check the columns.")
    return Source(
        section=section,
        path=path,
        sha256=sha256,
        commit=commit,
        format=reading.format,
        reason=reading.reason,
        conversations=kept,
        bad=bad,
        skipped=skipped,
        passed_over=converted.counts,
        unread=reading.unread,
        excluded=leave_out.counts,
        held_out=held_out.conversations if held_out else None,
        held_out_from=(other.split or other.path) if other else "",
        gathers=reading.gathers,
        rows_read=len(records),
        renumbered={r.origin: n for n, r in enumerate(records, 1) if n != _last_number(r.origin)},
    )


def _last_number(origin: str) -> int | None:
    digits = origin[max(origin.rfind(":"), origin.rfind("#")) + 1 :]
    return int(digits) if digits.isdecimal() else None


def held_out_section(section: DataSection) -> DataSection | None:
    """Where held-out rows are read from; None where they are drawn."""
    if section.held_out == "draw":
        return None
    same = {"held_out": "draw", "exclude": type(section.exclude)(), "max_rows": None, "weight": None}
    splits = splits_of(section) if is_hub(section) or Path(section.path).is_dir() else []
    if section.held_out == "auto":
        beside = [name for name in HELD_OUT_SPLITS if name in splits and name != section.split]
        if section.split not in (None, "train") or not beside or "train" not in splits or section.streaming:
            return None
        return section.model_copy(update={**same, "split": beside[0]})
    if section.held_out in splits:
        return section.model_copy(update={**same, "split": section.held_out})
    if not Path(section.held_out).exists():
        known = f" Splits of {section.path}: {', '.join(splits)}." if splits else ""
        raise DataError(f"held_out = {section.held_out!r} is no split of {section.path} and no file.{known}")
    if os.path.exists(section.path) and os.path.samefile(section.path, section.held_out):
        raise DataError(
            f"held_out = {section.held_out!r} is the file that is trained on. Name another one, or draw them."
        )
    return section.model_copy(update={**same, "path": section.held_out, "split": None, "streaming": False})


def _trainable(conversations: list[Conversation], section: DataSection) -> tuple[list[Conversation], dict[str, int]]:
    """Leave out rows without anything to learn, and count them by reason."""
    kept: list[Conversation] = []
    skipped: Counter[str] = Counter()
    for conversation in conversations:
        reason = unlearned(conversation, section)
        if reason:
            skipped[reason] += 1
        else:
            kept.append(conversation)
    return kept, dict(skipped)


def _guessed(path: Path, reading: Reading) -> str:
    columns = ", ".join(f'{role} = "{column}"' for role, column in reading.required.items())
    return (
        f"{path}: it looks like format {reading.format} ({reading.reason}), which is no more than a guess. If it is right, say "
        f'so under [[data]]: format = "{reading.format}" and columns = {{{columns}}}.'
    )


def _refusal(path: Path, bad: list[BadLine], total: int, policy: str) -> str:
    shown = "\n".join(f"  {line.origin} {line.reason}" for line in bad[:SHOWN_BAD_LINES])
    more = len(bad) - SHOWN_BAD_LINES
    rest = f"\n  … and {more} more; `luthier data {path} --json` names all" if more > 0 else ""
    cure = 'Mend them, or set bad_lines = "skip" under [[data]] to leave them out.' if policy == "refuse" else ""
    return f"{path}: {len(bad)} of {total} lines cannot be used:\n{shown}{rest}\n{cure}".rstrip()
