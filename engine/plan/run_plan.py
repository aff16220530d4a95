"""A run before it starts: how long it is, what it computes, what it takes of memory and of the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.config.runfile import RunFile
from engine.evaluate.heldout import batches
from engine.plan.history import earlier_runs
from engine.plan.kept import Kept
from engine.plan.lengths import Length, length_of
from engine.plan.loads import heaviest, load_of
from engine.plan.memory import Planned, planned, state_bytes
from engine.plan.paces import TIMED, Like, Told, earlier_pace
from engine.plan.remedies import remedies
from engine.plan.timing import Pace, measure_pace
from engine.plan_facts import DeviceFacts, Load, Remedy, RunPlan
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import computed_cells
from engine.tokens.prepare import Prepared
from engine.tokens.sequences import Sequences
from engine.train.cadence import Cadence
from engine.train.model import quantization_name

HEADERS = 64 << 10
"""Bytes of a checkpoint beside its tensors: names, manifest, random state."""
DISK_BYTES_PER_S = 250 << 20
"""How fast a checkpoint is written, synced and hashed, taken low."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run trains and evaluates on, as far as a plan asks."""

    plan: BatchPlan
    load: Load
    """The heaviest micro-batch."""
    length: Length
    held_out: Load | None
    """The heaviest batch of an evaluation; None where there is none."""
    held_out_cells: int
    """Cells of one evaluation."""
    new_rows: int
    """New tokens that are trained."""


def work_of(
    run: RunFile, plan: BatchPlan, test: Sequences, new_rows: int, between: Callable[[], None] = lambda: None
) -> Work:
    """Count what `plan` trains on and `test` evaluates. `between` is called before anything that takes long and may raise."""
    load = heaviest(plan)
    between()
    length = length_of(plan, between)
    held_out = None
    if len(test):
        held_out = load_of(next(batches(test, plan.micro_batch_size, plan.padding, run.eval.max_rows)))
    return Work(plan, load, length, held_out, held_out_cells(run, test, plan), new_rows)


def plan_run(
    run: RunFile, data: Prepared, folder: Path, device: DeviceFacts, *, timed: bool = False, runs: Path | None = None
) -> RunPlan:
    """The whole plan of `run` on `device`; `data` is what it trains on, `folder` holds its model's config.json.

    With `timed` the pace is that of an earlier run of the same model on this machine, or else a few layers are trained for a
    moment; the device must then be this machine's. `runs` is where earlier runs are looked for. Raises ModelError.
    """
    new = data.path.new_tokens
    work = work_of(run, data.plan(), data.test, len(new.tokens) if new else 0)
    kept = Kept()
    made = memory_of(run, folder, work, device, kept)
    told = found_pace(run, made, device, runs) if timed else None
    if told is None and timed:
        pace = measure_pace(run, folder, work.load, device.kind, made.plan.checkpointed_layers)
        told = None if pace is None else Told(pace, TIMED)
    ways = [] if made.plan.fits else remedies(run, folder, work.load, device, made.plan, work.new_rows, kept)
    return assembled(run, work, made, told, ways, earlier_of(run, made, device, runs))


def memory_of(run: RunFile, folder: Path, work: Work, device: DeviceFacts, kept: Kept) -> Planned:
    """The memory of a run. Raises ModelError."""
    return planned(run, folder, work.load, device, new_rows=work.new_rows, held_out=work.held_out, kept=kept)


def earlier_of(run: RunFile, made: Planned, device: DeviceFacts, runs: Path | None) -> list[tuple[str, float]]:
    """How plans of such a model on such a device were kept."""
    if runs is None:
        return []
    return earlier_runs(runs, made.architecture, quantization_name(run.quantization), device.kind)


def found_pace(run: RunFile, made: Planned, device: DeviceFacts, runs: Path | None) -> Told | None:
    """The pace of an earlier run of the same model on this machine; None where there is none."""
    if runs is None:
        return None
    return earlier_pace(runs, Like.of(run, made, device))


def assembled(
    run: RunFile,
    work: Work,
    made: Planned,
    told: Told | None,
    ways: list[Remedy],
    earlier: list[tuple[str, float]],
) -> RunPlan:
    """The plan, from its parts."""
    plan, length = work.plan, work.length
    cadence = Cadence.of(run, plan)
    disk, each = disk_bytes(made, run, cadence, work.held_out is not None)
    seconds = None if told is None else seconds_of(told.pace, length, cadence, work.held_out_cells, each)
    return RunPlan(
        memory=made.plan,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        epochs=round(plan.epoch_of(plan.steps), 4),
        examples=plan.count,
        tokens=length.tokens,
        supervised_tokens=length.supervised,
        cells=length.cells,
        parameters=made.shapes.parameters,
        trainable_parameters=made.shapes.trainable,
        disk=disk,
        seconds=seconds,
        seconds_per_step=None if told is None else told.pace.training(length.cells) / plan.steps,
        seconds_off=None if told is None or told.off is None or seconds is None else told.off * seconds,
        pace_from="" if told is None else told.source,
        remedies=ways,
        earlier=earlier,
    )


def held_out_cells(run: RunFile, test: Sequences, plan: BatchPlan) -> int:
    """Cells of one evaluation."""
    count = min(len(test), run.eval.max_rows or len(test))
    longest_first = np.sort(test.lengths[:count])[::-1]
    return computed_cells(np.asarray(longest_first, dtype=np.int64), plan.micro_batch_size, plan.padding)


def disk_bytes(made: Planned, run: RunFile, cadence: Cadence, evaluates: bool) -> tuple[int, int]:
    """(most bytes that the run leaves: checkpoints that are kept and the result; bytes of one checkpoint)."""
    weights = optimizer = 0
    for one in made.shapes.ledger:
        if one.trained:
            weights += one.times * one.bytes
            optimizer += one.times * state_bytes(run, one.shape, "cpu")
    each = weights + optimizer + HEADERS
    written = -(-cadence.steps // cadence.save)
    return each * min(written, run.train.keep + evaluates) + weights + HEADERS, each


def seconds_of(pace: Pace, length: Length, cadence: Cadence, held_out_cells: int, checkpoint_bytes: int) -> float:
    """Steps, evaluations (one before the first step) and checkpoints."""
    evaluations = (1 + -(-cadence.steps // cadence.evaluate)) if held_out_cells else 0
    checkpoints = -(-cadence.steps // cadence.save)
    evaluating = evaluations * pace.evaluating(held_out_cells)
    return pace.training(length.cells) + evaluating + checkpoints * checkpoint_bytes / DISK_BYTES_PER_S
