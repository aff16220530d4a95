"""The queue: runs that wait for a device and start one after another, whoever has left meanwhile.

A queued run is a run directory with its resolved run file, a ticket, and no journal. `queue_keeper`, a small process of
its own, starts the next one when its device is free; it lives while anything waits, and whoever looks at the queue
starts it again where it has died (`ensure_keeper`). All tickets are changed under one lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from engine.errors import RunError
from engine.runs.devices import is_starting, read_launched, require_device
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.store import list_runs
from engine.runs.ticket import (
    CLAIMED,
    WAITING,
    Ticket,
    is_queued,
    queue_folder,
    read_ticket,
    ticket_lock,
    write_ticket,
)
from engine.runs.trash import to_trash

__all__ = ["Ticket", "busy_devices", "cancel", "claim", "enqueue", "ensure_keeper", "is_queued", "move", "queue_of"]

KEEPER_MODULE = "engine.runs.queue_keeper"
LOG_BYTES = 1 << 20
ANY = "any"
"""In `busy_devices`: a run whose device nobody knows, which may be on any."""


def queue_of(runs: Path) -> list[Ticket]:
    """The runs that wait, in order; without those that are just being started."""
    found = []
    for run_dir in list_runs(runs):
        if (ticket := read_ticket(run_dir)) is not None and not run_dir.journal.exists():
            found.append(ticket)
    return sorted(found, key=lambda ticket: (ticket.place, ticket.t, ticket.run))


def enqueue(runs: Path, run_dir: Path, device: str = "") -> Ticket:
    """Put a run, whose directory holds its run file and no journal, at the end of the queue.

    Raises RunError when the run has begun already, or when there is no such device.
    """
    directory = RunDir(run_dir)
    if directory.journal.exists():
        raise RunError(f"{directory.name} has begun already; `luthier resume {directory.name}` goes on with it.")
    require_device(device)
    with ticket_lock(runs):
        waiting = queue_of(runs)
        place = max((ticket.place for ticket in waiting if ticket.run != directory.name), default=0) + 1
        ticket = Ticket(run=directory.name, device=device, t=round(time.time(), 3), place=place)
        write_ticket(directory, ticket)
    ensure_keeper(runs)
    return ticket


def move(runs: Path, name: str, by: int) -> int:
    """Move a run by so many places, up for a negative number, as far as there are any; return its place from 0.

    Raises RunError when it does not wait.
    """
    with ticket_lock(runs):
        tickets = queue_of(runs)
        now = next((number for number, ticket in enumerate(tickets) if ticket.run == name), None)
        if now is None:
            raise _not_waiting(runs, name)
        then = min(max(now + by, 0), len(tickets) - 1)
        tickets.insert(then, tickets.pop(now))
        for place, ticket in enumerate(tickets, 1):
            if ticket.place != place:
                write_ticket(RunDir(runs / ticket.run), msgspec.structs.replace(ticket, place=place))
    return then


def cancel(runs: Path, name: str) -> Path:
    """Take a run out of the queue; return where its directory is now: in the trash, from which it can be queued again.

    Raises RunError when it does not wait (any more).
    """
    with ticket_lock(runs):
        if read_ticket(RunDir(runs / name)) is None or not is_queued(RunDir(runs / name)):
            raise _not_waiting(runs, name)
        return to_trash(RunDir(runs / name))


def _not_waiting(runs: Path, name: str) -> RunError:
    run_dir = RunDir(runs / name)
    if is_held(run_dir.lock) or (run_dir.path / CLAIMED).exists():
        return RunError(f"{name} has been started: `luthier stop {name}` ends it.")
    return RunError(f"{name} is not in the queue. `luthier queue` shows what is.")


def claim(runs: Path, ticket: Ticket) -> bool:
    """For the keeper, before it starts a run: take its ticket, so that nobody cancels it. False when it is gone."""
    with ticket_lock(runs):
        folder = runs / ticket.run
        try:
            os.replace(folder / WAITING, folder / CLAIMED)
        except OSError:
            return False
        return True


def busy_devices(runs: Path) -> dict[str, str]:
    """Device -> the living run of this folder that has it, or is about to; `ANY` where it cannot be told which one that is."""
    busy = {}
    for run_dir in list_runs(runs):
        if is_held(run_dir.lock) or is_starting(run_dir):
            busy[read_launched(run_dir).device or ANY] = run_dir.name
    return busy


def keeper_lock(runs: Path) -> Path:
    """The lock that the keeper of a runs folder holds while it lives."""
    return queue_folder(runs) / "keeper.lock"


def keeper_lives(runs: Path) -> bool:
    """Whether somebody starts what waits. Makes nothing."""
    return is_held(runs / ".queue" / "keeper.lock")


def ensure_keeper(runs: Path) -> bool:
    """Start the keeper where something waits and none lives; return whether one was started. Cheap where none is needed.

    Raises RunError when it cannot be started.
    """
    if keeper_lives(runs) or not _anything_waits(runs):
        return False
    log_path = queue_folder(runs) / "keeper.log"
    environment = {**os.environ, "PYTHONPATH": _python_path()}
    try:
        long = log_path.exists() and log_path.stat().st_size > LOG_BYTES
        with log_path.open("wb" if long else "ab") as log:
            _KEEPERS[:] = [process for process in _KEEPERS if process.poll() is None]
            _KEEPERS.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", KEEPER_MODULE, str(runs.absolute())],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd="/",
                    env=environment,
                )
            )
    except OSError as error:
        raise RunError(f"The queue's process cannot be started: {error}. The queue is kept.") from error
    return True


_KEEPERS: list[subprocess.Popen[bytes]] = []
"""Those that this process started, so that they are waited for once they have ended."""


def _anything_waits(runs: Path) -> bool:
    return any(is_queued(run_dir) for run_dir in list_runs(runs))


def _python_path() -> str:
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(dict.fromkeys([root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
