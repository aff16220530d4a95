"""A run before it starts: how long it is, what it computes, what it takes of memory and of the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.config.runfile import RunFile
from engine.evaluate.heldout import batches
from engine.plan.history import earlier_runs
from engine.plan.loads import epochs_of, heaviest, load_of
from engine.plan.memory import Planned, planned, state_bytes
from engine.plan.remedies import remedies
from engine.plan.shapes import owned
from engine.plan.timing import Pace, measure_pace
from engine.plan_facts import DeviceFacts, RunPlan
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import computed_cells
from engine.tokens.encoded import IGNORE
from engine.tokens.prepare import Prepared
from engine.train.adapters import causal_lm
from engine.train.cadence import Cadence
from engine.train.model import quantization_name

HEADERS = 64 << 10
"""Bytes of a checkpoint beside its tensors: names, manifest, random state."""
DISK_BYTES_PER_S = 250 << 20
"""How fast a checkpoint is written, synced and hashed, taken low."""


@dataclass(frozen=True, slots=True)
class Length:
    """What all steps of a run add up to."""

    tokens: int
    supervised: int
    cells: int


def plan_run(
    run: RunFile, data: Prepared, folder: Path, device: DeviceFacts, *, timed: bool = False, runs: Path | None = None
) -> RunPlan:
    """The whole plan of `run` on `device`; `data` is what it trains on, `folder` holds its model's config.json.

    With `timed` a few layers are trained for a moment on this machine, whose device it must then be. `runs` is where earlier runs
    are looked for. Raises ModelError.
    """
    batch_plan, new = data.plan(), data.path.new_tokens
    load, rows = heaviest(batch_plan), len(new.tokens) if new else 0
    held_out = (
        load_of(next(batches(data.test, batch_plan.micro_batch_size, batch_plan.padding, run.eval.max_rows)))
        if (len(data.test))
        else None
    )
    made = planned(run, folder, load, device, new_rows=rows, held_out=held_out)
    length, cadence = length_of(batch_plan), Cadence.of(run, batch_plan)
    disk, each = disk_bytes(made, run, cadence, bool(len(data.test)))
    pace = measure_pace(run, folder, load, device.kind, made.plan.checkpointed_layers) if timed else None
    seconds = None
    if pace is not None:
        seconds = seconds_of(pace, length, cadence, _held_out_cells(run, data, batch_plan), each)
    inside = causal_lm(made.shapes.model)
    return RunPlan(
        memory=made.plan,
        steps=batch_plan.steps,
        steps_per_epoch=batch_plan.steps_per_epoch,
        epochs=round(batch_plan.epoch_of(batch_plan.steps), 4),
        examples=batch_plan.count,
        tokens=length.tokens,
        supervised_tokens=length.supervised,
        cells=length.cells,
        parameters=made.shapes.parameters,
        trainable_parameters=made.shapes.trainable,
        disk=disk,
        seconds=seconds,
        seconds_per_step=None if pace is None else pace.training(length.cells) / batch_plan.steps,
        remedies=[] if made.plan.fits else remedies(run, folder, load, device, made.plan, rows),
        earlier=[]
        if runs is None
        else earlier_runs(runs, type(inside).__name__, quantization_name(run.quantization), device.kind),
    )


def length_of(plan: BatchPlan) -> Length:
    """What all steps of `plan` add up to, counted from lengths and labels; the same as the sum over the journal's steps."""
    sequences = plan.sequences
    before = [np.concatenate([[0], np.cumsum(sequences.labels(i) != IGNORE)]) for i in range(len(sequences))]
    first = [bool(sequences.labels(i)[0] != IGNORE) for i in range(len(sequences))]
    tokens = supervised = cells = 0
    for _, lines in epochs_of(plan):
        used = np.array([sum(stop - start for _, start, stop in line) for line in lines], dtype=np.int64)
        tokens += int(used.sum())
        for line in lines:
            for index, start, stop in line:  # the first token of a piece is not trained: nothing stands before it
                counted = before[index]
                there = first[index] if start == 0 else counted[start + 1] > counted[start]
                supervised += int(counted[stop] - counted[start]) - bool(there)
        for at in range(0, len(lines), plan.batch_size):
            cells += computed_cells(used[at : at + plan.batch_size], plan.micro_batch_size, plan.padding)
    return Length(tokens, supervised, cells)


def _held_out_cells(run: RunFile, data: Prepared, plan: BatchPlan) -> int:
    """Cells of one evaluation."""
    count = min(len(data.test), run.eval.max_rows or len(data.test))
    longest_first = np.sort(data.test.lengths[:count])[::-1]
    return computed_cells(np.asarray(longest_first, dtype=np.int64), plan.micro_batch_size, plan.padding)


def disk_bytes(made: Planned, run: RunFile, cadence: Cadence, evaluates: bool) -> tuple[int, int]:
    """(most bytes that the run leaves: checkpoints that are kept and the result; bytes of one checkpoint)."""
    weights = optimizer = 0
    for layer, tensor in owned(made.shapes.model, made.shapes.stands_for):
        if tensor.requires_grad:
            times = 1 if layer is None else made.shapes.stands_for[layer]
            weights += times * tensor.numel() * tensor.element_size()
            optimizer += times * state_bytes(run, tuple(tensor.shape), "cpu")
    each = weights + optimizer + HEADERS
    written = -(-cadence.steps // cadence.save)
    return each * min(written, run.train.keep + evaluates) + weights + HEADERS, each


def seconds_of(pace: Pace, length: Length, cadence: Cadence, held_out_cells: int, checkpoint_bytes: int) -> float:
    """Steps, evaluations (one before the first step) and checkpoints."""
    evaluations = (1 + -(-cadence.steps // cadence.evaluate)) if held_out_cells else 0
    checkpoints = -(-cadence.steps // cadence.save)
    evaluating = evaluations * pace.evaluating(held_out_cells)
    return pace.training(length.cells) + evaluating + checkpoints * checkpoint_bytes / DISK_BYTES_PER_S
