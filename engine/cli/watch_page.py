"""A run as it stands, in the lines that `luthier watch` begins and ends with: state, curve, figures, machine, log."""

from __future__ import annotations

import time

from rich.text import Text

from engine.cli import console
from engine.cli.curve import loss_curve
from engine.cli.progress import left, number
from engine.runs import events as e
from engine.runs.store import Run
from engine.runs.view import LogLine, RunView
from engine.text import one_line

WIDTH = 80
"""Columns at most: wider is harder to read, and 80 fit everywhere."""
CURVE_LINES = 11
LOG_LINES = 8
LEVEL_STYLE = {"debug": "dim", "info": "", "warning": "yellow", "error": "red"}


def page(run: Run) -> list[Text]:
    """What to show of a run before what is new is told."""
    width = min(WIDTH, console.err.width) if console.err.is_terminal else WIDTH
    ascii_only = not (console.err.encoding or "").lower().startswith("utf")
    lines = [console.safe(headline(run))]
    lines += [Text(line) for line in loss_curve(run.view, width, CURVE_LINES, ascii_only)]
    lines += [console.safe(text) for text in (figures(run.view, width), machine(run.view.hardware, width)) if text]
    return lines + [log_line(line, width) for line in list(run.view.log)[-LOG_LINES:]]


def state_of(run: Run) -> str:
    """The state in a word; a paused run runs, but says so."""
    return "paused" if run.state == "running" and run.view.paused else state_word(run.state)


def state_word(state: str) -> str:
    """A state as people read it; JSON keeps the state's own name."""
    return "done" if state == "succeeded" else state


def headline(run: Run) -> str:
    """Name, state, step, and how long it will still take."""
    view = run.view
    parts = [f"{run.dir.name} {state_of(run)}"]
    if view.step:
        share = f" ({100 * view.step / view.total_steps:.0f} %)" if view.total_steps else ""
        parts.append(
            f"step {view.step:,} of {view.total_steps:,}{share}" if view.total_steps else f"step {view.step:,}"
        )
    if run.alive and view.eta is not None:
        off = f", so far off by {100 * view.eta.error:.0f} %" if view.eta.error is not None else ""
        parts.append(f"{left(view.eta)} left{off}")
    return "  ".join(parts)


def figures(view: RunView, width: int = WIDTH) -> str:
    """The newest figures, as many as there is room for."""
    if view.last_step is None:
        return ""
    best = view.series["eval_loss"].lowest if "eval_loss" in view.series else None
    parts = [f"loss {number(view.last('loss'))}"]
    if best is not None:
        parts.append(f"eval {number(view.last('eval_loss'))} (lowest {best[1]:.4f} at {best[0]:,.0f})")
    parts += [f"{view.last('tokens_per_s') or 0:,.0f} tok/s", f"lr {view.last('learning_rate') or 0:.2e}"]
    if peak := view.last("peak_gib"):
        parts.append(f"peak {peak:.1f} GiB")
    return _fitting(parts, width)


def machine(look: e.Hardware | None, width: int = WIDTH) -> str:
    """What the machine was doing: what is known, as much of it as there is room for."""
    if look is None:
        return ""
    of_gpu = [
        f"{look.gpu_percent:.0f} %" if look.gpu_percent is not None else "",
        f"{look.gpu_celsius:.0f} °C" if look.gpu_celsius is not None else "",
        f"{look.gpu_watts:.0f} W" if look.gpu_watts is not None else "",
        _share(look.gpu_gib, look.gpu_total_gib),
    ]
    parts = ["GPU " + " ".join(filter(None, of_gpu))] if any(of_gpu) else []
    parts += [f"CPU {look.cpu_percent:.0f} %"] if look.cpu_percent is not None else []
    parts += [f"memory {_share(look.host_gib, look.host_total_gib)}"] if look.host_gib is not None else []
    parts += [f"worker {look.process_gib:.1f} GiB"] if look.process_gib is not None else []
    return _fitting(parts, width)


def _fitting(parts: list[str], width: int) -> str:
    line = parts[0] if parts else ""
    for part in parts[1:]:
        if len(line) + 2 + len(part) > width:
            break
        line += f"  {part}"
    return line


def _share(used: float | None, total: float | None) -> str:
    if used is None:
        return ""
    return f"{used:.1f} of {total:.1f} GiB" if total else f"{used:.1f} GiB"


def log_line(line: LogLine, width: int) -> Text:
    """One line of the log: the clock, the level where it is not the usual one, and the words."""
    clock = time.strftime("%H:%M:%S", time.localtime(line.t))
    level = "" if line.level == "info" or line.message.startswith(line.level) else f"{line.level}: "
    return console.safe(
        f"{clock}  {one_line(level + line.message, max(20, width - 10))}", LEVEL_STYLE.get(line.level, "")
    )
