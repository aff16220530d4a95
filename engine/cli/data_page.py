"""How `luthier data` shows a source: a page for people, or one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from rich import filesize
from rich.table import Table as Grid
from rich.text import Text

from engine.cli import console
from engine.data.examine import Report
from engine.data.rows import BadLine, Row
from engine.data.source import SHOWN_BAD_LINES
from engine.facts import ColumnFigures, FindingFacts, Histogram, MixRow, SourceFacts
from engine.text import one_line

if TYPE_CHECKING:
    from engine.cli.data_verb import Wanted

_BLOCKS = "▁▂▃▄▅▆▇█"
_MARK = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim")}
_UNITS = {"characters": "chars", "value": ""}
_CLIP = 400
_EXAMPLES = 8


def show(
    facts: SourceFacts,
    report: Report,
    bad: Sequence[BadLine],
    sample: Sequence[tuple[int, Row | BadLine]],
    wanted: Wanted,
) -> None:
    """One source."""
    if wanted.as_json:
        console.json_line(as_json(facts, report, bad, sample))
        return
    _head(facts, report)
    if report.columns:
        console.show(_columns(report.columns))
    for figures in report.figures:
        if figures.max is not None:
            console.data(_figures_line(figures))
    if len(report.languages) > 1:
        total = sum(report.languages.values())
        shown = ", ".join(f"{name} {count / total:.0%}" for name, count in list(report.languages.items())[:6])
        console.data(f"languages: {shown}")
    for finding in report.findings:
        _finding(finding, wanted.findings)
    _bad_lines(bad, report)
    for note in report.notes:
        console.show(Text(note, style="dim"))
    for number, record in sample:
        _row(number, record)


def as_json(
    facts: SourceFacts, report: Report, bad: Sequence[BadLine], sample: Sequence[tuple[int, Row | BadLine]]
) -> dict[str, Any]:
    """The facts, figures and findings of a source as plain JSON values."""
    told: dict[str, Any] = msgspec.to_builtins(facts)
    column_facts = {column["name"]: column for column in told.pop("columns")}
    told["columns"] = [
        {**column_facts.get(column.name, {}), **msgspec.to_builtins(column)} for column in report.columns
    ]
    told.update(
        seen=report.seen,
        conversations=report.conversations,
        bad_lines=msgspec.to_builtins(list(bad)),
        misfits=report.misfits,
        figures=msgspec.to_builtins(report.figures),
        findings=msgspec.to_builtins(report.findings),
        languages=report.languages,
        not_looked_for=report.notes,
    )
    if sample:
        told["sample"] = [record.values if isinstance(record, Row) else None for _, record in sample]
    return told


def _head(facts: SourceFacts, report: Report) -> None:
    size = filesize.decimal(facts.bytes)
    counted = f"{facts.rows:,} rows" if report.seen == facts.rows else f"{report.seen:,} rows looked at"
    console.show(Text.assemble((console.safe(facts.name).plain, "bold"), f"  {facts.kind}, {size}, {counted}"))
    if facts.format:
        sure = f" ({facts.confidence})" if facts.confidence and facts.confidence != "certain" else ""
        console.data(f"format {facts.format}{sure}: {facts.reason}; {report.conversations:,} conversations")
        others = [form.name for form in facts.formats if form.name != facts.format]
        if others:
            console.data(f"could also be read as {', '.join(others)}")
    if facts.splits:
        console.data(f"splits: {', '.join(facts.splits)}")
    if facts.problem:
        console.show(console.safe(facts.problem, "red"))
    for note in facts.notes:
        console.data(note)


def _columns(columns: Sequence[ColumnFigures]) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    measures = ("median", "max") if console.is_narrow() else ("min", "median", "p95", "max")
    for heading in ("column", "holds", "distinct", "empty", *measures, "", ""):
        left = heading in ("column", "holds", "")
        grid.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for column in columns:
        kinds = ", ".join(
            f"{kind} {count:,}" if len(column.kinds) > 1 else kind for kind, count in column.kinds.items()
        )
        distinct = f"{'' if column.distinct_exact else '> '}{column.distinct:,}"
        empty = f"{column.empty:,}" if column.empty else ""
        figures = [_number(getattr(column, measure)) for measure in measures]
        name, unit = console.safe(one_line(column.name, 32)), _UNITS.get(column.unit, column.unit)
        grid.add_row(name, kinds, distinct, empty, *figures, unit, bars(column.histogram))
    return grid


def bars(histogram: Histogram | None) -> str:
    """A histogram as a line of blocks; a bin that holds anything is never blank."""
    if histogram is None or not histogram.counts or not max(histogram.counts):
        return ""
    most = max(histogram.counts)
    return "".join(" " if not n else _BLOCKS[min(7, n * 8 // most)] for n in histogram.counts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _figures_line(figures: ColumnFigures) -> str:
    values = (figures.median, figures.mean, figures.p95, figures.p99, figures.max)
    named = zip(("median", "mean", "p95", "p99", "max"), values, strict=True)
    line = ", ".join(f"{name} {_number(value)}" for name, value in named if value is not None)
    return f"{figures.name} a row: {line}  {bars(figures.histogram)}"


def _finding(finding: FindingFacts, in_full: bool) -> None:
    mark, style = _MARK[finding.severity]
    count = f"{finding.rows:,} row{'s' if finding.rows != 1 else ''}"
    console.show(Text.assemble((f"{mark} {finding.rule}: ", style), f"{count}: {console.safe(finding.title).plain}"))
    if not in_full:
        return
    for sentence in (finding.why, finding.cure):
        if sentence:
            console.data(f"    {sentence}")
    if finding.examples:
        shown = ", ".join(map(str, finding.examples[:_EXAMPLES]))
        console.data(f"    rows {shown}{', …' if finding.rows > _EXAMPLES else ''}")
    for sample in finding.samples:
        console.data(f"    {one_line(sample, _CLIP)}")


def _bad_lines(bad: Sequence[BadLine], report: Report) -> None:
    for line in bad[:SHOWN_BAD_LINES]:
        console.data(f"  {line.origin} cannot be read: {line.reason}")
    if len(bad) > SHOWN_BAD_LINES:
        console.data(f"  … and {len(bad) - SHOWN_BAD_LINES:,} more; --json names all")


def _row(number: int, record: Row | BadLine) -> None:
    console.show(Text(f"row {number}  {console.safe(record.origin).plain}", style="dim"))
    if isinstance(record, BadLine):
        console.data(f"  cannot be read: {record.reason}")
        return
    for name, value in record.values.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        console.data(f"  {one_line(name, 40)}: {one_line(text, _CLIP)}")


def show_mixture(rows: Sequence[MixRow], as_json: bool) -> None:
    """The table of a mixture."""
    if as_json:
        console.json_line({"mixture": msgspec.to_builtins(rows)})
        return
    console.show(Text("mixture", style="bold"))
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("source", "rows", "tokens", "share", "of tokens", "drawn", "epochs", "again", "never"):
        grid.add_column(heading, justify="left" if heading == "source" else "right", no_wrap=heading != "source")
    for row in rows:
        tokens = f"{row.tokens:,}" if row.tokens is not None else "-"
        of_tokens = f"{row.token_share:.1%}" if row.token_share is not None else "-"
        grid.add_row(
            console.safe(one_line(row.name, 32)), f"{row.rows:,}", tokens, f"{row.weight:.1%}", of_tokens,
            f"{row.drawn:,}", f"{row.epochs:.2f}", f"{row.repeated:,}", f"{row.unseen:,}",
        )  # fmt: skip
    console.show(grid)
    console.show(Text("again: rows that are seen more than once; never: rows that are not seen", style="dim"))
