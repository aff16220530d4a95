"""`make bench-train`: tokens per second, memory and losses of a QLoRA run, beside TRL and the Trainer of transformers.

Every contestant is a process of its own and trains the same weights on the same rows; they take turns, a step each, and ratios
are made within a turn. Packed contestants see the same packed sequences in the same steps, padded ones the same rows, so every
loss can be compared with ours.

    python -m bench.train [--quick] [--case NAME]... [--peer NAME]... [--steps N] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import train_luthier
from bench.child import child
from bench.train_cases import CASES, Case
from bench.turns import Seat, seat, take_turns

GROUPS = (("luthier", "trl-packed", "luthier-again"), ("luthier", "trl", "luthier-again", "trainer", "luthier-padded"))
"""Who takes turns with whom: all at once would not fit into small machines."""
OURS = ("luthier", "luthier-again")
"""Settings of ours, one of which must meet all bars: as they are, and with all layers computed again as TRL does by default."""
NAMES = {
    "luthier": "Luthier, packed",
    "trl-packed": "TRL SFTTrainer, packing=True",
    "trl": "TRL SFTTrainer, defaults",
    "trainer": "transformers Trainer + peft",
    "luthier-again": "Luthier, all layers recomputed",
    "luthier-padded": "Luthier, padded (for the losses)",
}
SAME_BATCHES = {"trl-packed": "luthier", "trl": "luthier-padded", "trainer": "luthier-padded"}
"""A peer, and which of our runs sees the same batches."""
FASTER = {"trl-packed": 1.5, "trl": 3.0}
"""How many times as many tokens a second ours must train as a peer."""
MEMORY = {"trl-packed": 0.6}
"""Most memory ours may take, as a share of a peer's."""
LOSS = 0.01
"""Most that a loss may differ, in nats, at any step."""
HEAD = """
                                    tokens/s     ours   by CPU    peak  beyond    ours   loss, most  gradient
                                               by its     time     GiB imports  by its        apart      norm"""
Found = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="bench.train", description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", choices=CASES, help="only this one; may be given again")
    parser.add_argument("--peer", action="append", choices=SAME_BATCHES, help="only this one; may be given again")
    parser.add_argument("--steps", type=int, help="steps of each run")
    parser.add_argument("--quick", action="store_true", help="the first case, few steps")
    parser.add_argument("--folder", type=Path, help="where models are staged; a temporary folder otherwise")
    arguments = parser.parse_args(argv)
    names = arguments.case or (list(CASES)[:1] if arguments.quick else list(CASES))
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as temporary:
        for name in names:
            case = CASES[name]
            if case.missing:
                print(f"{case.title}: left out, {case.missing}")
                continue
            steps = arguments.steps or (4 if arguments.quick else case.steps)
            folder = (arguments.folder or Path(temporary)) / name
            missed += measure(case, name, folder, steps, arguments.peer or list(SAME_BATCHES))
    for line in missed:
        print(f"BELOW THE BAR: {line}")
    return 1 if missed else 0


def measure(case: Case, name: str, folder: Path, steps: int, peers: Sequence[str]) -> list[str]:
    """Run one case and print it; return the bars it missed, in words."""
    child("bench.train_cases", name, str(folder), "--steps", str(steps)).finish()
    print(f"\n{case.title}, {steps} steps in turns, the first {case.warmup} not measured", flush=True)
    imported = train_luthier.libraries_gib()
    found: dict[str, Found] = {}
    for group in GROUPS:
        if set(group) & set(peers):
            wanted = [one for one in group if one in peers or one.startswith("luthier")]
            results = _in_turns(wanted, folder)
            for contestant, result in results.items():
                result.setdefault("libraries_gib", imported)
                result["rates"] = {clock: rates(result, clock, case.warmup) for clock in ("seconds", "cpu_s")}
                result["ours"] = {one: results[one] for one in OURS}
                found.setdefault(contestant, result)
    print(f"  (load {os.getloadavg()[0]:.1f} at the end)")
    return _report(case, found)


def _in_turns(contestants: Sequence[str], folder: Path) -> dict[str, Found]:
    """Run contestants at once, a step each in turns; return what each took."""
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as temporary:
        seats = [seat(contestant, Path(temporary)) for contestant in contestants]
        endings = [_start(one, folder, Path(temporary)) for one in seats]
        take_turns(seats)
        results = {one.name: end() for one, end in zip(seats, endings, strict=True)}
    for one in seats:
        results[one.name] |= {"seconds": one.seconds, "cpu_s": one.cpu_s}
    return results


def _start(one: Seat, folder: Path, temporary: Path) -> Callable[[], Found]:
    """Start a contestant; return what waits for its end and gives its figures."""
    if one.name.startswith("luthier"):
        way = "padded" if one.name.endswith("padded") else "packed"
        again = ("train.gradient_checkpointing=true",) if one.name.endswith("again") else ()
        prelude = train_luthier.IN_TURNS.format(address=str(one.address))
        watched = train_luthier.begin(folder / f"{way}.toml", temporary / "runs", again, prelude)
        one.pid = watched.process.pid
        return watched.follow
    out = temporary / f"{one.name}.json"
    process = child("bench.train_peers", one.name, str(folder), str(out), str(one.address))
    one.pid = process.pid

    def end() -> Found:
        peak_gib = process.finish() / train_luthier.MIB
        return {**json.loads(out.read_text()), "peak_gib": peak_gib}

    return end


def rates(result: Found, clock: str, warmup: int) -> list[float]:
    """Of each step after the first ones: tokens without padding, by seconds on the wall or of processor time."""
    pairs = list(zip(result["tokens"], result[clock], strict=False))[warmup:]
    return [tokens / seconds for tokens, seconds in pairs]


def _report(case: Case, found: dict[str, Found]) -> list[str]:
    """Print the table of a case; return the bars it missed."""
    missed: dict[str, list[str]] = {one: [] for one in OURS}
    if "trl-packed" in found:
        mixing = found["trl-packed"]["mixing"]
        does = "keeps the rows of a packed sequence apart" if mixing < 1e-3 else "lets packed rows see each other"
        print(f"  TRL {does}: a row's output behind other rows differs by {mixing:.1e} from that of the row alone")
    print(HEAD)
    for contestant, result in found.items():
        speed, peak = statistics.median(result["rates"]["seconds"]), result["peak_gib"]
        print(f"  {NAMES[contestant]:<34}{speed:8.0f}{peak:24.2f}{peak - result['libraries_gib']:8.2f}", end="")
        if contestant not in SAME_BATCHES:
            print()
            continue
        apart, norms = differences(found[SAME_BATCHES[contestant]], result)
        print(f"{'':<8}{apart:12.5f}{100 * norms:10.3f} %")
        for one in OURS:
            faster, by_cpu, memory = compared(result["ours"][one], result)
            print(f"    {NAMES[one]:<40}   x {faster:5.2f}   x {by_cpu:5.2f}{memory:18.2f}")
            who = f"{case.title}, {NAMES[one]} against {NAMES[contestant]}"
            if faster < FASTER.get(contestant, 0):
                missed[one].append(f"{who}: {faster:.2f} times its tokens/s, {FASTER[contestant]} is asked for")
            if memory > MEMORY.get(contestant, math.inf):
                missed[one].append(f"{who}: {memory:.2f} of its memory, {MEMORY[contestant]} is asked for")
            if not apart <= LOSS:
                missed[one].append(f"{who}: a loss is {apart:.4f} apart, {LOSS} is allowed")
    meets = [NAMES[one] for one in OURS if not missed[one]]
    print(f"  all bars are met by: {' and by '.join(meets) or 'none of ours'}")
    return [] if meets else [line for lines in missed.values() for line in lines]


def compared(ours: Found, theirs: Found) -> tuple[float, float, float]:
    """Ours by theirs: tokens a second on the wall and of processor time, the median over the turns; peak memory."""
    faster, by_cpu = (
        statistics.median(a / b for a, b in zip(ours["rates"][clock], theirs["rates"][clock], strict=True))
        for clock in ("seconds", "cpu_s")
    )
    return faster, by_cpu, ours["peak_gib"] / theirs["peak_gib"]


def differences(ours: Found, theirs: Found) -> tuple[float, float]:
    """(most that a loss differs, most that a gradient's norm differs as a share) over all steps of the same batches."""
    assert ours["supervised"] == theirs["supervised"], "they did not see the same batches"
    losses = max(abs(a - b) for a, b in zip(ours["loss"], theirs["loss"], strict=True))
    norms = max(abs(a - b) / a for a, b in zip(ours["grad_norm"], theirs["grad_norm"], strict=True))
    return losses, norms


if __name__ == "__main__":
    sys.exit(main())
