"""What watching costs a run: the journal, and a TUI that shows the run.

The parts of the loop that serve watching (the step's event with its fingerprint, the look for commands) are timed within a
real worker. The TUI comes and goes while one run trains, a few steps each, and steps with it are set against steps without.

    python -m bench.train_overhead [--steps N] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench import train_luthier
from bench.child import child
from bench.train_cases import CASES
from engine.runs.events import Step
from tests.pty.terminal import Terminal

CASE = "llama-40m"
WATCHING = 0.002
"""Most that the journal may take of a step."""
ATTACHED = 0.01
"""Most that a step may take longer while a TUI shows the run."""
STRETCH = 4
"""Steps with the TUI, and steps without it, in turns."""
TIMED = """
import atexit, json, time
from engine.runs.journal import Journal
from engine.train.control import Control
from engine.train.loop import Trainer
taken = {{"record": 0.0, "poll": 0.0, "calls": 0}}
def timed(owner, name, key):
    inner = getattr(owner, name)
    def outer(*arguments, **named):
        began = time.perf_counter()
        try:
            return inner(*arguments, **named)
        finally:
            taken[key] += time.perf_counter() - began
            taken["calls"] += key == "record"
    setattr(owner, name, outer)
timed(Trainer, "_record", "record")
timed(Control, "poll", "poll")
atexit.register(lambda: open({out!r}, "w").write(json.dumps(taken)))
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure both; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="bench.train_overhead")
    parser.add_argument("--steps", type=int, default=34)
    parser.add_argument("--folder", type=Path, help="where the model is staged; a temporary folder otherwise")
    arguments = parser.parse_args(argv)
    case = CASES[CASE]
    if case.missing:
        print(f"{case.title}: left out, {case.missing}")
        return 0
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as temporary:
        folder = arguments.folder or Path(temporary) / "case"
        child("bench.train_cases", CASE, str(folder), "--steps", str(arguments.steps)).finish()
        missed = [*_parts(folder / "packed.toml"), *_attached(folder / "packed.toml", Path(temporary))]
    for line in missed:
        print(f"BELOW THE BAR: {line}")
    return 1 if missed else 0


def _parts(run_file: Path) -> list[str]:
    """Seconds in the journal and in the look for commands, as a share of the steps."""
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as folder:
        out = Path(folder) / "taken.json"
        found = train_luthier.run(run_file, ("train.steps=8",), TIMED.format(out=str(out)))
        taken = json.loads(out.read_text())
    steps = taken["calls"]
    share = (taken["record"] + taken["poll"]) / sum(found["seconds"])
    print(
        f"journal: {1e3 * taken['record'] / steps:.2f} ms a step for its event and fingerprint, "
        f"{1e3 * taken['poll'] / steps:.2f} ms to look for commands, of {statistics.median(found['seconds']):.2f} s: "
        f"{100 * share:.3f} %  (load {os.getloadavg()[0]:.1f})"
    )
    if share > WATCHING:
        return [f"watching takes {100 * share:.2f} % of a step, {100 * WATCHING:g} % is allowed"]
    return []


def _attached(run_file: Path, temporary: Path) -> list[str]:
    """Steps while a TUI shows the run, against steps of the same run while none does."""
    watched = train_luthier.begin(run_file, temporary / "runs")
    world = {name: str(temporary / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    viewer = _Viewer(temporary / "runs", world)
    pace: dict[bool, list[float]] = {True: [], False: []}
    last: list[float] = []

    def on_step(step: Step) -> None:
        if last and step.step % STRETCH > 1:  # the first one of a stretch sees the TUI come or go
            pace[viewer.shown].append((step.t - last[0]) / step.tokens)
        last[:] = [step.t]
        if step.step % STRETCH == 0:
            viewer.turn()

    try:
        watched.follow(on_step, viewer.read)
    finally:
        viewer.close()
    with_it, without = (statistics.median(pace[shown]) for shown in (True, False))
    longer, noise = with_it / without - 1, (_noise(pace[True]) + _noise(pace[False])) / without
    busy = viewer.cpu_s / max(1e-9, viewer.wall_s)
    print(
        f"TUI attached: {len(pace[True])} steps with it {1e6 * with_it:.0f} us a token, {len(pace[False])} without "
        f"{1e6 * without:.0f}: {100 * longer:+.2f} %, noise {100 * noise:.2f} %; after it had started it took "
        f"{100 * busy:.2f} % of one of {os.cpu_count()} cores  (load {os.getloadavg()[0]:.1f})"
    )
    if noise > ATTACHED:
        print(f"UNDECIDED: the noise is above {100 * ATTACHED:g} %; only the share of a core says something here")
    if longer - noise > ATTACHED:
        return [f"a step takes {100 * longer:.1f} % longer with a TUI, {100 * ATTACHED:g} % is allowed"]
    return []


def _noise(values: list[float]) -> float:
    """Standard error of a median, from the median distance to it."""
    middle = statistics.median(values)
    return 1.25 * 1.48 * statistics.median(abs(value - middle) for value in values) / len(values) ** 0.5


class _Viewer:
    """A TUI in a pseudo-terminal that comes, shows the newest run, and goes."""

    def __init__(self, runs: Path, world: dict[str, str]) -> None:
        self.runs, self.world = runs, world
        self.terminal: Terminal | None = None
        self.cpu_s = self.wall_s = 0.0
        self._since: tuple[float, float] | None = None
        self._opened = 0.0

    @property
    def shown(self) -> bool:
        """Whether it is there."""
        return self.terminal is not None

    def turn(self) -> None:
        """Come, or go."""
        if self.terminal is not None:
            self.close()
            return
        self.terminal = Terminal("--runs-dir", str(self.runs), columns=160, rows=45, env=self.world)
        self.terminal.expect("bench-packed")
        self.terminal.type("\r")
        self._opened, self._since = time.monotonic(), None

    def read(self) -> None:
        """Take in what it draws; the count of its processor time begins two seconds after it came."""
        if self.terminal is None:
            return
        self.terminal.read(0.0)
        if self._since is None and time.monotonic() - self._opened > 2:
            self._since = self._cpu(), time.monotonic()

    def _cpu(self) -> float:
        assert self.terminal is not None
        times = psutil.Process(self.terminal.pid).cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        """Go."""
        if self.terminal is None:
            return
        if self._since is not None:
            self.cpu_s += self._cpu() - self._since[0]
            self.wall_s += time.monotonic() - self._since[1]
        self.terminal.close()
        self.terminal = None


if __name__ == "__main__":
    sys.exit(main())
