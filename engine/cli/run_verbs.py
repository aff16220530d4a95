"""train, resume, stop, watch: the verbs that follow a run."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Group

from engine.cli import console
from engine.cli.progress import narrator
from engine.cli.watch_page import state_word
from engine.errors import ExitCode, RunError
from engine.runs.commands import send
from engine.runs.crash import what_next
from engine.runs.ending import kill, lost_by_kill
from engine.runs.events import AnyEvent, Hello
from engine.runs.follow import follow
from engine.runs.glance import glance
from engine.runs.paths import RunDir, runs_dir
from engine.runs.store import FINAL, Run, find_run

STOP_WAIT_S = 600.0


def train(run_file: Path, overrides: list[str], folder: Path | None, device: str, detach: bool, as_json: bool) -> None:
    """Start a run; follow it unless `detach`."""
    from engine.train.start import start_run

    started = start_run(run_file, runs_dir(folder), overrides, device)
    _after_start(started.dir, started.process, detach, as_json)


def resume(name: str, folder: Path | None, device: str, detach: bool, as_json: bool) -> None:
    """Resume a run; follow it unless `detach`."""
    from engine.train.start import resume_run

    started = resume_run(find_run(runs_dir(folder), name), device)
    _after_start(started.dir, started.process, detach, as_json)


def _after_start(run_dir: RunDir, process: subprocess.Popen[bytes], detach: bool, as_json: bool) -> None:
    if not detach:
        _follow(Run(run_dir), as_json, owner=True, worker=process.pid)
    if as_json:
        console.json_line({"run": run_dir.name, "path": str(run_dir.path), "pid": process.pid})
        return
    console.say(f"The run goes on without this terminal. `luthier watch {run_dir.name}` or `luthier` shows it.")
    console.data(run_dir.name)


def stop(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Ask a run to stop and wait until it has. Raises RunError when it does not run."""
    run = Run(find_run(runs_dir(folder), name)).load()
    require_running(run)
    send(run.dir.commands, "stop")
    console.say(f"{run.dir.name} finishes its step, saves and ends …")
    deadline = time.monotonic() + STOP_WAIT_S
    while run.state not in FINAL or run.alive:
        if time.monotonic() > deadline:
            raise RunError(f"{run.dir.name} has not ended after {STOP_WAIT_S:.0f} s; it may be in one very long step.")
        time.sleep(0.1)
        run.refresh()
    _report(run, as_json)


def stop_now(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Kill a run and say what is lost by it. Raises RunError when it does not run, or not on this machine."""
    run = Run(find_run(runs_dir(folder), name)).load()
    if not run.alive:
        require_running(run)
    lost = lost_by_kill(run.view)
    if not kill(run.dir.path):
        console.say(f"{run.dir.name} had just ended by itself.")
    run.load()
    console.say(
        f"{run.dir.name} was killed. {lost}" if run.state == "crashed" else f"{run.dir.name} {state_word(run.state)}."
    )
    _report(run, as_json)


def require_running(run: Run) -> None:
    """Raises RunError that says how it is with a run that does not run."""
    if run.state == "queued":
        raise RunError(f"{run.dir.name} waits in the queue. `luthier queue cancel {run.dir.name}` takes it out.")
    if run.state in FINAL:
        raise RunError(f"{run.dir.name} does not run: it {run.state}.")


def watch(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Follow a run that somebody else started: how it stands, at once however long it is, and then what is new."""
    run = Run(find_run(runs_dir(folder), name))
    if not as_json:
        _load_shown(run)
        if run.state == "queued":
            console.say("It waits in the queue. `luthier queue` shows its place; here it is told when it starts.")
    _follow(run, as_json, owner=False)


def _load_shown(run: Run) -> None:
    """Read a run and show it; in a terminal a very long one is shown from afar while it is read."""
    from rich.live import Live

    from engine.cli.watch_page import page

    first = glance(run.dir) if console.err.is_terminal else None
    if first is None:
        run.load()
    else:
        with Live(Group(*page(first)), console=console.err, auto_refresh=False, transient=True):
            run.load()
    for line in page(run):
        console.err.print(line)


def _follow(run: Run, as_json: bool, owner: bool, worker: int | None = None) -> NoReturn:
    """Show a run until it ends and exit with its code; of `worker`, a pid, only what it did itself. Raises typer.Exit."""
    shown = narrator(quiet=as_json)
    interrupted, begun = False, worker is None

    def on_event(event: AnyEvent) -> None:
        nonlocal begun
        begun = begun or (isinstance(event, Hello) and event.pid == worker)
        if not begun:
            return  # of a worker before it: `luthier watch` tells it
        if as_json:
            console.json_line(event)
        shown.event(event, run.view)

    try:
        while True:
            try:
                follow(run, on_event)
                break
            except KeyboardInterrupt:
                if not owner or interrupted:
                    shown.close()
                    if run.state not in FINAL:
                        console.say(f"\nThe run goes on. `luthier watch {run.dir.name}` or `luthier` shows it again.")
                    raise typer.Exit(ExitCode.INTERRUPTED) from None
                interrupted = True
                send(run.dir.commands, "stop")
                console.say(
                    "\nStopping: the step is finished and a checkpoint saved. Ctrl-C again leaves it to itself."
                )
    finally:
        shown.close()
    _report(run, as_json)
    raise typer.Exit(ExitCode.INTERRUPTED if interrupted else _exit_code(run))


def _exit_code(run: Run) -> int:
    if run.state in ("succeeded", "stopped"):
        return ExitCode.DONE
    code = run.view.finished.code if run.view.finished else ExitCode.TRAINING_FAILED
    return code if code in (ExitCode.USAGE, ExitCode.RESOURCES) else ExitCode.TRAINING_FAILED


def _report(run: Run, as_json: bool) -> None:
    """The last word: state, loss, and where the result is."""
    summary = run.summary()
    result = next((d for d in (run.dir.adapter, run.dir.model) if d.is_dir()), None)
    if as_json:
        console.json_line({"type": "summary", **summary, "result": str(result) if result else None})
        return
    loss = "" if summary["eval_loss"] is None else f", evaluation loss {summary['eval_loss']:.4f}"
    console.say(f"{run.dir.name} {state_word(run.state)} at step {run.view.step} of {run.view.total_steps}{loss}")
    if run.reason:
        console.say(run.reason, "red" if run.state in ("failed", "crashed") else "")
    if run.state in ("stopped", "failed", "crashed"):
        console.say(what_next(run.dir, run.view))
    if result:
        console.data(str(result))
