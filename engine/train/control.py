"""What the outside asks of a worker: commands in a file, and signals. Polled, never interrupting a step.

A second request to stop asks for nothing more than the first: the step is finished and saved. Ending a run at once is
the business of `engine.runs.ending`, or of a second signal.
"""

from __future__ import annotations

import signal
from types import FrameType

from engine.runs.commands import CommandName, CommandReader
from engine.runs.events import Ack
from engine.runs.journal import Journal


class StopRequested(Exception):  # noqa: N818 - it is a request, not an error
    """Raised where there is nothing to save yet."""


class Control:
    """Collects requests. A second signal ends the process at once; `poll` reads new ones and acknowledges each in the journal."""

    def __init__(self, reader: CommandReader, journal: Journal) -> None:
        self._reader = reader
        self._journal = journal
        self._wanted: set[CommandName] = set()
        self._signalled = ""
        self.paused = False
        """Whether the run is to wait between two steps: the newest of pause and unpause."""
        self.preparing = False
        """While there is nothing to save yet, a signal raises StopRequested instead of waiting for the next poll."""

    def listen(self) -> None:
        """Ignore hang-ups; let SIGTERM and SIGINT ask for a stop."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again = bool(self._signalled)
        self._signalled = signal.Signals(number).name
        if again:  # asked twice: do not wait for whatever it hangs in
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if self.preparing and not self._journal.writing:  # else the next poll hears it
            raise StopRequested

    def poll(self) -> None:
        """Take in what was asked since the last time."""
        for command in self._reader.poll():
            self._journal.append(Ack(command=command.command, id=command.id))
            if command.command in ("pause", "unpause"):
                self.paused = command.command == "pause"
            else:
                self._wanted.add(command.command)
        if self._signalled and "stop" not in self._wanted:
            self._journal.append(Ack(command="stop", id=self._signalled))
            self._wanted.add("stop")

    def take(self, name: CommandName) -> bool:
        """Whether `name` was asked for; a stop stays asked for, the others are taken once."""
        if name not in self._wanted:
            return False
        if name != "stop":
            self._wanted.discard(name)
        return True

    @property
    def stop_reason(self) -> str:
        """Who asked to stop."""
        return f"asked to stop by {self._signalled}" if self._signalled else "asked to stop"

    def raise_if_stopped(self) -> None:
        """For the time before the first step. Raises StopRequested."""
        self.poll()
        if "stop" in self._wanted:
            raise StopRequested
