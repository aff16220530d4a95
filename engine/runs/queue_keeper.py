"""The queue's process: starts what waits, one run after another on each device.

    python -P -m engine.runs.queue_keeper RUNS_DIR

It outlives whoever started it, holds `.queue/keeper.lock`, needs no machine-learning library, and ends when nothing
waits any more. A run that cannot be started gets a journal that says why, and the next one goes on.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from engine.errors import LuthierError, RunError
from engine.runs.devices import devices
from engine.runs.events import Finished
from engine.runs.journal import Journal
from engine.runs.launcher import launch
from engine.runs.lock import RunLock, is_held
from engine.runs.paths import RunDir
from engine.runs.queue import ANY, busy_devices, claim, keeper_lock, queue_of
from engine.runs.store import list_runs
from engine.runs.ticket import CLAIMED, WAITING, Ticket, ticket_lock

LOOK_EVERY_S = 1.0
AGAIN_S = 5.0
"""After something went wrong with the folder."""
SOON_S = 0.2
"""After a run ended its successor starts within this; the longer pause is for a queue that has waited for a while."""


def main(argv: list[str] | None = None) -> int:
    """Keep the queue until it is empty; return the exit code."""
    runs = Path((argv or sys.argv[1:])[0]).absolute()
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        lock = RunLock(keeper_lock(runs))
    except RunError:
        return 0  # another one is faster
    recovered = ended = False
    while not ended:
        pause = LOOK_EVERY_S
        try:
            if not recovered:
                recover(runs)
                recovered = True
            if not (ended := finished(runs, lock)) and start_next(runs):
                pause = SOON_S
        except (LuthierError, OSError) as error:  # a disk that is full or away for a while ends no queue
            _say(str(error))
            pause = AGAIN_S
        if not ended:
            time.sleep(pause)
    return 0


def finished(runs: Path, lock: RunLock) -> bool:
    """Whether nothing waits: then the lock is given back before anybody can queue, so that who does starts a keeper anew."""
    if not runs.is_dir():  # somebody removed the folder: it is not made again
        lock.release()
        return True
    if queue_of(runs):
        return False
    with ticket_lock(runs):
        if queue_of(runs):
            return False
        lock.release()
        return True


def recover(runs: Path) -> None:
    """Put runs back into the queue that an earlier keeper had begun to start when it died."""
    with ticket_lock(runs):
        for run_dir in list_runs(runs):
            claimed = run_dir.path / CLAIMED
            if not claimed.exists():
                continue
            if run_dir.journal.exists() or is_held(run_dir.lock):
                claimed.unlink(missing_ok=True)
            else:
                claimed.replace(run_dir.path / WAITING)


def next_of(waiting: list[Ticket], known: list[str], busy: dict[str, str]) -> tuple[Ticket, str] | None:
    """The first ticket whose device is free, and that device; later ones may pass those that wait for another."""
    if ANY in busy:
        return None
    free = [device for device in known if device not in busy]
    for ticket in waiting:
        if ticket.device in free:
            return ticket, ticket.device
        if not ticket.device and free:
            return ticket, free[0]
    return None


def start_next(runs: Path) -> bool:
    """Start the run whose turn it is, if its device is free; return whether there was one.

    A ticket that cannot be taken, as it is gone by now or its directory cannot be written, keeps no other from its turn.
    """
    waiting, known, busy = queue_of(runs), devices(), busy_devices(runs)
    while (chosen := next_of(waiting, known, busy)) is not None and not claim(runs, chosen[0]):
        waiting.remove(chosen[0])
    if chosen is None:
        return False
    ticket, device = chosen
    run_dir = RunDir(runs / ticket.run)
    try:
        process = launch(run_dir, device=device)
        _say(f"{run_dir.name} started on {device}, pid {process.pid}")
    except (LuthierError, OSError) as error:
        _say(f"{run_dir.name} did not start: {error}")
        _mark_failed(run_dir, error)
    finally:
        (run_dir.path / CLAIMED).unlink(missing_ok=True)
    return True


def _mark_failed(run_dir: RunDir, error: LuthierError | OSError) -> None:
    """Let the run say why it did not start. Nothing where a worker is at work on it after all, or has had its last word."""
    if is_held(run_dir.lock) or not run_dir.path.is_dir():
        return
    code = error.exit_code if isinstance(error, LuthierError) else 1
    try:
        journal = Journal(run_dir.journal)
        journal.append(Finished(outcome="failed", reason=f"It could not be started: {error}", code=code), sync=True)
        journal.close()
    except OSError as failed:
        _say(f"{run_dir.name}: its journal cannot be written: {failed}")


def _say(what: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
