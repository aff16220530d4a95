"""data: what a file holds, before anything is trained on it. Browsing never refuses a file for its bad lines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.cli import console
from engine.data.formats import FORMATS, columns_for, detect, unread_columns
from engine.data.rows import BadLine, Records
from engine.data.source import SHOWN_BAD_LINES, convert_rows, read_records
from engine.data.statistics import ColumnStatistics, describe, duplicates
from engine.text import one_line


def data(paths: list[Path], sample: int, as_json: bool) -> None:
    """Describe each path: a JSON object per path, or a page for people."""
    for path in paths:
        records = read_records(path)
        facts = describe_records(records)
        if as_json:
            rows = [dict(row.values) for row in records.rows[:sample]]
            console.json_line({**facts, **({"sample": rows} if sample else {})})
        else:
            _page(records, facts, sample)


def describe_records(records: Records) -> dict[str, Any]:
    """The facts about a file as plain JSON values."""
    found = detect(records.rows, {}) if records.rows else None
    conversations, misfits, unread = 0, list[BadLine](), list[str]()
    if found:
        columns = columns_for(FORMATS[found[0]], {})
        converted, misfits = convert_rows(records.rows, FORMATS[found[0]], columns)
        conversations = len(converted)
        unread = unread_columns(FORMATS[found[0]], records.rows, columns)
    return {
        "path": str(records.path),
        "rows": len(records.rows),
        "format": found[0] if found else None,
        "reason": found[1] if found else "the columns fit no known format",
        "conversations": conversations,
        "unread_columns": unread,
        "bad_lines": [asdict(line) for line in records.bad],
        "misfits": [asdict(line) for line in misfits],
        "duplicates": duplicates(records.rows),
        "columns": [asdict(column) for column in describe(records.rows)],
    }


def _page(records: Records, facts: dict[str, Any], sample: int) -> None:
    console.show(Text(f"{records.path.name}  {facts['rows']:,} rows", style="bold"))
    console.data(f"format {facts['format'] or 'unknown'}: {facts['reason']}; {facts['conversations']:,} conversations")
    if facts["unread_columns"]:
        console.data(f"not used by this format: {', '.join(facts['unread_columns'])}")
    console.show(_columns(describe(records.rows)))
    for count, words in ((len(records.bad), "cannot be read"), (facts["duplicates"], "said before by another row")):
        if count:
            console.show(Text(f"finding: {count:,} row{'s' if count > 1 else ''} {words}", style="yellow"))
    for key, words in (("bad_lines", "cannot be read"), ("misfits", "does not fit the format")):
        for line in facts[key][:SHOWN_BAD_LINES]:
            console.data(f"  {line['origin']} {words}: {line['reason']}")
        if len(facts[key]) > SHOWN_BAD_LINES:
            console.data(f"  … and {len(facts[key]) - SHOWN_BAD_LINES:,} more")
    for row in records.rows[:sample]:
        console.show(Text(row.origin, style="dim"))
        for name, value in row.values.items():
            console.data(f"  {name}: {one_line(str(value), 400)}")


def _columns(columns: list[ColumnStatistics]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("column", "holds", "distinct", "empty", "min", "median", "p95", "max", ""):
        table.add_column(heading, justify="left" if heading in ("column", "holds", "") else "right")
    for column in columns:
        kinds = ", ".join(
            f"{kind} {count:,}" if len(column.kinds) > 1 else kind for kind, count in column.kinds.items()
        )
        spread = column.spread
        figures = [f"{v:,.6g}" for v in (spread.min, spread.median, spread.p95, spread.max)] if spread else [""] * 4
        table.add_row(
            console.safe(one_line(column.name, 32)), kinds, f"{column.distinct:,}", f"{column.empty:,}" if column.empty else "",
            *figures, column.unit if spread else "",
        )  # fmt: skip
    return table
