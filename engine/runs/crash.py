"""Why a worker vanished: reading the traces that a death without a last word leaves.

A killed process writes nothing, so the reason is put together from its log, from whether the machine was restarted
since, and from the out-of-memory counter of its control group.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from engine.errors import ExitCode
from engine.runs.ending import was_killed
from engine.runs.paths import RunDir
from engine.runs.view import RunView

LOG_TAIL_BYTES = 64 << 10
STARTED = "=== worker started"
"""The line that a launcher writes into the log before each worker: what stands above it is another's."""


def boot_id() -> str:
    """Identity of this start of the machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def oom_kills() -> int | None:
    """Out-of-memory kills so far in this process's control group (cgroup v2); None where unknown."""
    try:
        group = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2]
        text = Path("/sys/fs/cgroup", group.lstrip("/"), "memory.events").read_text()
    except OSError:
        return None
    counts = dict(line.split() for line in text.splitlines() if " " in line)
    return int(counts["oom_kill"]) if "oom_kill" in counts else None


def log_tail(run: RunDir, lines: int | None = 12) -> list[str]:
    """The last lines that the newest worker left in the log; None for all that the tail of the file holds."""
    try:
        with run.log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    newest = text[text.rfind(STARTED) :].partition("\n")[2] if STARTED in text else text
    kept = [line for line in newest.splitlines() if line.strip()]
    return kept if lines is None else kept[-lines:]


def why_crashed(run: RunDir, view: RunView, damaged: int = 0) -> str:
    """One sentence: where it ended, why as far as can be known, and which checkpoint is there.

    `damaged` is the number of lines of the journal that could not be read. What to do about it is `what_next`.
    """
    unread = f"; {damaged} lines of its journal cannot be read" if damaged else ""
    return f"{_where(view)}; {_cause(run, view)}; {_what_is_left(view)}{unread}."


def what_next(run: RunDir, view: RunView) -> str:
    """What to do about a run that has not come to its end."""
    if meets_the_same_error(view):
        return (
            f"`luthier resume {run.name}` would do the same steps and most likely meet the same error. Start another run from a "
            f"changed copy of {run.config}."
        )
    if view.checkpoints:
        return f"`luthier resume {run.name}` goes on from step {view.checkpoints[-1].step}."
    return f"`luthier resume {run.name}` starts over."


def meets_the_same_error(view: RunView) -> bool:
    """Whether a resume can only end as before: same rows, same settings, and nothing outside of the run to blame."""
    finished = view.finished
    mendable = (ExitCode.USAGE, ExitCode.RESOURCES)
    return finished is not None and finished.outcome == "failed" and finished.code not in mendable


def _where(view: RunView) -> str:
    if view.hello is None:
        return "The worker ended before its first word"
    if view.last_step is None:
        return f"Ended during {view.phase.name if view.phase else 'start'}, before the first step"
    return f"Ended after step {view.step}" + (f" of {view.total_steps}" if view.total_steps else "")


def _cause(run: RunDir, view: RunView) -> str:
    tail = log_tail(run, None)
    fault = next((line for line in reversed(tail) if line.startswith("Fatal Python error")), None)
    if fault:
        return f"the interpreter died ({fault})"
    if any(line.startswith("Traceback") for line in tail):
        return f"its log ends with: {tail[-1].strip()}"
    if view.hello is None:
        return f"its log ends with: {tail[-1].strip()}" if tail else "its log is empty"
    if was_killed(run, view.hello.pid):
        return "it was killed on request"
    here = view.hello.host == socket.gethostname()
    if here and view.hello.boot_id and view.hello.boot_id != boot_id():
        return "the machine was restarted since"
    if here and view.hello.oom_kills is not None and (oom_kills() or 0) > view.hello.oom_kills:
        return "the system killed it for want of memory (an out-of-memory kill was counted since it started)"
    return "it was killed (SIGKILL: by a person, a job scheduler, or the system for want of memory)"


def _what_is_left(view: RunView) -> str:
    return f"checkpoint {view.checkpoints[-1].step} is there" if view.checkpoints else "there is no checkpoint yet"
