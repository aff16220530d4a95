"""What watchers cost a run: two TUIs, one whose terminal is stalled, one that is suspended, one whose terminal was lost.

A real worker trains all the while; the watchers come and go in turns, and every turn stands between two without any. Steps are
compared by the time that their own computing took, and by the time from one to the next, as ratios within this one run.

    python -m bench.watchers [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from engine.runs.commands import send
from engine.runs.events import Step
from engine.runs.journal import JournalReader
from engine.runs.launcher import launch
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from tests.pty.terminal import Terminal
from tests.tiny import make_model, run_toml, write_rows

BAR = 0.01
"""Most that a step may take longer while somebody watches."""
SETTLE_S = 2.0
"""After a watcher came or went: starting up is not watching."""
EXTRA = """[tokens]
max_length = 128
[train]
steps = 1000000
batch_size = 48
eval_every = 100000
save_every = 100000
"""


@dataclass
class Watchers:
    """The TUIs that look at the run now."""

    runs: Path
    world: dict[str, str]
    terminals: list[Terminal] = field(default_factory=list)
    reading: bool = True

    def come(self, count: int) -> None:
        """So many TUIs, each on Monitor."""
        for _ in range(count):
            terminal = Terminal("--runs-dir", str(self.runs), columns=160, rows=45, env=self.world)
            terminal.expect("watched-1")
            terminal.type("\r")
            terminal.drain(0.5, 3.0)
            self.terminals.append(terminal)

    def read(self) -> None:
        """Take in what they draw, unless the readers are stalled."""
        for terminal in self.terminals if self.reading else ():
            terminal.read(0.0)

    def go(self) -> None:
        """All end, by whatever way is left."""
        for terminal in self.terminals:
            if terminal.ended is None:
                os.kill(terminal.pid, signal.SIGCONT)
            terminal.close()
        self.terminals, self.reading = [], True


def _two(watchers: Watchers) -> None:
    watchers.come(2)


def _stalled(watchers: Watchers) -> None:
    watchers.come(1)
    watchers.reading = False


def _suspended(watchers: Watchers) -> None:
    watchers.come(1)
    watchers.terminals[0].signal(signal.SIGSTOP)


def _lost(watchers: Watchers) -> None:
    watchers.come(1)
    terminal = watchers.terminals.pop()
    os.close(terminal.fd)  # the other side hangs up
    os.waitpid(terminal.pid, 0)


def _quit(watchers: Watchers) -> None:
    watchers.come(2)
    watchers.terminals[0].type("\x11")
    watchers.terminals[0].wait()


CASES: dict[str, Callable[[Watchers], None]] = {
    "two TUIs": _two,
    "one of two quits": _quit,
    "stalled terminal": _stalled,
    "suspended TUI": _suspended,
    "lost terminal": _lost,
}


@dataclass
class Pace:
    """Ratios of a turn with watchers to those without before and after it."""

    computing: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return 1 when a bar is missed beyond the noise."""
    parser = argparse.ArgumentParser(prog="bench.watchers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as name:
        folder = Path(name)
        os.environ["OMP_NUM_THREADS"] = "1"
        found = measure(folder, arguments.rounds, arguments.seconds)
    missed = False
    print(f"{'':>18}  {'computing':>20}  {'step to step':>20}   (load {os.getloadavg()[0]:.1f})")
    for case, pace in found.items():
        cells = [_told(values) for values in (pace.computing, pace.between)]
        print(f"{case:>18}  {cells[0]:>20}  {cells[1]:>20}")
        missed |= any(statistics.median(v) - _noise(v) > 1 + BAR for v in (pace.computing, pace.between))
    print(f"bar: {100 * BAR:g} % longer at most" + (": MISSED" if missed else ""))
    return int(missed)


def measure(folder: Path, rounds: int, seconds: float) -> dict[str, Pace]:
    """Train, let the watchers come and go, and return how the steps fared."""
    run = RunDir(folder / "runs" / "watched-1")
    run.path.mkdir(parents=True)
    run_toml(run.config, make_model(folder / "model"), write_rows(folder / "rows.jsonl", 400), EXTRA)
    process = launch(run)
    world = {name: str(folder / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    watchers = Watchers(folder / "runs", world)
    reader, found = JournalReader(run.journal), {case: Pace() for case in CASES}
    try:
        while not any(isinstance(event, Step) for event in reader.read()):
            time.sleep(0.1)
        before = _turn(reader, watchers, seconds)
        for _ in range(rounds):
            for case, come in CASES.items():
                come(watchers)
                with_them = _turn(reader, watchers, seconds)
                watchers.go()
                after = _turn(reader, watchers, seconds)
                found[case].computing.append(2 * with_them[0] / (before[0] + after[0]))
                found[case].between.append(2 * with_them[1] / (before[1] + after[1]))
                before = after
    finally:
        watchers.go()
        send(run.commands, "stop")
        process.wait(60)
        assert not is_held(run.lock)
    return found


def _turn(reader: JournalReader, watchers: Watchers, seconds: float) -> tuple[float, float]:
    """Median seconds of computing a step, and from one step to the next, over a turn."""
    _steps(reader, watchers, SETTLE_S)
    steps = _steps(reader, watchers, seconds)
    gaps = [b.t - a.t for a, b in pairwise(steps) if b.step == a.step + 1]
    return statistics.fmean(sorted(s.seconds for s in steps)[: 9 * len(steps) // 10]), statistics.fmean(gaps)


def _steps(reader: JournalReader, watchers: Watchers, seconds: float) -> list[Step]:
    steps: list[Step] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watchers.read()
        steps += [event for event in reader.read() if isinstance(event, Step)]
        time.sleep(0.05)
    return steps


def _noise(values: list[float]) -> float:
    """Standard error of a median, from the median distance to it."""
    middle = statistics.median(values)
    return 1.25 * 1.48 * statistics.median(abs(value - middle) for value in values) / len(values) ** 0.5


def _told(values: list[float]) -> str:
    return f"{100 * (statistics.median(values) - 1):+.2f} % ± {100 * _noise(values):.2f}"


if __name__ == "__main__":
    sys.exit(main())
