"""status, runs, spec, paths: the verbs that only tell."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.cli import console
from engine.cli.progress import duration, left
from engine.cli.watch_page import machine, state_of
from engine.config.spec import commented_toml, json_schema
from engine.runs.crash import what_next
from engine.runs.paths import runs_dir
from engine.runs.queue import queue_of
from engine.runs.series import sparkline
from engine.runs.store import Run, find_run, list_runs

GLYPHS = {
    "queued": "◷",
    "running": "●",
    "starting": "◌",
    "succeeded": "✓",
    "stopped": "■",
    "failed": "✗",
    "crashed": "✗",
}
STYLES = {
    "running": "cyan",
    "starting": "cyan",
    "queued": "dim",
    "succeeded": "green",
    "stopped": "yellow",
    "failed": "red",
    "crashed": "red",
}


def status(name: str | None, folder: Path | None, as_json: bool) -> None:
    """One run in words or as one JSON object."""
    run = Run(find_run(runs_dir(folder), name)).load()
    summary = run.summary()
    if as_json:
        console.json_line(summary)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for key, value in _facts(run, summary):
        table.add_row(key, console.safe(value))
    console.show(Text(f"{GLYPHS[run.state]} {run.dir.name} {state_of(run)}", style=STYLES[run.state]))
    console.show(table)


def _facts(run: Run, summary: dict[str, Any]) -> list[tuple[str, str]]:
    view = run.view
    if run.state == "queued":
        waiting = [ticket.run for ticket in queue_of(run.dir.path.parent)]
        place = (
            f"in place {waiting.index(run.dir.name) + 1} of {len(waiting)}"
            if run.dir.name in waiting
            else "it starts now"
        )
        return [("queue", place), ("directory", str(run.dir.path))]
    facts = [("step", f"{view.step} of {view.total_steps}")]
    if run.state in ("running", "starting"):
        off = view.eta.error if view.eta else None
        so_far = f" (estimates so far off by {100 * off:.0f} %)" if off is not None else ""
        facts.append(("phase", f"{summary['phase']}, {left(view.eta)} left{so_far}"))
    if run.reason:
        facts.append(("why", run.reason))
    if run.state in ("stopped", "failed", "crashed"):
        facts.append(("next", what_next(run.dir, view)))
    if summary["loss"] is not None:
        facts.append(("train loss", f"{summary['loss']:.4f}  {sparkline(view.series['loss'].values, 24)}"))
    if summary["eval_loss"] is not None:
        best = f", best {summary['best_eval_loss']:.4f} at step {summary['best_eval_step']}"
        facts.append(("eval loss", f"{summary['eval_loss']:.4f}{best}"))
    if summary["tokens_per_s"]:
        planned = f" (planned {view.predicted_gib:.2f})" if view.predicted_gib else ""
        cut = f", micro-batches of {view.micro_batch_size}" if view.micro_batch_size else ""
        facts.append(
            ("speed", f"{summary['tokens_per_s']:,.0f} tok/s, peak {summary['peak_gib']:.2f} GiB{planned}{cut}")
        )
    if text := machine(view.hardware):
        facts.append(("machine", text))
    if view.model:
        model = view.model
        facts.append(("model", f"{model.path} ({model.quantization}, {model.adapter}) on {model.device}"))
    if summary["checkpoints"]:
        facts.append(("checkpoints", ", ".join(map(str, summary["checkpoints"][-6:]))))
    facts += [("warning", text) for text in summary["warnings"]]
    facts.append(("directory", str(run.dir.path)))
    return facts


def runs(folder: Path | None, as_json: bool) -> None:
    """All runs, as a table or as one JSON object with a list."""
    place = runs_dir(folder)
    found = _in_turn([Run(run_dir).load() for run_dir in list_runs(place)], place)
    if as_json:
        console.json_line({"runs_dir": str(place), "runs": [run.summary() for run in found]})
        return
    if not found:
        console.say(f"No runs in {place} yet. Start one with `luthier train RUN.toml`.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("run", "state", "step", "loss", "", "eval", "last word"):
        table.add_column(heading, justify="right" if heading in ("step", "loss", "eval") else "left")
    for run in found:
        view = run.view
        loss, held_out = view.last("loss"), view.last("eval_loss")
        table.add_row(
            console.safe(run.dir.name),
            Text(f"{GLYPHS[run.state]} {state_of(run)}", style=STYLES[run.state]),
            f"{view.step}/{view.total_steps}",
            "" if loss is None else f"{loss:.3f}",
            sparkline(view.series["loss"].values, 10) if "loss" in view.series else "",
            "" if held_out is None else f"{held_out:.3f}",
            f"{duration(max(0.0, time.time() - view.updated_t))} ago" if view.updated_t else "",
        )
    console.show(table)


def _in_turn(found: list[Run], place: Path) -> list[Run]:
    """The runs with those that wait in the order of the queue, above those that have ended."""
    turn = {ticket.run: number for number, ticket in enumerate(queue_of(place))}

    def rank(run: Run) -> tuple[int, int]:
        if run.alive:
            return 0, 0
        return (1, turn[run.dir.name]) if run.dir.name in turn else (2, 0)

    return sorted(found, key=rank)


def spec(as_json: bool) -> None:
    """The run file described."""
    console.data(json.dumps(json_schema(), indent=2) if as_json else commented_toml().rstrip())
