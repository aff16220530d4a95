"""Open sources: a table, how its rows are understood, its views and what was found out about it.

A source is closed when nobody works on it any more. Its rows become reachable while one thread grows its table; everybody else
waits for rows with `wait_for`, and walks over them in small blocks.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from engine.config.data import DataSection
from engine.data.chain import Chain
from engine.data.export import line_of
from engine.data.interpret import Reading
from engine.data.memory_table import MemoryTable
from engine.data.rows import Record
from engine.data.spans import SpanTable
from engine.data.survey import survey
from engine.data.table import Table
from engine.errors import DataError, LuthierError
from engine.service.drafts import Drafts
from engine.service.examination import Examination
from engine.service.jobs import PROGRESS_S, Ended, Job, Pace
from engine.service.protocol import Grown
from engine.service.search import Needle
from engine.service.verdicts import Verdicts
from engine.service.views import MOST_ROWS, Numbers, Views
from engine.service.wire import Channel

if TYPE_CHECKING:
    from engine.data.examine import Report
    from engine.service.kept import Kept

MOST_COLUMNS = 256
"""Columns of a list; what is beyond is in the row in full."""
BLOCK_ROWS = 256
"""Rows between two looks at whether the request still stands: some milliseconds of work."""
_SKIM_ROWS = 1024
_WAIT_S = 0.02


class Source:
    """One open source."""

    def __init__(self, number: int, section: DataSection, table: Table) -> None:
        """Raises DataError when the file holds no table. Reads its first rows."""
        self.number = number
        self.table = table
        self.views = Views()
        self._understand(section)
        self.closing = False
        self._grown = False
        self._problem = ""
        self._users = 0
        self._lock = threading.Lock()
        self._reading: AbstractContextManager[object] = nullcontext() if _many_may_read(table) else threading.Lock()

    def _understand(self, section: DataSection) -> None:
        reading, facts = survey(self.table, section)
        self.section, self.reading, self.facts = section, reading, facts
        self.columns = [column.name for column in facts.columns[:MOST_COLUMNS]]
        if len(facts.columns) > MOST_COLUMNS:
            facts.notes.append(f"It has {len(facts.columns):,} columns or more; lists show the first {MOST_COLUMNS}.")
        self.examination: Examination | None = None
        """What was found out about the rows, as they are understood now."""
        self.reported: tuple[object, Report] | None = None
        """The last examination of all rows, with what it was asked for."""
        self.excluded: Examination | None = None
        """The rows that a run leaves out for their findings, once that was worked out."""
        self.verdicts = Verdicts(section, reading)
        """What is said of rows, as things stand."""
        self.kept: dict[str | None, Kept] = {}
        """What a run would take, by the column that groups rows."""

    def read_as(self, section: DataSection) -> None:
        """Understand the rows by these keys, and forget what was found out about them by others.

        What a run leaves out changes nothing about the rows: what is known of them stays.
        """
        if self.section.model_copy(update={"exclude": section.exclude}) != section:
            self._understand(section)
            return
        self.section, self.excluded, self.kept = section, None, {}
        self.verdicts = Verdicts(section, self.reading)

    def remember(self, examination: Examination, reading: Reading) -> None:
        """Keep what was found out about the rows, unless they are understood in another way by now."""
        if reading is self.reading:
            self.examination = examination

    def exclude(self, examination: Examination, reading: Reading) -> None:
        """Keep which rows a run leaves out; from now on these are the ones."""
        if reading is self.reading:
            self.excluded = examination
            self.verdicts = Verdicts(self.section, reading, examination.marks(self.section.exclude.findings))

    @property
    def known(self) -> int:
        """Rows that can be reached now."""
        return min(self.table.known, MOST_ROWS)

    @property
    def complete(self) -> bool:
        """Whether that is all."""
        return self._grown

    @property
    def problem(self) -> str:
        """Why it ended early, or ""."""
        return self._problem or self.table.problem

    @property
    def expected(self) -> int:
        """How many rows there will be; estimated by the bytes while they are counted."""
        known, done = self.known, self.table.bytes_done
        if self._grown or not done:
            return known
        return max(known, known * self.table.bytes_total // done)

    @contextmanager
    def use(self) -> Iterator[None]:
        """While it is worked on; it is closed by the last one who does. Raises Ended when it is closing."""
        with self._lock:
            if self.closing:
                raise Ended
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                last = self.closing and not self._users
            if last:
                self.table.close()

    def close(self) -> None:
        """Close it, at once or as soon as nobody works on it."""
        with self._lock:
            idle = not self.closing and not self._users
            self.closing = True
        if idle:
            self.table.close()

    def grow(self, channel: Channel, request_id: int, pace: Pace) -> None:
        """Make every row reachable, telling how far it is; for one thread, which was alone with the table so far."""
        told = 0.0
        try:
            while not self.closing and self.table.known < MOST_ROWS and self.table.grow():
                if time.monotonic() - told >= PROGRESS_S:
                    told = time.monotonic()
                    self._tell(channel, request_id)
                pace.breathe()
        except LuthierError as error:
            self._problem = str(error)
        except Exception as error:  # noqa: BLE001 - rows that are known can still be looked at
            traceback.print_exc(file=sys.stderr)
            self._problem = f"Reading ended after row {self.known:,}: {type(error).__name__}: {error}"
        self._grown = True
        self._tell(channel, request_id)

    def grow_alone(self, job: Job) -> None:
        """Make every row reachable, for a source that nobody else knows of."""
        while self.table.grow():
            job.check()
        self._grown = True

    def _tell(self, channel: Channel, request_id: int) -> None:
        if self.closing:
            return
        channel.send(
            Grown(
                id=request_id,
                source=self.number,
                rows=self.known,
                bytes_done=self.table.bytes_total if self._grown and not self.problem else self.table.bytes_done,
                bytes_total=self.table.bytes_total,
                complete=self._grown,
                problem=self.problem,
            )
        )

    def wait_for(self, row: int, job: Job) -> bool:
        """Wait until a row, counted from 0, can be reached; False when there is none."""
        while row >= self.known:
            if self._grown:
                return row < self.known
            job.check()
            time.sleep(_WAIT_S)
        return True

    def record(self, row: int) -> Record:
        """One row. Raises DataError when there is none."""
        found = self.records(row, row + 1) if 0 <= row < self.known else []
        if not found:
            so_far = "" if self.complete else " so far"
            raise DataError(f"{self.table.name} has {self.known:,} rows{so_far}; there is no row {row + 1:,}.")
        return found[0]

    def records(self, start: int, stop: int) -> list[Record]:
        """Rows that lie side by side."""
        with self._reading:
            return self.table.records(start, min(stop, self.known))

    def fetch(self, rows: Numbers) -> list[Record]:
        """Rows from anywhere, in this order."""
        found: list[Record] = []
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(rows, breaks):
            if len(run):
                found += self.records(int(run[0]), int(run[-1]) + 1)
        return found

    def raw(self, row: int) -> bytes:
        """A row as it stands in the file."""
        with self._reading:
            return self.table.raw(row)

    def line(self, row: int, record: Record) -> bytes:
        """A row as a line of an export."""
        with self._reading:
            return line_of(self.table, row, record)

    def walk(self, job: Job, rows: Numbers | None = None, needle: Needle | None = None) -> Iterator[Block]:
        """Rows in small blocks, all of them or these, waiting for those that are not reached yet.

        With a needle, rows that cannot hold it are passed over.
        """
        if rows is not None:
            for at in range(0, len(rows), BLOCK_ROWS):
                some = rows[at : at + BLOCK_ROWS]
                if not self.wait_for(int(some.max()), job):
                    some = some[some < self.known]
                job.check()
                yield Block(some, self.fetch(some), min(at + BLOCK_ROWS, len(rows)))
            return
        start = 0
        while self.wait_for(start, job):
            stop = min(self.known, start + (_SKIM_ROWS if needle else BLOCK_ROWS))
            if needle is None:
                some = np.arange(start, stop, dtype=np.int32)
            else:
                some, stop = self._skim(start, stop, needle)
            job.check()
            for part in np.split(some, range(BLOCK_ROWS, len(some), BLOCK_ROWS)):
                yield Block(part, self.fetch(part), stop)
                job.check()
            start = stop

    def _skim(self, start: int, stop: int, needle: Needle) -> tuple[Numbers, int]:
        """(rows that may hold the needle, where to go on)."""
        part, first = _part(self.table, start)
        if not isinstance(part, SpanTable):
            return np.arange(start, stop, dtype=np.int32), stop
        data, starts = part.block(first, first + stop - start)
        stop = start + len(starts)
        places = needle.places(data)
        if places is None:
            return np.arange(start, stop, dtype=np.int32), stop
        found = np.unique(np.searchsorted(starts, places, side="right") - 1) if places else np.empty(0)
        if len(found) * 4 > len(starts):  # reading all of them at once is faster
            return np.arange(start, stop, dtype=np.int32), stop
        return (start + found).astype(np.int32), stop


def _many_may_read(table: Table) -> bool:
    """Whether rows can be read by several threads: files of columns decode into a store of their own."""
    if isinstance(table, Chain):
        return all(map(_many_may_read, table.tables))
    return isinstance(table, SpanTable | MemoryTable)


def _part(table: Table, row: int) -> tuple[Table, int]:
    """The table of a chain that a row is in, and its place there."""
    if isinstance(table, Chain):
        for part in table.tables:
            if row < part.known:
                return _part(part, row)
            row -= part.known
    return table, row


class Block:
    """Some rows on a walk. `upto` is how far the walk came, in rows."""

    __slots__ = ("records", "rows", "upto")

    def __init__(self, rows: Numbers, records: Sequence[Record], upto: int) -> None:
        self.rows = rows
        self.records = records
        self.upto = upto

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        return zip(self.rows.tolist(), self.records, strict=True)


class Sources:
    """All open sources, by number."""

    def __init__(self, channel: Channel, pace: Pace) -> None:
        self.channel = channel
        self.pace = pace
        self.drafts = Drafts()
        """Run files whose tokens are looked at; they read sources of their own."""
        self._sources: dict[int, Source] = {}
        self._next = 1
        self._lock = threading.Lock()

    def add(self, section: DataSection, table: Table) -> Source:
        """A new source; it is found only once it is announced."""
        with self._lock:
            number, self._next = self._next, self._next + 1
        try:
            return Source(number, section, table)
        except BaseException:
            table.close()
            raise

    def announce(self, source: Source) -> None:
        """From now on it can be asked about."""
        with self._lock:
            self._sources[source.number] = source

    def get(self, number: int) -> Source:
        """Raises DataError when it is not open."""
        source = self._sources.get(number)
        if source is None:
            opened = ", ".join(map(str, self._sources)) or "none"
            raise DataError(f"There is no open source {number} (open: {opened}). Open it again.")
        return source

    def all(self) -> list[Source]:
        """Every open source."""
        return list(self._sources.values())

    def forget(self, number: int) -> None:
        """Close one. Raises DataError when it is not open."""
        source = self.get(number)
        with self._lock:
            self._sources.pop(number, None)
        source.close()

    def close(self) -> None:
        """Close all."""
        for source in self.all():
            source.close()
