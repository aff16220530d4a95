"""Commands to a running worker: appended to `commands.jsonl` by anybody, polled by the worker.

The file outlives the one who asked, needs no socket, and works over NFS. A worker obeys only what was asked after it
took its lock; each command it obeys is acknowledged in the journal with the command's id.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Literal

import msgspec

CommandName = Literal["stop", "checkpoint", "evaluate", "sample", "pause", "unpause"]
"""`pause` holds the run between two steps, with everything in memory, until `unpause` (or `stop`)."""


class Command(msgspec.Struct):
    """One request to a worker."""

    command: CommandName
    id: str
    t: float


def send(path: Path, command: CommandName) -> Command:
    """Append a command in a single write; return it with its id."""
    request = Command(command=command, id=uuid.uuid4().hex[:12], t=time.time())
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, msgspec.json.encode(request) + b"\n")
    finally:
        os.close(fd)
    return request


class CommandReader:
    """The worker's side: yields commands that were appended after it was made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def poll(self) -> list[Command]:
        """Return the complete new commands; a line that is no command is ignored."""
        try:
            if self.path.stat().st_size <= self.offset:
                return []
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        commands = []
        for line in whole.splitlines():
            try:
                commands.append(msgspec.json.decode(line, type=Command))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
        return commands
