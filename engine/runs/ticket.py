"""A place in the queue: `queued.json` in a run directory, beside its resolved run file and no journal yet.

The tickets are the queue: there is no list that could be torn, or disagree with the runs. Whoever changes one holds
`ticket_lock` of the runs folder; a ticket that cannot be read still holds its place.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.errors import RunError
from engine.runs.paths import RunDir

QUEUE_FOLDER = ".queue"
WAITING = "queued.json"
CLAIMED = "starting.json"
"""What the queue's process calls a ticket while it starts the run; nobody else may then take it away."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits."""

    run: str = ""
    """Name of the run; the directory says it, the file need not."""
    device: str = ""
    """"0", "cpu", …; empty: the first that is free."""
    t: float = 0.0
    """Unix time at which it was queued."""
    place: int = 0
    """The lowest comes first; `t` decides between equals."""


_decoder = msgspec.json.Decoder(Ticket)


def is_queued(run_dir: RunDir) -> bool:
    """Whether a run waits in the queue, or is just being started from it. A few `stat`s."""
    if run_dir.journal.exists():
        return False
    return (run_dir.path / WAITING).exists() or (run_dir.path / CLAIMED).exists()


def read_ticket(run_dir: RunDir) -> Ticket | None:
    """The ticket of a run that waits; None where there is none, or where it is being started."""
    path = run_dir.path / WAITING
    try:
        data = path.read_bytes()
        written = path.stat().st_mtime
    except OSError:
        return None
    try:
        ticket = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):  # torn: it keeps a place, by when it was written
        ticket = Ticket(t=written)
    return msgspec.structs.replace(ticket, run=run_dir.name)


def write_ticket(run_dir: RunDir, ticket: Ticket) -> None:
    """Put a ticket in place in one move. Raises RunError when it cannot be written."""
    try:
        fd, name = tempfile.mkstemp(dir=run_dir.path, prefix=".queued-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(ticket) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, run_dir.path / WAITING)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(
            f"{run_dir.name} cannot be queued: {run_dir.path} cannot be written: {error.strerror}."
        ) from error


def queue_folder(runs: Path) -> Path:
    """Folder of the queue's lock and log; made where it is missing. Raises RunError when it cannot be."""
    folder = runs / QUEUE_FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"The queue needs {folder}, which cannot be made: {error.strerror}.") from error
    return folder


@contextmanager
def ticket_lock(runs: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the queue of a runs folder; others wait, threads of this process too.

    It is held for a few writes only. Raises RunError when it is not free within `wait_s`, or cannot be opened.
    """
    path = queue_folder(runs) / "tickets.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RunError(f"The queue cannot be changed: {path} cannot be opened: {error.strerror}.") from error
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise RunError(f"The queue is busy: {path} was not free for {wait_s:.0f} s. Try again.") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(fd)
