"""What each technique brings: the same run with one of them taken away, or added, in turns with the run as it is.

python -m bench.train_ablation [--case NAME] [--steps N] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import train_luthier
from bench.child import child
from bench.train import compared, rates
from bench.train_cases import CASES
from bench.turns import seat, take_turns

COMPILING = 3
"""Steps that are not measured: the first ones of a compiled model compile."""


@dataclass(frozen=True)
class Variant:
    """A run that differs in one thing."""

    title: str
    overrides: tuple[str, ...] = ()
    prelude: str = ""
    """Takes away what has no setting."""


VARIANTS = (
    Variant("as it is"),
    Variant("attention with a mask instead of row by row", ("model.attention=sdpa",)),
    Variant(
        "head's gradient by autograd, each chunk computed again",
        prelude="import engine.train.loss\nengine.train.loss._is_frozen = lambda head: False",
    ),
    Variant(
        "adapters by peft instead of fused",
        prelude="import engine.train.layers\nengine.train.layers.fuse_lora = lambda model: 0",
    ),
    Variant("all layers computed again in the backward pass", ("train.gradient_checkpointing=true",)),
    Variant("layers compiled", ("train.compile=true",)),
    Variant(
        "no packing: padded batches",
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run all variants, a step each in turns, and print them against the run as it is."""
    parser = argparse.ArgumentParser(prog="bench.train_ablation")
    parser.add_argument("--case", choices=CASES, default="llama-40m")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="where the model is staged; a temporary folder otherwise")
    arguments = parser.parse_args(argv)
    case = CASES[arguments.case]
    if case.missing:
        print(f"{case.title}: left out, {case.missing}")
        return 0
    with tempfile.TemporaryDirectory(prefix="luthier-bench-") as temporary:
        folder = arguments.folder or Path(temporary) / "case"
        child("bench.train_cases", arguments.case, str(folder), "--steps", str(arguments.steps)).finish()
        found = _in_turns(folder, Path(temporary))
    print(
        f"{case.title}, {arguments.steps} steps in turns, the first {COMPILING} not measured "
        f"(load {os.getloadavg()[0]:.1f} at the end)"
    )
    for result, variant in zip(found, VARIANTS, strict=True):
        speed, cpu, memory = compared(result, found[0])
        print(
            f"  {variant.title:<56} tokens/s x {speed:.2f}, by processor time x {cpu:.2f}, "
            f"peak {result['peak_gib']:.2f} GiB x {memory:.2f}"
        )
    return 0


def _in_turns(folder: Path, temporary: Path) -> list[dict[str, Any]]:
    """What each variant took."""
    seats, workers = [], []
    for number, variant in enumerate(VARIANTS):
        one = seat(str(number), temporary)
        prelude = f"{variant.prelude}\n{train_luthier.IN_TURNS.format(address=str(one.address))}"
        way = "padded" if variant is VARIANTS[-1] else "packed"
        watched = train_luthier.begin(folder / f"{way}.toml", temporary / "runs", variant.overrides, prelude)
        one.pid = watched.process.pid
        seats.append(one)
        workers.append(watched)
    take_turns(seats)
    found = []
    for one, watched in zip(seats, workers, strict=True):
        result = {**watched.follow(), "seconds": one.seconds, "cpu_s": one.cpu_s}
        result["rates"] = {clock: rates(result, clock, COMPILING) for clock in ("seconds", "cpu_s")}
        found.append(result)
    return found


if __name__ == "__main__":
    sys.exit(main())
