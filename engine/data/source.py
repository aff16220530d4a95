"""A source: one [[data]] table, read and normalised. Used alike by training, inspection and statistics."""

from __future__ import annotations

import hashlib
import os
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.config.data import DataSection
from engine.data.arrow import read_arrow, read_saved
from engine.data.conversation import Conversation
from engine.data.formats import FORMATS, Format, columns_for, detect, unread_columns
from engine.data.jsonl import parse, read_jsonl
from engine.data.rows import BadLine, Records, Row
from engine.data.running_text import TextUnit, read_text
from engine.data.stream import ending, open_bytes
from engine.data.tables import read_csv, read_json, read_parquet, read_tsv
from engine.data.turns import Columns, RowError
from engine.errors import DataError

READERS: dict[str, Callable[[Path], Records]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
}
TEXT = ".txt"
ENDINGS = sorted([*READERS, TEXT])
SHOWN_BAD_LINES = 20


@dataclass(frozen=True, slots=True)
class Source:
    """What one [[data]] table gave."""

    section: DataSection
    path: Path
    sha256: str
    format: str
    reason: str
    """Why the format was chosen."""
    conversations: list[Conversation]
    bad: list[BadLine]
    skipped: dict[str, int]
    """Rows that can be read but not trained on: reason -> count."""
    unread: list[str]
    """Columns that the format does not use."""


def read_source(section: DataSection) -> Source:
    """Read and normalise one source.

    Raises DataError when the file is missing or of an unknown kind, when it holds no row, when its columns fit no
    format, when lines are bad and `bad_lines` is "refuse", and when no row has an answer.
    """
    path = Path(section.path)
    records = read_records(path, section.text_unit)
    if not records.rows and not records.bad:
        raise DataError(f"{path} holds no rows. Check that it is the right file and was written to its end.")
    rows = records.rows[: section.max_rows]
    name, reason = _format_of(path, rows, section)
    conversations, misfits = _convert(rows, name, section)
    bad = records.bad + misfits
    if bad and (section.bad_lines == "refuse" or not conversations):
        raise DataError(_refusal(path, bad, len(records.rows) + len(records.bad), section.bad_lines))
    kept, skipped = _trainable(conversations, section)
    if not kept:
        reasons = ", ".join(f"{count} {why}" for why, count in skipped.items())
        raise DataError(f"{path}: none of its {len(rows)} rows can be trained on: {reasons}. Check the columns.")
    unread = (
        [] if name == "custom" else unread_columns(FORMATS[name], rows, columns_for(FORMATS[name], section.columns))
    )
    return Source(section, path, _sha256(path), name, reason, kept, bad, skipped, unread)


def read_records(path: Path, text_unit: TextUnit = "line") -> Records:
    """Read the records of a data file by its ending, or of a folder that `datasets` saved.

    Raises DataError when it is missing or of an unknown kind.
    """
    if not os.path.exists(path):
        near = (
            sorted(p.name for p in path.parent.glob("*") if ending(p) in ENDINGS) if os.path.isdir(path.parent) else []
        )
        hint = f" Data files there: {', '.join(near[:6])}." if near else ""
        raise DataError(f"There is no data file {path}.{hint}")
    if path.is_dir():
        return read_saved(path)
    kind = ending(path)
    reader = READERS.get(kind)
    if reader is None and kind != TEXT:
        known = ", ".join(ENDINGS)
        raise DataError(f"{path} has the ending {kind!r}; readable are {known}, the text ones also with .gz behind.")
    try:
        if reader is None:
            return read_text(path, text_unit)
        if reader in (read_json, read_jsonl):
            reader = read_jsonl if _holds_lines(path) else read_json
        return reader(path)
    except PermissionError:
        raise DataError(f"{path} may not be read by this user; check its permissions.") from None


def _holds_lines(path: Path) -> bool:
    """Whether a JSON file holds a value per line, whatever its ending says: .json files often do, .jsonl files may not.

    An array is told by its bracket; an object over several lines by a first line that is no object.
    """
    with open_bytes(path) as file:
        lines = (line.strip() for line in file)
        first = next((line for line in lines if line), b"")
        if first.startswith(b"["):
            return isinstance(parse(first)[0], list) and any(lines)
        return path.suffix.lower() != ".json" or (isinstance(parse(first)[0], dict) and any(lines))


def _format_of(path: Path, rows: list[Row], section: DataSection) -> tuple[str, str]:
    if section.template == "custom":
        return "custom", "the template names the columns"
    names = list(dict.fromkeys(key for row in rows[:200] for key in row.values))
    found = f"It has the columns {', '.join(names) or '(none)'}."
    if section.format == "auto":
        detected = detect(rows, section.columns) if rows else ("text", "no row can be read")
        if detected is None:
            raise DataError(
                f"{path}: its columns fit no known format. {found} "
                'Say which is which, for example columns = {prompt = "…", answer = "…"} under [[data]].'
            )
        return detected
    form = FORMATS[section.format]
    columns = columns_for(form, section.columns)
    needed = [columns[role] for role in form.roles if not role.endswith("?")]
    absent = [c for c in needed if rows and not any(c in row.values for row in rows)]
    if absent:
        raise DataError(
            f"{path}: format {section.format!r} needs the column {' and '.join(map(repr, absent))}, which no row has. "
            f"{found} Name yours with columns = {{…}} under [[data]], or choose another format."
        )
    return section.format, "named in the run file"


def _convert(rows: list[Row], name: str, section: DataSection) -> tuple[list[Conversation], list[BadLine]]:
    if name == "custom":
        return [Conversation(row.origin, (), row.values) for row in rows], []
    form: Format = FORMATS[name]
    columns = columns_for(form, section.columns)
    unknown = sorted(set(section.columns) - set(columns))
    if unknown:
        raise DataError(
            f"{section.path}: columns names {', '.join(map(repr, unknown))}, which format {name!r} does not have; "
            f"its roles are {', '.join(columns)}."
        )
    return convert_rows(rows, form, columns)


def convert_rows(rows: list[Row], form: Format, columns: Columns) -> tuple[list[Conversation], list[BadLine]]:
    """Convert each row, to one conversation or several; one that does not fit the format costs only itself."""
    conversations: list[Conversation] = []
    misfits: list[BadLine] = []
    for row in rows:
        try:
            conversations += form.convert(row, columns)
        except RowError as error:
            misfits.append(BadLine(row.origin, str(error)))
    return conversations, misfits


def _trainable(conversations: list[Conversation], section: DataSection) -> tuple[list[Conversation], dict[str, int]]:
    """Leave out rows without anything to learn, and count them by reason."""
    kept: list[Conversation] = []
    skipped: Counter[str] = Counter()
    completed = completion_columns(section)
    for conversation in conversations:
        if section.template == "custom":
            learned = [str(conversation.values.get(name, "?")) for name in completed]
        else:
            learned = [m.content for m in conversation.messages if m.role in ("assistant", "text")]
        if any(text.strip() for text in learned):
            kept.append(conversation)
        else:
            skipped["with an empty answer" if learned else "without an answer"] += 1
    return kept, dict(skipped)


def completion_columns(section: DataSection) -> list[str]:
    """The columns that a custom template learns; malformed braces are the template's to report."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(section.completion or "") if name]
    except ValueError:
        return ["?"]


def _refusal(path: Path, bad: list[BadLine], total: int, policy: str) -> str:
    shown = "\n".join(f"  {line.origin} {line.reason}" for line in bad[:SHOWN_BAD_LINES])
    rest = f"\n  … and {len(bad) - SHOWN_BAD_LINES} more" if len(bad) > SHOWN_BAD_LINES else ""
    cure = 'Mend them, or set bad_lines = "skip" under [[data]] to leave them out.' if policy == "refuse" else ""
    return f"{path}: {len(bad)} of {total} lines cannot be used:\n{shown}{rest}\n{cure}".rstrip()


def _sha256(path: Path) -> str:
    """Hex SHA-256 of a file; of the hashes of its Arrow files for a folder."""
    if path.is_dir():
        parts = "".join(_sha256(file) for file in sorted(path.glob("*.arrow")))
        return hashlib.sha256(parts.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
