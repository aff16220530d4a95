"""What is worth saying about a run, as painted rows: the same words on every screen."""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.runs import events as e
from engine.runs.paths import runs_dir as usual_runs_dir
from engine.runs.store import Run
from engine.runs.view import RunView
from tui import words
from tui.glyphs import Glyphs
from tui.next_steps import next_steps
from tui.next_steps import result_dir as result_dir
from tui.rows import Row
from tui.text import cell_len, plain, wrap

LABEL_WIDTH = 12
_MOST_CHECKPOINTS = 4
_LOOKS_AT = 24
"""So many of the newest checkpoints are looked for."""


def fact(label: str, parts: list[Row], width: int, glyphs: Glyphs) -> list[Row]:
    """A label and its parts, on as many lines as they take; a part is broken only where it is wider than a line."""
    room = max(8, width - LABEL_WIDTH)
    lines: list[list[Row]] = [[]]
    for part in parts:
        taken = sum(_cells(other) + 3 for other in lines[-1])
        if lines[-1] and taken + _cells(part) > room:
            lines.append([])
        lines[-1].append(part)
    return [
        [((label if i == 0 else "").ljust(LABEL_WIDTH), "muted"), *joined(line, glyphs)] for i, line in enumerate(lines)
    ]


def texts(parts: list[str], ink: str = "text") -> list[Row]:
    """Parts of one ink; empty ones are left out."""
    return [[(part, ink)] for part in parts if part]


def joined(parts: list[Row], glyphs: Glyphs) -> Row:
    """Parts with a faint dot between them."""
    row: Row = []
    for part in parts:
        row += ([(f" {glyphs.between} ", "faint")] if row else []) + part
    return row


def _cells(row: Row) -> int:
    return sum(cell_len(text) for text, _ in row)


def progress_bar(done: float, total: float, width: int, glyphs: Glyphs, ink: str = "accent") -> Row:
    """A bar of `width` cells."""
    full = min(width, int(width * done / total)) if total else 0
    return [(glyphs.bar_done * full, ink), (glyphs.bar_rest * (width - full), "line")]


def model_parts(view: RunView) -> list[str]:
    """Model, quantisation, adapter and sizes."""
    model = view.model
    if model is None:
        return []
    name = plain(model.path.rstrip("/").rsplit("/", 1)[-1], 40)
    share = 100 * model.trainable_parameters / model.parameters if model.parameters else 0.0
    trained = f"{words.short_count(model.trainable_parameters)} of {words.short_count(model.parameters)} trained"
    return [name, plain(model.quantization, 24), plain(model.adapter, 24), f"{trained} ({share:.2g} %)"]


def data_parts(data: e.Data | None) -> list[str]:
    """Rows and tokens, and what was left out."""
    if data is None:
        return []
    share = f"{100 * data.supervised_tokens / data.train_tokens:.0f} % trained" if data.train_tokens else ""
    skipped = sum(
        value
        for source in data.sources
        for value in (source.get("skipped") or {}).values()
        if isinstance(value, int) and not isinstance(value, bool)
    )
    return [
        f"{words.count(data.train_examples)} rows",
        f"{words.count(data.test_examples)} held out" if data.test_examples else "",
        f"{words.short_count(data.train_tokens)} tokens" if data.train_tokens else "",
        share,
        f"{words.count(skipped)} skipped" if skipped else "",
    ]


def result_parts(view: RunView) -> list[Row]:
    """Newest loss, newest and best evaluation loss."""
    parts: list[Row] = []
    if (train := view.last("loss")) is not None:
        parts.append([("train ", "muted"), (words.loss(train), "train")])
    if (held_out := view.last("eval_loss")) is not None:
        parts.append([("eval ", "muted"), (words.loss(held_out), "eval")])
        if best := view.series["eval_loss"].lowest:
            parts.append([("best ", "muted"), (words.loss(best[1]), "eval"), (f" at {words.count(best[0])}", "muted")])
    return parts


def pace_parts(view: RunView) -> list[str]:
    """Speed and memory."""
    speed = view.last("tokens_per_s")
    return [
        f"{words.short_count(speed)} tok/s" if speed else "",
        peak_words(view),
        plain(view.model.device, 40) if view.model else "",
    ]


def peak_words(view: RunView) -> str:
    """The highest use of memory so far, and the planned one."""
    peak = view.last("peak_gib")
    planned = f" (planned {words.gib(view.predicted_gib)})" if view.predicted_gib else ""
    return f"peak {words.gib(peak)}{planned}" if peak else ""


def run_facts(run: Run, reason: str, width: int, glyphs: Glyphs) -> list[Row]:
    """All of it, and how it ended."""
    rows = figures(run, width, glyphs)
    return rows + [[]] * bool(rows) + outcome(run, reason, width, glyphs)


def figures(run: Run, width: int, glyphs: Glyphs) -> list[Row]:
    """What is known of a run, for the pane beside the list of runs."""
    view = run.view
    rows: list[Row] = []
    checkpoints = [words.count(step) for step in kept_steps(run)[-_MOST_CHECKPOINTS:]]
    started = [] if view.started_t is None else [_ago(view.started_t)]
    for label, parts in (
        ("loss", result_parts(view)),
        ("model", texts(model_parts(view))),
        ("data", texts(data_parts(view.data))),
        ("pace", texts(pace_parts(view))),
        ("checkpoints", texts(checkpoints)),
        ("started", texts(started)),
    ):
        if parts:
            rows += fact(label, parts, width, glyphs)
    return rows


def kept_steps(run: Run) -> list[int]:
    """The steps of the newest checkpoints that are still there: the oldest are removed as the run file says."""
    newest = {item.path: item.step for item in run.view.checkpoints[-_LOOKS_AT:]}
    return [step for path, step in newest.items() if (run.dir.checkpoints / path).is_dir()]


def _ago(t: float) -> str:
    age = words.age(t)
    return "just now" if age == "now" else f"{age} ago"


def outcome(run: Run, reason: str, width: int, glyphs: Glyphs) -> list[Row]:
    """How a run ended and what to do next; nothing while it goes on."""
    state = run.state
    if state in ("starting", "running", "queued"):
        return []
    ink = words.STATE_ROLE[state]
    rows: list[Row] = []
    if reason:
        for i, line in enumerate(wrap(reason, max(8, width - 2), 6)):
            rows.append([(f"{glyphs.states[state]} " if i == 0 else "  ", ink), (line, ink)])
    for line in next_steps(run):
        rows += [
            [(f"{glyphs.arrow} " if i == 0 else "  ", "accent"), (part, "text")]
            for i, part in enumerate(wrap(line, max(8, width - 2), 6))
        ]
    return rows


def shell_command(run: Run) -> str:
    """The headless command that fits the state of a run."""
    lives = run.state in ("queued", "starting", "running")
    verb = "watch" if lives else "status" if run.state == "succeeded" else "resume"
    return command_in(run.dir.path.parent, verb, run.dir.name)


def command_in(runs: Path, *arguments: str) -> str:
    """A headless command about runs of a folder, quoted for a shell; the folder is named where it is not the usual one."""
    where = ["--runs-dir", str(runs)] if runs != usual_runs_dir() else []
    return shlex.join(["luthier", *arguments, *where])
