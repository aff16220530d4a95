"""pause, continue, ask: what a living run can be asked, and waiting for its answer."""

from __future__ import annotations

import time
from pathlib import Path

from engine.cli import console
from engine.cli.run_verbs import require_running
from engine.errors import RunError
from engine.runs.commands import Command, CommandName, send
from engine.runs.events import Ack, Phase
from engine.runs.paths import runs_dir
from engine.runs.store import FINAL, Run, find_run

PATIENCE_S = 600.0
"""For the longest step; whoever does not want to wait presses Ctrl-C, and the run has heard all the same."""
PAUSED = "paused"


def pause(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Ask a run to wait, and wait until it does. Raises RunError when it does not run."""
    run = _living(name, folder)
    if not _is_paused(run):
        _await(run, send(run.dir.commands, "pause"), PAUSED)
    told = "; ".join(("it waits with everything in memory", f"`luthier continue {run.dir.name}` lets it go on"))
    _told(run, f"{run.dir.name} is paused after step {run.view.step}: {told}.", "paused", as_json)


def unpause(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Let a paused run go on. Raises RunError when it does not run."""
    run = _living(name, folder)
    if not _is_paused(run):
        raise RunError(f"{run.dir.name} is not paused.")
    _await(run, send(run.dir.commands, "unpause"), "")
    _told(run, f"{run.dir.name} goes on.", "running", as_json)


def ask(name: str, what: CommandName, folder: Path | None, as_json: bool) -> None:
    """Hand a request to a run. Raises RunError when it does not run."""
    run = _living(name, folder)
    command = send(run.dir.commands, what)
    if as_json:
        console.json_line({"run": run.dir.name, "command": what, "id": command.id})
        return
    console.say(
        f"{run.dir.name} was asked; it does so after the step at hand. `luthier watch {run.dir.name}` shows it."
    )


def _living(name: str | None, folder: Path | None) -> Run:
    run = Run(find_run(runs_dir(folder), name)).load()
    require_running(run)
    return run


def _is_paused(run: Run) -> bool:
    return run.view.phase is not None and run.view.phase.name == PAUSED


def _await(run: Run, command: Command, phase: str) -> None:
    """Wait until a command was acknowledged, and the run says that it is in `phase` where one is named."""
    acknowledged = False
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for event in run.take():
            acknowledged = acknowledged or (isinstance(event, Ack) and event.id == command.id)
            if acknowledged and phase and isinstance(event, Phase) and event.name == phase:
                return
        if acknowledged and not phase:
            return
        if run.state in FINAL and not run.alive:
            raise RunError(f"{run.dir.name} {run.state} before it heard of it. {run.reason}".rstrip())
        if time.monotonic() > deadline:
            raise RunError(f"{run.dir.name} has not answered for {PATIENCE_S:.0f} s; it obeys after the step at hand.")
        time.sleep(0.05)


def _told(run: Run, sentence: str, state: str, as_json: bool) -> None:
    if as_json:
        console.json_line({"run": run.dir.name, "state": state, "step": run.view.step})
    else:
        console.say(sentence)
