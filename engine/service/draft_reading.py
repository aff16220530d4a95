"""Reading the sources of a draft whole, beside the requests.

Whoever needs the rows waits for them. A request that is cancelled leaves the reading going on: the next one is glad of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from engine.config.runfile import RunFile
from engine.data.presets import apply_preset
from engine.data.source import Source, read_source
from engine.service.draft_look import sources_of
from engine.service.jobs import Ended, Job
from engine.service.memory import uncollected

_WAIT_S = 0.005


class Reading:
    """Sources being read, or read."""

    def __init__(self, run: RunFile) -> None:
        """Begins at once."""
        self.key = sources_of(run)
        self._sections = run.data
        self._sources: list[Source] = []
        self._error: BaseException | None = None
        self._stopped = False
        self._done = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    @classmethod
    def of(cls, run: RunFile, sources: list[Source]) -> Reading:
        """One that is over: somebody has read all there is."""
        reading = cls.__new__(cls)
        reading.key, reading._sections, reading._sources = sources_of(run), run.data, sources
        reading._error, reading._stopped, reading._done = None, False, threading.Event()
        reading._done.set()
        return reading

    @property
    def over(self) -> bool:
        """Whether all sources are read."""
        return self._done.is_set() and self._error is None

    @property
    def failed(self) -> bool:
        """Whether it ended without them."""
        return self._error is not None

    def stop(self) -> None:
        """Nobody needs it any more; the source that is being read is read to its end."""
        self._stopped = True

    def _read(self) -> None:
        try:
            with uncollected(keeping=True):
                for section in self._sections:
                    if self._stopped:
                        raise Ended
                    self._sources.append(read_source(section))
        except BaseException as error:  # noqa: BLE001 - it is raised by whoever waits
            self._error = error
        self._done.set()

    def sources(self, run: RunFile, job: Job) -> list[Source]:
        """Wait for them, and give them the tables of `run`, whose rows are the same. Raises what reading raised; Ended."""
        total = len(self._sections)
        while not self._done.is_set():
            job.check()
            job.progress("reading data", len(self._sources), total)
            time.sleep(_WAIT_S)
        if self._error is not None:
            raise self._error
        return with_tables(self._sources, run)


def with_tables(sources: Sequence[Source], run: RunFile) -> list[Source]:
    """Sources that were read, as the tables of another run file with the same rows name them."""
    return [replace(s, section=apply_preset(section)) for s, section in zip(sources, run.data, strict=True)]
