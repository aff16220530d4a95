"""Which micro-batch of a run asks for the most memory: found from lengths alone, collated only when it was chosen.

Invariant: it is a micro-batch that the run trains, with the rows, the width and the padding of that step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.plan_facts import Load
from engine.tokens.batches import BatchPlan, Line
from engine.tokens.collate import Batch, Int64, collate
from engine.tokens.encoded import IGNORE

ENOUGH_LINES = 500_000
"""Lines that are looked at before later epochs are taken to be like the earlier ones."""
CLOSE = 0.98
"""Micro-batches with so many of the most cells count as heavy, and the most supervised tokens decide between them."""
COMPARED = 64
"""Micro-batches whose labels are looked at."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A micro-batch: lines `start` to before `stop` of an epoch."""

    epoch: int
    start: int
    stop: int
    width: int

    @property
    def cells(self) -> int:
        return (self.stop - self.start) * self.width


def heaviest(plan: BatchPlan, micro_batch_size: int | None = None) -> Load:
    """The micro-batch of the run that asks for the most memory, when global batches are cut into `micro_batch_size` sequences.

    Without a size it is the plan's own.
    """
    return _load(plan, _heaviest_lines(plan, micro_batch_size))


def heaviest_batch(plan: BatchPlan, micro_batch_size: int | None = None) -> Batch:
    """That micro-batch itself, as the trainer makes it."""
    return collate(plan.sequences, _heaviest_lines(plan, micro_batch_size), plan.padding)


def load_of(batch: Batch) -> Load:
    """What a batch asks for."""
    rows, width = batch.ids.shape
    lengths = [int(n) for line in batch.documents for n in np.bincount(line)[1:]]
    return Load(
        rows=rows,
        width=width,
        supervised=int((batch.labels[:, 1:] != IGNORE).sum()),
        documents=int(batch.documents.max()),
        longest=max(lengths, default=width),
    )


def _heaviest_lines(plan: BatchPlan, micro_batch_size: int | None) -> list[Line]:
    """The lines of the heaviest micro-batch."""
    size = max(1, min(micro_batch_size or plan.micro_batch_size, plan.batch_size))
    found: list[_Place] = []
    looked = 0
    for epoch, lines in epochs_of(plan):
        found = _heavy(found + _places(plan, epoch, lines, size))
        looked += len(lines)
        if looked >= ENOUGH_LINES or found[0].cells >= _bound(plan, size):
            break
    by_epoch = sorted(found, key=lambda place: place.epoch)  # an epoch's lines are made once
    candidates = [plan.lines(place.epoch)[place.start : place.stop] for place in by_epoch]
    return max(candidates, key=lambda lines: _rank(plan, lines))


def _rank(plan: BatchPlan, lines: list[Line]) -> tuple[int, int]:
    load = _load(plan, lines)
    return load.supervised, load.rows * load.width


def epochs_of(plan: BatchPlan) -> Iterator[tuple[int, list[Line]]]:
    """(epoch, those of its lines that the run trains on)."""
    steps, epoch = 0, 0
    varies = plan.mixture is not None and plan.tokens.packing != "none"
    while steps < plan.steps:
        lines = plan.lines(epoch)
        whole = -(-len(lines) // plan.batch_size) if varies else plan.steps_per_epoch
        yield epoch, lines[: (plan.steps - steps) * plan.batch_size]
        steps += whole
        epoch += 1


def _places(plan: BatchPlan, epoch: int, lines: list[Line], size: int) -> list[_Place]:
    """The micro-batches of an epoch that may be the heaviest."""
    used: Int64 = np.fromiter((sum(stop - start for _, start, stop in line) for line in lines), np.int64, len(lines))
    within = np.arange(0, plan.batch_size, size)
    starts = (np.arange(0, len(lines), plan.batch_size)[:, None] + within[None]).ravel()
    starts = starts[starts < len(lines)]
    stops = np.append(starts[1:], len(lines))
    longest = np.maximum.reduceat(used, starts)
    padding = plan.padding
    widths = np.maximum(padding.least, -(-longest // padding.multiple) * padding.multiple)
    cells = widths * (stops - starts)
    most = np.argsort(-cells, kind="stable")[:COMPARED]
    return [_Place(epoch, int(starts[i]), int(stops[i]), int(widths[i])) for i in most]


def _heavy(places: list[_Place]) -> list[_Place]:
    """Those with about the most cells, the most first."""
    ordered = sorted(places, key=lambda place: -place.cells)[:COMPARED]
    return [place for place in ordered if place.cells >= CLOSE * ordered[0].cells]


def _bound(plan: BatchPlan, size: int) -> int:
    """Cells that no micro-batch can exceed."""
    longest = int(plan.sequences.lengths.max()) if plan.tokens.packing == "none" else plan.max_length
    return plan.padding.width(longest) * min(size, plan.count)


def _load(plan: BatchPlan, lines: list[Line]) -> Load:
    """What lines ask for, without laying them into a rectangle."""
    supervised, pieces = 0, [piece for line in lines for piece in line]
    for line in lines:
        for index, start, stop in line:
            labels = plan.sequences.labels(index)[start:stop]
            supervised += int((labels[1:] != IGNORE).sum())  # a first token has nothing before it
    width = plan.padding.width(max(sum(stop - start for _, start, stop in line) for line in lines))
    return Load(
        rows=len(lines),
        width=width,
        supervised=supervised,
        documents=max(len(line) for line in lines),
        longest=max(stop - start for _, start, stop in pieces),
    )
