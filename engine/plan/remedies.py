"""What would make a run smaller: changes of the run file, each with what it saves by the same plan that found it too large.

Those that keep the numbers of the run come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.errors import LuthierError
from engine.plan.kept import Kept
from engine.plan.memory import plan_memory
from engine.plan_facts import DeviceFacts, Load, MemoryPlan, Remedy

SHORTEST, LOWEST_RANK = 64, 4
"""A length and a rank below which nothing is proposed."""
WORTH = 8 << 20
"""Bytes that a change must save to be proposed."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the run file, not yet weighed."""

    keys: dict[str, Any]
    load: Load
    cost: str
    same_result: bool
    checkpointed: int


def remedies(
    run: RunFile,
    folder: Path,
    load: Load,
    device: DeviceFacts,
    plan: MemoryPlan | None = None,
    new_rows: int = 0,
    kept: Kept | None = None,
) -> list[Remedy]:
    """What `run` could do to take less of `device`: first what keeps its numbers, then what changes them; the most first.

    `load` is its heaviest micro-batch; `plan` its plan where there is one already; `kept` what earlier plans made.
    Raises ModelError.
    """
    kept = kept or Kept()
    now = plan or plan_memory(run, folder, load, device, new_rows=new_rows, kept=kept)
    found = []
    for change in _changes(run, load, device, now):
        try:
            changed = changed_run(run, change.keys)
            then = plan_memory(
                changed,
                folder,
                change.load,
                device,
                checkpointed=change.checkpointed,
                new_rows=new_rows,
                kept=kept,
            )
        except (LuthierError, RuntimeError, ValueError):
            continue  # a run that cannot be built is no way out
        saves = now.peak - then.peak
        if saves >= WORTH:
            found.append(Remedy(changes=change.keys, saves=saves, cost=change.cost, same_result=change.same_result))
    return sorted(found, key=lambda remedy: (not remedy.same_result, -remedy.saves))


def changed_run(run: RunFile, keys: dict[str, Any]) -> RunFile:
    """`run` with dotted keys changed, checked like any run file. Raises ValueError where the sections do not agree."""
    values = run.model_dump()
    for key, value in keys.items():
        section, _, name = key.partition(".")
        values[section][name] = value
    return RunFile.model_validate(values)


def _changes(run: RunFile, load: Load, device: DeviceFacts, now: MemoryPlan) -> Iterator[_Change]:
    yield from _keeping(run, load, device, now)
    yield from _changing(run, load, now)


def _keeping(run: RunFile, load: Load, device: DeviceFacts, now: MemoryPlan) -> Iterator[_Change]:
    """Changes with the same numbers as before."""
    train, again = run.train, now.checkpointed_layers
    total = train.batch_size * train.grad_accumulation
    sizes = [size for size in range(1, train.batch_size) if total % size == 0 and size <= train.batch_size / 2]
    for size in dict.fromkeys((sizes[-1], sizes[0]) if sizes else ()):
        keys = {"train.batch_size": size, "train.grad_accumulation": total // size}
        yield _Change(keys, _share(load, size / max(1, load.rows)), "more passes for a step, each smaller", True, again)
    if again < now.layers:
        cost = "about a third slower: every layer's activations are computed twice"
        yield _Change({"train.gradient_checkpointing": True}, load, cost, True, now.layers)
    if run.tokens.packing != "none" and run.model.attention in ("sdpa", "eager"):
        yield _Change({"model.attention": "varlen"}, load, "none; it is faster, too", True, again)
    if train.optimizer == "adamw" and device.kind == "cuda":
        cost = "slower steps while the optimiser's state is fetched"
        yield _Change({"train.optimizer": "paged_adamw"}, load, cost, True, again)


def _changing(run: RunFile, load: Load, now: MemoryPlan) -> Iterator[_Change]:
    """Changes that make another run of it."""
    train, lora, bits, again = run.train, run.lora, run.quantization.bits, now.checkpointed_layers
    if train.method == "full":
        keys = {"train.method": "lora", "quantization.bits": 4}
        yield _Change(keys, load, "adapters on a base of 4 bits are trained, not every weight", False, again)
    elif bits != 4 and lora.init in ("default", "gaussian"):
        cost = "the frozen weights are rounded to 4 bits"
        yield _Change({"quantization.bits": 4, "quantization.compute_dtype": "auto"}, load, cost, False, again)
    elif bits == 4 and not run.quantization.double:
        yield _Change({"quantization.double": True}, load, "the scales of the weights are rounded, too", False, again)
    if train.optimizer == "adamw":
        cost = "the optimiser's state is rounded to 8 bits, and its step is slower"
        yield _Change({"train.optimizer": "adamw_8bit"}, load, cost, False, again)
    if train.method == "lora" and lora.start_from is None and lora.rank // 2 >= LOWEST_RANK:
        yield _Change({"lora.rank": lora.rank // 2}, load, "smaller adapters, which can learn less", False, again)
    half = max(load.longest or load.width, load.width // 2) // 2 if run.tokens.packing == "none" else load.width // 2
    if half >= SHORTEST:
        shorter = Load(
            rows=load.rows,
            width=half,
            supervised=max(1, load.supervised * half // load.width),
            documents=max(1, load.documents * half // load.width),
            longest=min(load.longest or half, half),
        )
        yield _Change({"tokens.max_length": half}, shorter, f"rows of more than {half:,} tokens are cut", False, again)


def _share(load: Load, share: float) -> Load:
    """A load of fewer sequences."""
    rows = max(1, round(load.rows * min(1.0, share)))
    return Load(
        rows=rows,
        width=load.width,
        supervised=max(1, load.supervised * rows // load.rows),
        documents=load.documents,
        longest=load.longest,
    )
