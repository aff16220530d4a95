"""The figures of runs as a table: one row a step, as CSV. Read from the journal with all digits, and never held in memory.

What was measured after a step (an evaluation, a look at the machine) stands in the row of that step. Steps that a resumed
worker did again are there once, as it did them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.runs import events as e
from engine.runs.columns import Gauges
from engine.runs.journal import JournalReader
from engine.runs.paths import RunDir

_OF_STEP = (
    "epoch", "loss", "learning_rate", "grad_norm", "tokens", "supervised_tokens", "cells", "seconds", "peak_gib", "batch",
)  # fmt: skip
COLUMNS = ("run", "step", "t", *_OF_STEP, "tokens_per_s", "eval_loss", "eval_seconds", "gpu_watts", *Gauges.NAMES)
"""`t` is Unix time in seconds. A cell is empty where nothing was measured, or where the value was no number."""


def write_csv(runs: Sequence[RunDir], out: Path) -> int:
    """Write the tables of runs, one below the other, into a file; return the number of rows.

    Raises RunError where a journal has no step, or the file cannot be written.
    """
    count = 0
    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            for run in runs:
                before = count
                for row in rows_of(run.journal):
                    writer.writerow({"run": run.name, **row})
                    count += 1
                if count == before:
                    raise RunError(f"{run.name} has done no step yet: there is nothing to write.")
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    return count


def rows_of(journal: Path) -> Iterator[dict[str, Any]]:
    """The rows of one journal, in order of their steps; without `run`."""
    limits = _limits(journal)
    row: dict[str, Any] = {}
    worker = 0
    for event in _events(journal):
        if isinstance(event, e.Hello):
            if row and row["step"] <= limits[worker]:
                yield row
            row, worker = {}, worker + 1
        elif isinstance(event, e.Step):
            if row and row["step"] <= limits[worker]:
                yield row
            row = _row(event)
        elif isinstance(event, e.Eval):
            row = row or {"step": event.step, "t": event.t}
            row |= {"eval_loss": _cell(event.loss), "eval_seconds": event.seconds}
        elif isinstance(event, e.Hardware) and row:
            row |= {name: _cell(getattr(event, name)) for name in ("gpu_watts", *Gauges.NAMES)}
    if row and row["step"] <= limits[worker]:
        yield row


def _row(event: e.Step) -> dict[str, Any]:
    speed = event.tokens / event.seconds if event.seconds > 0 else None
    cells = {name: _cell(getattr(event, name)) for name in _OF_STEP}
    return {"step": event.step, "t": event.t, **cells, "tokens_per_s": _cell(speed)}


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def _limits(journal: Path) -> list[float]:
    """For each worker, from the first, the last of its steps that counts; index 0 is what stands before any worker."""
    limits: list[float] = [math.inf]
    reader = JournalReader(journal)
    greeted = False
    while found := reader.read_blocks():
        for event in found:
            if isinstance(event, e.Hello):
                again = greeted or event.resumed_from is not None
                limits = [min(limit, event.resumed_from or 0) if again else limit for limit in limits] + [math.inf]
                greeted = True
    return limits


def _events(journal: Path) -> Iterator[e.AnyEvent]:
    reader = JournalReader(journal)
    while found := reader.read(1 << 20):
        yield from found
