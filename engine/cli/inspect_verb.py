"""inspect: exactly what is trained, from the same functions that train it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.cli import console, inspect_page, inspect_row
from engine.config.load import load
from engine.config.runfile import RunFile
from engine.errors import ConfigError, DataError, ExitCode, LuthierError
from engine.runs.paths import RunDir, runs_dir
from engine.runs.steps import find_step
from engine.runs.store import find_run
from engine.tokens.batch_facts import batch_facts
from engine.tokens.finding_facts import finding_facts
from engine.tokens.folder import tokenizer_folder
from engine.tokens.length_facts import length_facts
from engine.tokens.measure import Measures
from engine.tokens.notes import notes_of
from engine.tokens.parity import parity
from engine.tokens.path import CHUNK_ROWS
from engine.tokens.prepare import Laid, lay_out, prepare
from engine.tokens.row_facts import RowViewer
from engine.tokens.strategies import strategies_of
from engine.tokens.tokenizer import load_tokenizer

CUTS = (256, 512, 1024, 2048, 4096, 8192)
"""Lengths of which --stats says what they would cut."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for; one of these, or nothing for an overview."""

    row: int | None = None
    batch: int | None = None
    stats: bool = False
    findings: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """A run file, and the tokenizer folder that it names."""

    run: RunFile
    folder: Path
    config: dict[str, Any]
    has_weights: bool

    def tokenizer(self) -> Any:
        """Its tokenizer, fresh: laying rows out adds tokens to it."""
        return load_tokenizer(self.folder, self.run.model.trust_remote_code)


def inspect(run_file: Path, asked: Asked, overrides: list[str], runs: Path | None, as_json: bool) -> None:
    """Show a row, a batch, statistics, findings, or what all the data amounts to. Raises LuthierError."""
    named = {"--row": asked.row is not None, "--batch": asked.batch is not None, "--stats": asked.stats}
    questions = [name for name, given in {**named, "--findings": asked.findings}.items() if given]
    if len(questions) > 1:
        raise ConfigError(f"{' and '.join(questions)} are {len(questions)} questions; ask one at a time.")
    file, run_dir = _file_of(run_file, runs)
    run = load(file, overrides)
    looked = Looked(run, *tokenizer_folder(run.model))
    if asked.row is not None:
        _row(looked, asked.row, as_json)
    elif asked.batch is not None:
        _batch(looked, asked.batch, run_dir if not overrides else None, as_json)
    elif asked.stats:
        _stats(looked, as_json)
    elif asked.findings:
        _findings(looked, as_json)
    else:
        _overview(looked, as_json)


def _file_of(path: Path, runs: Path | None) -> tuple[Path, RunDir | None]:
    """(the run file, the run directory that it lies in): a file, a run directory, or a run by name."""
    if path.is_file() or path.suffix == ".toml":
        beside = RunDir(path.absolute().parent)
        return path, beside if beside.config == path.absolute() and beside.journal.is_file() else None
    run_dir = find_run(runs_dir(runs), str(path))
    return run_dir.config, run_dir


def _row(looked: Looked, number: int, as_json: bool) -> None:
    laid = lay_out(looked.run, looked.tokenizer(), looked.config)
    if number > len(laid.rows):
        raise ConfigError(f"--row {number}: the data has {len(laid.rows):,} usable rows, counted from 1.")
    viewer = RowViewer(laid)
    whole = viewer.whole(number - 1)
    facts = viewer.facts(number - 1, count=len(whole.ids), limit=0)
    try:
        comparisons = parity(viewer, number - 1) if facts.state != "refused" else []
    except LuthierError:
        comparisons = []  # a row that nothing can be asked for
    if as_json:
        cut = laid.path.held_out if facts.split == "test" else laid.path.encoder.cut
        sequences = [] if facts.state == "refused" else cut(whole) if not facts.problem else [whole]
        console.json_line(inspect_row.as_json(facts, whole, sequences, comparisons, laid.path))
    else:
        inspect_row.show(facts, comparisons)


def _batch(looked: Looked, step: int, run_dir: RunDir | None, as_json: bool) -> None:
    """The batch as the trainer makes it, from all sequences in memory; where a run is looked at, against its journal."""
    prepared = prepare(looked.run, looked.tokenizer(), looked.config)
    plan = prepared.plan()
    if step > plan.steps:
        raise ConfigError(f"--batch {step}: the run has {plan.steps:,} steps; batch N is trained in step N, from 1.")
    facts, batch = batch_facts(plan, step)
    event = find_step(run_dir.journal, step) if run_dir is not None else None
    if as_json:
        journal = None if event is None else {"fingerprint": event.batch, "same": event.batch == facts.fingerprint}
        console.json_line(inspect_page.batch_json(facts, batch, prepared.path.tokenizer, journal))
    else:
        inspect_page.show_batch(facts, batch)
        if event is not None:
            inspect_page.show_journal(event.batch, facts.fingerprint)
        elif run_dir is not None:
            console.data(f"step {step} is not in the journal yet")
    if event is not None and event.batch != facts.fingerprint:
        raise SystemExit(ExitCode.TRAINING_FAILED)


def measured(laid: Laid) -> Measures:
    """All training rows, tokenized and measured; how far it is goes to stderr."""
    measures = Measures(laid)
    rows = laid.train_rows
    with console.err.status("") as status:
        for start in range(0, len(rows), CHUNK_ROWS):
            status.update(console.safe(f"tokenizing row {start:,} of {len(rows):,}"))
            measures.measure(rows[start : start + CHUNK_ROWS])
    return measures


def _stats(looked: Looked, as_json: bool) -> None:
    laid = lay_out(looked.run, looked.tokenizer(), looked.config)
    measures = measured(laid)
    path, rows = laid.path, laid.train_rows
    outcome = measures.of(rows, path.max_length, path.encoder.truncation)
    lengths = length_facts(measures, outcome, path.max_length)
    if lengths is None:
        raise DataError(f"None of {len(rows):,} training rows has a token. `luthier inspect RUN --findings` says why.")
    ways = strategies_of(measures, rows)
    cuts = [
        inspect_page.Cut(most, measures.of(rows, most, path.encoder.truncation)) for most in _lengths(path.max_length)
    ]
    inspect_page.show_stats(lengths, cuts, ways, path, as_json)


def _lengths(max_length: int) -> Sequence[int]:
    return sorted({*CUTS, max_length})


def _findings(looked: Looked, as_json: bool) -> None:
    laid = lay_out(looked.run, looked.tokenizer(), looked.config)
    measures = measured(laid)
    path = laid.path
    outcome = measures.of(laid.train_rows, path.max_length, path.encoder.truncation)
    found = finding_facts(measures, outcome)
    problems = {row + 1: measures.problems[row] for row in outcome.having("template_refused")[:20].tolist()}
    inspect_page.show_findings(found, problems, len(outcome.rows), as_json)


def _overview(looked: Looked, as_json: bool) -> None:
    """What all the data amounts to. Rows that a template refuses are counted, though a run may refuse to start with them."""
    run = looked.run
    lenient = run.model_copy(update={"tokens": run.tokens.model_copy(update={"refused_rows": "skip"})})
    prepared = prepare(lenient, looked.tokenizer(), looked.config)
    plan, train, path = prepared.plan(), prepared.train, prepared.path
    lengths = np.sort(train.lengths)
    refused = train.problems + prepared.test.problems
    facts = {
        "rows": len(prepared.rows),
        "train_sequences": len(train),
        "test_sequences": len(prepared.test),
        "max_length": path.max_length,
        "train_tokens": train.tokens,
        "supervised_tokens": train.supervised_tokens,
        "cut_tokens": train.cut_tokens,
        "left_out_tokens": train.left_out_tokens,
        "length_p50": int(lengths[len(lengths) // 2]),
        "length_p95": int(lengths[len(lengths) * 95 // 100]),
        "length_max": int(lengths[-1]),
        "steps": plan.steps,
        "steps_per_epoch": plan.steps_per_epoch,
        "batch_size": plan.batch_size,
        "vocabulary": len(path.tokenizer),
        "findings": prepared.findings,
        "sources": [
            {"path": str(s.source.path), "format": s.source.format, "template": s.template.name, "reason": s.reason}
            for s in prepared.sources
        ],
        "new_tokens": list(path.new_tokens.tokens) if path.new_tokens else [],
        "context": path.context,
        "weights": looked.has_weights,
        "refused": [{"origin": origin, "problem": problem} for origin, problem in refused[:20]],
        "starts": not refused or run.tokens.refused_rows == "skip",
        "notes": notes_of(prepared, looked.has_weights),
    }
    if as_json:
        console.json_line(facts)
    else:
        inspect_page.show_overview(facts)
