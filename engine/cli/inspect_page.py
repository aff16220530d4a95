"""How `luthier inspect` shows a batch, statistics, findings, and what all the data amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.table import Table as Grid
from rich.text import Text

from engine.cli import console
from engine.cli.data_page import bars
from engine.facts import Histogram
from engine.text import visible
from engine.token_facts import LengthFacts, LineFact, StrategyFacts, TokenFinding
from engine.tokens.batch_facts import BatchFacts
from engine.tokens.collate import Batch
from engine.tokens.findings import RULES
from engine.tokens.measure import Outcome
from engine.tokens.path import RowPath

_MARK = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim")}
_BAR, _NARROW_BAR = 64, 32
_EXAMPLES = 8


# A batch


def batch_json(facts: BatchFacts, batch: Batch, tokenizer: Any, journal: Mapping[str, Any] | None) -> dict[str, Any]:
    """A batch as plain JSON values: every cell of its rectangle."""
    return {
        "batch": facts.step,
        "of": facts.steps,
        "epoch": facts.epoch,
        "fingerprint": facts.fingerprint,
        "journal": journal,
        "ids": batch.ids.tolist(),
        "labels": batch.labels.tolist(),
        "attention_mask": (batch.documents > 0).astype(int).tolist(),
        "position_ids": batch.positions.tolist(),
        "document_ids": batch.documents.tolist(),
        "pieces": [tokenizer.convert_ids_to_tokens(ids) for ids in batch.ids.tolist()],
        "rows": batch.origins,
        "row_numbers": [[row + 1 for row in rows] for rows in batch.rows],
        "micro_batch_size": facts.micro_batch_size,
        "tokens": facts.tokens,
        "supervised_tokens": facts.supervised,
        "cells": facts.cells,
        "padding": 1 - facts.tokens / batch.ids.size,
    }


def show_batch(facts: BatchFacts, batch: Batch) -> None:
    """A batch for people: a bar for each sequence, and the rows in it."""
    head = f"batch {facts.step:,} of {facts.steps:,}  fingerprint {facts.fingerprint}"
    console.show(Text(head, style="bold"))
    console.data(
        f"{len(facts.lines)} sequences of at most {facts.width} tokens; {facts.tokens:,} tokens, "
        f"{facts.supervised:,} supervised, {100 * facts.waste:.1f} % padding as it is computed"
    )
    width = _NARROW_BAR if console.is_narrow() else _BAR
    for line in facts.lines:
        rows = ", ".join(f"{document.row} ({document.origin})" for document in line.documents)
        console.show(_bar(line, min(width, facts.width), facts.width).append(f"  row {visible(rows)}"))
    console.data("█ supervised  ▒ prompt  · padding")


def _bar(line: LineFact, width: int, cells: int) -> Text:
    """One sequence as `width` characters; each shows what most of its cells are."""
    marks = "".join(mark * count for mark, count in line.cells)
    out = Text()
    for at in range(width):
        part = marks[at * cells // width : (at + 1) * cells // width]
        if part.count(".") * 2 > len(part):
            out.append("·", style="dim")
        elif part.count("t") * 2 >= len(part):
            out.append("█", style="green")
        else:
            out.append("▒")
    return out


def show_journal(journaled: str, fingerprint: str) -> None:
    """Whether this is the batch that was trained on."""
    if journaled == fingerprint:
        console.show(Text("✓ as journaled: this is what was trained on in this step", style="green"))
    else:
        console.show(Text(f"✗ differs from the journal, which has {visible(journaled)}", style="red"))
        console.say("The data, the tokenizer or the model folder are not what they were when the run made this step.")


# Statistics


@dataclass(frozen=True, slots=True)
class Cut:
    """What a length would do."""

    max_length: int
    outcome: Outcome

    def facts(self) -> dict[str, int]:
        """The numbers, as plain values."""
        outcome = self.outcome
        return {
            "max_length": self.max_length,
            "over": int((outcome.lengths > self.max_length).sum()),
            "lost": outcome.lost,
            "left_out": outcome.left_out,
            "kept": int(outcome.sequence_lengths.sum()),
            "sequences": len(outcome.sequence_rows),
        }


def show_stats(
    lengths: LengthFacts, cuts: Sequence[Cut], ways: Sequence[StrategyFacts], path: RowPath, as_json: bool
) -> None:
    """Lengths, what other limits would cut, and what each way of batching costs."""
    if as_json:
        console.json_line(
            {
                "lengths": msgspec.to_builtins(lengths),
                "cuts": [cut.facts() for cut in cuts],
                "strategies": [{**msgspec.to_builtins(way), "waste": way.waste} for way in ways],
                "truncation": path.run.tokens.truncation,
                "context": path.context,
            }
        )
        return
    console.show(
        Text(
            f"{lengths.rows:,} training rows, {lengths.tokens:,} tokens, {lengths.supervised:,} supervised",
            style="bold",
        )
    )
    measures = (
        ("mean", lengths.mean),
        ("p50", lengths.p50),
        ("p95", lengths.p95),
        ("p99", lengths.p99),
        ("max", lengths.max),
    )
    console.data("tokens a row: " + ", ".join(f"{name} {value:,.0f}" for name, value in measures))
    histogram = Histogram([float(edge) for edge in lengths.edges], lengths.counts)
    console.data(f"{lengths.edges[0]} {bars(histogram)} {lengths.edges[-1]:,}")
    console.data(f"longest: rows {', '.join(map(str, lengths.longest[:_EXAMPLES]))}")
    console.show(_cuts(cuts, lengths, path))
    console.show(_ways(ways))


def _grid(*headings: str) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        left = heading in ("", "batching", "note")
        grid.add_column(heading, justify="left" if left else "right", no_wrap=heading != "note")
    return grid


def _cuts(cuts: Sequence[Cut], lengths: LengthFacts, path: RowPath) -> Grid:
    narrow = console.is_narrow()
    grid = _grid("max_length", "rows over", "share", "tokens lost", "share", *(() if narrow else ("sequences",)), "")
    for cut in cuts:
        facts = cut.facts()
        note = "in force" if cut.max_length == lengths.max_length else ""
        if path.context is not None and cut.max_length > path.context:
            note = f"beyond the model's {path.context:,}"
        cells = [f"{cut.max_length:,}", f"{facts['over']:,}", f"{facts['over'] / lengths.rows:.1%}"]
        cells += [f"{facts['lost']:,}", f"{facts['lost'] / lengths.tokens:.1%}"]
        grid.add_row(*cells, *(() if narrow else (f"{facts['sequences']:,}",)), note)
    return grid


def _ways(ways: Sequence[StrategyFacts]) -> Grid:
    grid = _grid("batching", "sequences", "steps", "padding", "computed", "note")
    for way in ways:
        name = f"{'▸' if way.current else ' '} {way.name}"
        if not way.steps:
            grid.add_row(name, "-", "-", "-", "-", way.note)
            continue
        keys = ", ".join(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in way.changes.items())
        cells = [f"{way.sequences:,}", f"{way.steps:,}", f"{way.waste:.1%}", f"{way.cells:,}"]
        grid.add_row(name, *cells, way.note or ("" if console.is_narrow() else keys))
    return grid


# Findings


def show_findings(found: Sequence[TokenFinding], problems: Mapping[int, str], rows: int, as_json: bool) -> None:
    """Each rule with what it found, why it matters and what can be done; `problems` has what templates say, by row."""
    if as_json:
        told = [{"row": row, "problem": problem} for row, problem in problems.items()]
        console.json_line({"rows": rows, "findings": msgspec.to_builtins(found), "problems": told})
        return
    console.show(Text(f"{rows:,} training rows, {len(found)} kinds of findings", style="bold"))
    for finding in found:
        mark, style = _MARK[finding.severity]
        share = f"{finding.rows:,} row{'s' if finding.rows != 1 else ''} ({finding.rows / max(1, rows):.1%})"
        console.show(Text.assemble((f"{mark} {finding.rule}: ", style), f"{share}: {RULES[finding.rule].text}"))
        for sentence in (finding.why, finding.cure):
            console.data(f"    {sentence}")
        more = ", …" if finding.rows > _EXAMPLES else ""
        console.data(f"    rows {', '.join(map(str, finding.examples[:_EXAMPLES]))}{more}")
        for fix in finding.fixes:
            console.data(f"    {fix.says}: {_as_overrides(fix.changes)}")
        if finding.rule == "template_refused":
            for row, problem in list(problems.items())[:3]:
                console.data(f"    row {row}: {problem}")


def _as_overrides(changes: Mapping[str, Any]) -> str:
    """Changes as they are typed; a long list is shortened."""
    out = []
    for key, value in changes.items():
        shown = msgspec.json.encode(value).decode()
        out.append(
            f"--set '{key.replace('[', '.').replace(']', '')}={shown if len(shown) <= 60 else shown[:59] + '…'}'"
        )
    return " ".join(out)


# All the data


def show_overview(facts: Mapping[str, Any]) -> None:
    """What all the data amounts to."""
    for key, value in facts.items():
        if isinstance(value, int) and not isinstance(value, bool):
            console.data(f"{key.replace('_', ' '):<18} {value:>12,}")
    for source in facts["sources"]:
        console.data(f"{source['path']}: format {source['format']}, template {source['template']} ({source['reason']})")
    for rule, count in facts["findings"].items():
        console.show(Text(f"finding: {count:,} × {RULES[rule].text}", style="yellow"))
    for refused in facts["refused"][:3]:
        console.show(console.safe(refused["problem"], "red"))
    if not facts["starts"]:
        console.show(
            Text('A run refuses to start with such rows; tokens.refused_rows = "skip" leaves them out.', style="red")
        )
    for note in facts["notes"]:
        console.show(console.safe(note, "dim"))
