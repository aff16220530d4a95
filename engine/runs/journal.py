"""The journal: an append-only file of JSON lines that survives its writer.

The writer appends each line with a single `write(2)`. Once a second a thread syncs the file, so that a slow disk keeps no
step waiting; what must be on the disk before the writer goes on is synced at once. A line that a crash cut in half is removed
when the file is next opened for writing. The reader never consumes a line before its newline is there, reads in bounded
bites, and can be asked again for ever.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from engine.runs.blocks import Bulk
from engine.runs.columns import StepBlock
from engine.runs.events import UNREADABLE, AnyEvent, Event, decode, encode

SYNC_EVERY_S = 1.0
_TAIL_BYTES = 1 << 16


class Journal:
    """Writer of one journal file. `seq` goes on where the file ends.

    Source of the durability rule: a row costs 2 us, a synced one 160 us to 5 ms, as the disk is; a row a second is synced.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.seq = repair(path) + 1
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._synced = time.monotonic()
        self.heard: Callable[[Event], object] | None = None
        """Told of each event once it is written, in the thread that wrote it; what it raises, `append` raises."""
        self._one = threading.Lock()
        """Two threads may append: the one that trains, and the one that watches the machine."""
        self._aside: threading.Thread | None = None
        self._failed: OSError | None = None

    def append(self, event: Event, sync: bool = False) -> Event:
        """Stamp `event` with sequence number and time and append it; return it. Raises OSError when the disk fails."""
        if self._failed is not None:
            raise self._failed
        with self._one:
            event.seq, event.t = self.seq, round(self.clock(), 3)
            line = encode(event)
            written = os.write(self._fd, line)
            if written != len(line):  # a full disk: what was written is a torn tail, removed here at once
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
                raise OSError(28, "no space left for the journal", str(self.path))
            self.seq += 1
        if sync:
            os.fdatasync(self._fd)
            self._synced = time.monotonic()
        elif time.monotonic() - self._synced >= SYNC_EVERY_S and (self._aside is None or not self._aside.is_alive()):
            self._synced = time.monotonic()
            self._aside = threading.Thread(target=self._sync_aside, daemon=True)
            self._aside.start()
        if self.heard is not None:
            self.heard(event)
        return event

    @property
    def writing(self) -> bool:
        """Whether somebody is in the middle of a line: no time for a signal to raise."""
        return self._one.locked()

    def _sync_aside(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError as error:  # the next row tells it
            self._failed = error

    def close(self) -> None:
        """Sync and close."""
        if self._aside is not None:
            self._aside.join()
        os.fdatasync(self._fd)
        os.close(self._fd)


def repair(path: Path) -> int:
    """Cut a torn or unreadable tail off the journal; return the last sequence number, -1 for none."""
    if not path.exists():
        return -1
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start, line = _last_line(file, end)
            seq = _seq_of(line)
            if seq is not None:
                file.truncate(end)
                return seq
            end = start
        file.truncate(0)
    return -1


def _last_line(file: object, end: int) -> tuple[int, bytes]:
    """Return (offset, bytes) of the last line that ends at `end`."""
    window = _TAIL_BYTES
    while True:
        start = max(0, end - window)
        file.seek(start)  # type: ignore[attr-defined]
        data: bytes = file.read(end - start)  # type: ignore[attr-defined]
        cut = data.rfind(b"\n", 0, len(data) - 1)
        if cut >= 0 or start == 0:
            return start + cut + 1, data[cut + 1 :]
        window *= 4


def _seq_of(line: bytes) -> int | None:
    if not line.endswith(b"\n"):
        return None
    try:
        seq = msgspec.json.decode(line)["seq"]
    except (*UNREADABLE, KeyError, TypeError):
        return None
    return seq if isinstance(seq, int) else None


class JournalReader:
    """Reads a journal from wherever it stopped, live or finished.

    `skipped` counts lines of unknown type, `damaged` lines that are no JSON. `read` gives every event whole,
    `read_blocks` gives the steps as columns: seven times as fast, and what a curve is drawn of. A journal that is
    shorter than what was read of it was written anew, and is read from its start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.skipped = 0
        self.damaged = 0
        self._buffer = bytearray()

    def read(self, max_bytes: int = 4 << 20) -> list[AnyEvent]:
        """Return the events that were added since the last call, at most about `max_bytes` of them."""
        return list(self._decode(self._bite(max_bytes)))

    def read_blocks(self, max_bytes: int = 1 << 20) -> list[AnyEvent | StepBlock]:
        """As `read`, with steps that follow each other in one block."""
        size = self._fill(max_bytes)
        bulk = Bulk()
        found = bulk.decode(self._buffer, size)
        self.skipped += bulk.skipped
        self.damaged += bulk.damaged
        if size < max_bytes // 2:  # the end for now: what comes is small
            self._buffer = bytearray()
        return found

    def _fill(self, max_bytes: int) -> int:
        """Put the whole lines that come next into the buffer, which is used again for each bite; return their length."""
        if len(self._buffer) < max_bytes:
            self._buffer = bytearray(max_bytes)
        try:
            with self.path.open("rb", buffering=0) as file:
                self._seek(file)
                size = self._buffer.rfind(b"\n", 0, file.readinto(self._buffer) or 0) + 1
        except OSError:
            return 0
        if not size:  # nothing, or one line longer than the bite
            self._buffer = bytearray(self._bite(max_bytes))
            return len(self._buffer)
        self.offset += size
        return size

    def _seek(self, file: IO[bytes]) -> None:
        if os.fstat(file.fileno()).st_size < self.offset:
            self.offset = 0
        file.seek(self.offset)

    def _bite(self, max_bytes: int) -> bytes:
        """The whole lines that come next."""
        try:
            with self.path.open("rb") as file:
                self._seek(file)
                data = file.read(max_bytes)
                if data and b"\n" not in data:
                    data += file.readline()  # one line longer than the bite
        except OSError:  # not there yet, or no file that can be read: a viewer shows what it can
            return b""
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return whole

    def read_all(self) -> list[AnyEvent]:
        """Return everything that is there now."""
        events: list[AnyEvent] = []
        while batch := self.read():
            events += batch
        return events

    def _decode(self, data: bytes) -> Iterator[AnyEvent]:
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            try:
                event = decode(line)
            except UNREADABLE:
                self.damaged += 1
                continue
            if event is None:
                self.skipped += 1
            else:
                yield event
