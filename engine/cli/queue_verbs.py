"""queue, queue add, queue move, queue cancel: the runs that wait."""

from __future__ import annotations

import time
from pathlib import Path

from rich.table import Table

from engine.cli import console
from engine.cli.progress import duration
from engine.runs import queue
from engine.runs.devices import devices
from engine.runs.paths import runs_dir
from engine.runs.store import find_run

FAR = 1 << 30
PLACES = {"up": -1, "down": 1, "first": -FAR, "last": FAR}


def show(folder: Path | None, as_json: bool) -> None:
    """What runs and what waits, by device; the queue's process is started again where it has died."""
    runs = runs_dir(folder)
    tickets = queue.queue_of(runs)
    if tickets:
        queue.ensure_keeper(runs)
    known, busy = devices(), queue.busy_devices(runs)
    if as_json:
        console.json_line(
            {
                "runs_dir": str(runs),
                "devices": [{"device": device, "run": busy.get(device)} for device in known],
                "elsewhere": busy.get(queue.ANY),
                "queue": [{"run": t.run, "device": t.device or None, "queued_t": t.t} for t in tickets],
            }
        )
        return
    for device in known:
        console.data(f"device {device}: {busy.get(device, 'free')}")
    if queue.ANY in busy:
        console.say(f"{busy[queue.ANY]} runs on a device that is not known; the queue waits for its end")
    if not tickets:
        console.say("Nothing waits. `luthier queue add RUN.toml` queues a run.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "run", "device", "queued"):
        table.add_column(heading)
    for place, ticket in enumerate(tickets, 1):
        waits = "" if not ticket.device or ticket.device in known else " (is not there)"
        since = f"{duration(max(0.0, time.time() - ticket.t))} ago"
        table.add_row(str(place), console.safe(ticket.run), console.safe((ticket.device or "any") + waits), since)
    console.show(table)


def add(run_file: Path, overrides: list[str], folder: Path | None, device: str, as_json: bool) -> None:
    """Check a run file and queue it. Raises LuthierError."""
    from engine.train.start import queue_run

    run_dir, _ = queue_run(run_file, runs_dir(folder), overrides, device)
    waiting = [ticket.run for ticket in queue.queue_of(run_dir.path.parent)]
    place = waiting.index(run_dir.name) + 1 if run_dir.name in waiting else 0  # 0: it is being started already
    if as_json:
        console.json_line({"run": run_dir.name, "path": str(run_dir.path), "place": place})
        return
    what = f"waits in place {place}" if place else "starts now"
    console.say(f"{run_dir.name} {what}. The queue goes on without this terminal; `luthier queue` shows it.")
    console.data(run_dir.name)


def move(name: str, where: str, folder: Path | None, as_json: bool) -> None:
    """Change the place of a run. Raises RunError when it does not wait."""
    run = find_run(runs_dir(folder), name)
    place = queue.move(run.path.parent, run.name, PLACES[where]) + 1
    if as_json:
        console.json_line({"run": run.name, "place": place})
    else:
        console.say(f"{run.name} is in place {place} now.")


def cancel(name: str, folder: Path | None, as_json: bool) -> None:
    """Take a run out of the queue. Raises RunError when it does not wait."""
    run = find_run(runs_dir(folder), name)
    place = queue.cancel(run.path.parent, run.name)
    if as_json:
        console.json_line({"run": run.name, "trash": str(place)})
    else:
        console.say(
            f"{run.name} will not start. It is in the trash; `luthier delete --restore {place.name}` queues it again."
        )
