"""The runs on this machine: making one, finding one, and saying in which state it is.

The state comes from two facts only: what the journal says and whether the run's lock is held. Where a worker
vanished without a last word, `why_crashed` reads the traces that a death leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from engine.errors import RunError
from engine.runs.columns import StepBlock
from engine.runs.crash import why_crashed
from engine.runs.events import AnyEvent
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.ticket import is_queued
from engine.runs.view import RunView

State = Literal["queued", "starting", "running", "succeeded", "stopped", "failed", "crashed"]
FINAL: frozenset[State] = frozenset({"succeeded", "stopped", "failed", "crashed"})


@dataclass
class Run:
    """A run directory with its reader and view; `refresh` brings it up to date."""

    dir: RunDir
    reader: JournalReader = field(init=False)
    view: RunView = field(init=False)
    alive: bool = False

    def __post_init__(self) -> None:
        self.reader = JournalReader(self.dir.journal)
        self.view = RunView(self.dir.name)

    def take(self, max_bytes: int = 4 << 20) -> list[AnyEvent]:
        """Read what is new, at most about `max_bytes`, fold it into the view and return it."""
        self.alive = is_held(self.dir.lock)  # before reading: a last word written in between is then not missed
        events = self.reader.read(max_bytes)
        for event in events:
            self.view.apply(event)
        return events

    def take_blocks(self, max_bytes: int = 1 << 20) -> list[AnyEvent | StepBlock]:
        """As `take`, with the steps in blocks: for a long journal."""
        self.alive = is_held(self.dir.lock)
        found = self.reader.read_blocks(max_bytes)
        for item in found:
            self.view.fold(item)
        return found

    def refresh(self, max_bytes: int = 1 << 20) -> bool:
        """As `take_blocks`; return whether anything changed."""
        was_alive = self.alive
        return bool(self.take_blocks(max_bytes)) or self.alive != was_alive

    def load(self) -> Run:
        """Read the whole journal; return self."""
        while True:
            before = self.reader.offset
            self.refresh()
            if self.reader.offset == before:
                return self

    @property
    def state(self) -> State:
        """What the journal and the lock say together."""
        if self.view.finished is not None:
            return self.view.finished.outcome
        if self.alive:
            return "running" if self.view.last_step else "starting"
        if self.view.updated_t is None and is_queued(self.dir):
            return "queued"
        return "crashed"

    @property
    def reason(self) -> str:
        """Why the run ended as it did, in a sentence; empty while it goes on, and when all steps of it are done."""
        if self.state == "crashed":
            return why_crashed(self.dir, self.view, self.reader.damaged)
        return self.view.finished.reason if self.view.finished else ""

    def summary(self) -> dict[str, Any]:
        """The facts as plain JSON values."""
        kept = [c.step for c in self.view.checkpoints if (self.dir.checkpoints / c.path).is_dir()]
        facts = {"state": self.state, "reason": self.reason, "path": str(self.dir.path), "checkpoints": kept}
        summary = {**self.view.summary(), **facts}
        best = summary["best_checkpoint"]
        return {**summary, "best_checkpoint": best if best in kept else None}


def create_run(runs: Path, name: str) -> RunDir:
    """Make the directory `runs/<name>-<n>` with the next free number and return it.

    Raises RunError when the folder cannot be written.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(m) for m in _numbers(runs, name)), default=0)
        while True:
            path = runs / f"{name}-{number}"
            try:
                path.mkdir(mode=0o700)
                return RunDir(path)
            except FileExistsError:
                number += 1
    except OSError as error:
        raise RunError(
            f"Cannot make a run directory in {runs}: {error.strerror}. "
            "Choose another folder with --runs-dir or $LUTHIER_RUNS_DIR."
        ) from error


def _numbers(runs: Path, name: str) -> Iterator[str]:
    pattern = re.compile(re.escape(name) + r"-(\d+)(?:~\d+)?")
    for path in (*runs.iterdir(), *runs.glob(".trash/*")):  # what is deleted can come back under its name
        if match := pattern.fullmatch(path.name):
            yield match[1]


def list_runs(runs: Path) -> list[RunDir]:
    """Every run directory in `runs`, newest first (by the time its journal or its folder was last written)."""
    if not runs.is_dir():
        return []
    found = [RunDir(path) for path in runs.iterdir() if not path.name.startswith(".") and (path / "run.toml").is_file()]
    return sorted(found, key=_touched, reverse=True)


def _touched(run: RunDir) -> float:
    for path in (run.journal, run.path):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def find_run(runs: Path, name: str | None) -> RunDir:
    """Return the run called `name` (also a path, or the start of one name only), or the newest that has begun for None.

    Raises RunError that names near misses when there is none.
    """
    known = list_runs(runs)
    if name is None:
        if not known:
            raise RunError(f"There are no runs in {runs} yet. Start one with `luthier train RUN.toml`.")
        return next((run for run in known if not is_queued(run)), known[0])
    as_path = Path(name).expanduser()
    if as_path.is_absolute() or "/" in name:
        if (as_path / "run.toml").is_file():
            return RunDir(as_path.absolute())
        raise RunError(f"{as_path} is no run directory: it holds no run.toml.")
    exact = [run for run in known if run.name == name]
    starting = exact or [run for run in known if run.name.startswith(name)]
    if len(starting) == 1:
        return starting[0]
    if starting:
        raise RunError(f"{name!r} fits {len(starting)} runs: {', '.join(r.name for r in starting[:6])}. Say which.")
    near = get_close_matches(name, [run.name for run in known], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `luthier runs` lists them."
    raise RunError(f"There is no run {name!r} in {runs}.{hint}")
