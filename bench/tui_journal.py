"""The screens and `luthier watch` on journals of any length, through a pseudo-terminal.

    python -m bench.tui_journal [--steps N] [--quick] [--keep FOLDER]

A run of a million steps that has ended, the same run live at ten events a second, two hundred runs beside three long
ones; and, where wandb is installed in the interpreter of $WANDB_PYTHON, its terminal viewer on 100,000 of the same points.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import long_journal
from bench.terminal import Terminal

PEER_STEPS = 100_000
SIZE = (200, 50)
LIVE_S = 8.0
RATE = 10
"""Events a second."""
_BRAILLE = tuple(chr(code).encode() for code in range(0x2801, 0x2900))
LEFT, RIGHT = b"\x1b[D", b"\x1b[C"
WANDB_LOG = """
import json, sys, wandb
run = wandb.init(mode="offline", project="bench", dir=sys.argv[2], settings=wandb.Settings(console="off", silent=True))
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["type"] == "step":
        names = ("loss", "learning_rate", "grad_norm", "seconds", "peak_gib")
        run.log({name: event[name] for name in names}, step=event["step"])
run.finish()
"""


def main() -> None:
    """Measure everything and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="without the many runs and without wandb")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker, asked.steps)
        return
    folder = Path(tempfile.mkdtemp(prefix="luthier-bench-tui-"))
    try:
        rows = [*ended(folder, asked.steps), *live(folder, asked.steps)]
        if not asked.quick:
            rows += [*many(folder, asked.steps), *peer(folder)]
        print(f"\n{'what':<58} {'measured':>12}  {'bar':>12}")
        for what, measured, bar in rows:
            print(f"{what:<58} {measured:>12}  {bar:>12}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Rows = list[tuple[str, str, str]]


def luthier(runs: Path, *arguments: str, size: tuple[int, int] = SIZE) -> Terminal:
    """The program in a terminal, with settings of its own."""
    home = runs.parent / "home"
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
    command = [sys.executable, "-c", "from tui.entry import main; main()", *arguments, "--runs-dir", str(runs)]
    return Terminal(command, *size, {**places, "PYTHONPATH": os.getcwd()})


def ended(folder: Path, steps: int) -> Rows:
    """A run that has ended: from the start of the process to its whole curve."""
    runs = folder / "ended"
    journal = long_journal.write(runs / "long-1", steps)
    size = f"{steps:,} steps, {journal.stat().st_size / 1e6:,.0f} MB"
    terminal = luthier(runs, "watch")
    watched = terminal.until(b"done at step")
    terminal.close()

    terminal = luthier(runs)
    terminal.until(b"long-1")
    home = terminal.now
    terminal.press(b"\r")
    first = terminal.until(*_BRAILLE)
    whole = terminal.until_quiet(2.5)
    used = terminal.cpu_s()
    idle = terminal.run(3.0) / 3
    before = terminal.cpu_s()
    terminal.run(3.0)
    idle_cpu = (terminal.cpu_s() - before) / 3
    times = pressed(terminal, 60)
    rss, highest = terminal.memory_mb()
    terminal.close()

    terminal = luthier(runs)
    terminal.until(b"long-1")
    terminal.press(b"\r")
    terminal.until(*_BRAILLE)
    during = pressed(terminal, 25, pause=0.02)
    terminal.close()
    return [
        (f"watch, whole curve ({size})", f"{watched:.2f} s", "1.5 s"),
        ("home, first frame with the run", f"{home:.2f} s", ""),
        ("monitor, first look at the whole curve", f"{first:.2f} s", "1.5 s"),
        ("monitor, every step read and drawn", f"{whole:.2f} s", "1.5 s"),
        ("  of that computed, from the start of the process", f"{used:.2f} s", ""),
        ("monitor at rest", f"{idle:.0f} B/s", "0 B/s"),
        ("monitor at rest, of one core", f"{100 * idle_cpu:.1f} %", "1 %"),
        ("cursor key to paint, median / p99", spread(times), "30 ms"),
        ("key to paint while the journal is read, median / p99", spread(during), "30 ms"),
        ("monitor, memory now / highest", f"{rss:.0f} / {highest:.0f} MB", "100 MB"),
    ]


def live(folder: Path, steps: int) -> Rows:
    """The same run, with a worker that goes on."""
    runs = folder / "live"
    long_journal.write(runs / "live-1", steps, finished=False)
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench.tui_journal", "--worker", str(runs / "live-1"), "--steps", str(steps)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.readline()
    terminal = luthier(runs)
    try:
        terminal.until(b"live-1")
        terminal.press(b"\r")
        terminal.until(*_BRAILLE)
        terminal.run(4.0)
        waiting = terminal.run(3.0) / 3
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
        terminal.run(2.0)
        before = terminal.cpu_s()
        sent = terminal.run(LIVE_S) / LIVE_S
        cpu = (terminal.cpu_s() - before) / (LIVE_S * 4)
        times = pressed(terminal, 80, pause=0.05)
        rss, highest = terminal.memory_mb()
    finally:
        terminal.close()
        worker.stdin.close()
        worker.wait(10)
    return [
        ("live, no events: sent (its clock runs)", f"{waiting:.0f} B/s", ""),
        (f"live, {RATE} events/s at {SIZE[0]}x{SIZE[1]}: sent", f"{sent / 1000:.1f} kB/s", "15 kB/s"),
        ("live, CPU of an update (four a second)", f"{1000 * cpu:.1f} ms", "15 ms"),
        ("live, cursor key to paint, median / p99", spread(times), "30 ms"),
        ("live, memory now / highest", f"{rss:.0f} / {highest:.0f} MB", "100 MB"),
    ]


def many(folder: Path, steps: int) -> Rows:
    """Two hundred short runs and three long ones."""
    runs = folder / "many"
    for number in range(200):
        long_journal.write(runs / f"short-{number}", 1000)
    for number in range(3):
        shutil.copytree(folder / "ended" / "long-1", runs / f"long-{number}")
    terminal = luthier(runs)
    first = terminal.until(b"long-")
    done = terminal.until_quiet(2.5)
    before = terminal.cpu_s()
    idle = terminal.run(4.0) / 4
    cpu = (terminal.cpu_s() - before) / 4
    rss, highest = terminal.memory_mb()
    terminal.close()
    title = f"home with 200 runs of 1,000 steps and 3 of {steps:,}"
    return [
        (f"{title}: first frame", f"{first:.2f} s", ""),
        ("  all read", f"{done:.2f} s", ""),
        ("  at rest", f"{idle:.0f} B/s", "0 B/s"),
        ("  at rest, of one core", f"{100 * cpu:.1f} %", "1 %"),
        ("  memory now / highest", f"{rss:.0f} / {highest:.0f} MB", "100 MB"),
    ]


def peer(folder: Path) -> Rows:
    """wandb's viewer, and ours, on the same points."""
    python = os.environ.get("WANDB_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import wandb"], capture_output=True, check=False).returncode:
        return [(f"wandb leet on {PEER_STEPS:,} points", "no wandb", "")]
    runs = folder / "peer"
    journal = long_journal.write(runs / "peer-1", PEER_STEPS)
    log = [python, "-c", WANDB_LOG, str(journal), str(folder)]
    made = subprocess.run(log, capture_output=True, text=True, check=False)
    records = sorted((folder / "wandb").glob("offline-run-*/*.wandb"))
    if made.returncode or not records:
        return [(f"wandb leet on {PEER_STEPS:,} points", "not written", made.stderr.strip()[-60:])]
    rows: Rows = []
    leet = [python, "-m", "wandb", "beta", "leet", str(records[0].parent)]
    for name, start in (
        ("wandb leet", lambda: Terminal(leet, *SIZE, {"WANDB_MODE": "offline"})),
        ("luthier monitor", lambda: luthier(runs)),
    ):
        terminal = start()
        try:
            if name != "wandb leet":
                terminal.until(b"peer-1")
                terminal.press(b"\r")
            first = terminal.until(*_BRAILLE)
            whole = terminal.until_quiet(1.0, 6.0)
            last = f"{whole:.2f} s" if terminal.now - whole >= 1.0 else "never quiet"
            sent = len(terminal.output)
            rss, highest = _family_mb(terminal)
            rows.append((f"{name}, {PEER_STEPS:,} points: first / last paint", f"{first:.2f} s / {last}", ""))
            rows.append(("  memory now / highest", f"{rss:.0f} / {highest:.0f} MB", ""))
            rows.append(("  sent until then", f"{sent / 1000:.0f} kB", ""))
        except TimeoutError as error:
            rows.append((f"{name}, {PEER_STEPS:,} points", "no curve", str(error)[:40]))
        finally:
            terminal.close()
    return rows


def _family_mb(terminal: Terminal) -> tuple[float, float]:
    """Memory of a program and of those that it started."""
    import psutil

    own = psutil.Process(terminal.pid)
    rss = sum(child.memory_info().rss for child in own.children(recursive=True)) / 2**20
    now, highest = terminal.memory_mb()
    return now + rss, highest + rss


def pressed(terminal: Terminal, count: int, key: bytes = LEFT, pause: float = 0.06) -> list[float]:
    """Seconds from a key to its paint."""
    times = []
    for _ in range(count):
        if (took := terminal.answer(key)) is not None:
            times.append(took)
        terminal.run(pause)
    return times


def spread(times: list[float]) -> str:
    """Median and 99th percentile in ms."""
    if not times:
        return "no answer"
    ordered = sorted(times)
    return f"{1000 * ordered[len(ordered) // 2]:.0f} / {1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]:.0f} ms"


def work(folder: Path, steps: int) -> None:
    """Stand for a worker: hold the run's lock and, when told, append steps until stdin closes."""
    from engine.runs.lock import RunLock

    lock = RunLock(folder / "run.lock")
    print("held", flush=True)
    sys.stdin.readline()
    os.set_blocking(sys.stdin.fileno(), False)
    noise, step = random.Random(1), steps
    with (folder / "events.jsonl").open("ab", buffering=0) as file:
        while sys.stdin.buffer.read() != b"":
            step += 1
            line = json.loads(long_journal.step_line(step, 2 * steps, 2 * step, noise)) | {"t": round(time.time(), 3)}
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            time.sleep(1 / RATE)
    lock.release()


if __name__ == "__main__":
    main()
