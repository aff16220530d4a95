"""How long a run is: what all its steps add up to, counted from lengths and labels; the same as the sum over its journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.plan.loads import epochs_of
from engine.tokens.batches import BatchPlan, Line
from engine.tokens.collate import Int64
from engine.tokens.encoded import IGNORE
from engine.tokens.sequences import Sequences


@dataclass(frozen=True, slots=True)
class Length:
    """What steps add up to."""

    tokens: int
    supervised: int
    cells: int

    def __add__(self, other: Length) -> Length:
        return Length(self.tokens + other.tokens, self.supervised + other.supervised, self.cells + other.cells)

    def times(self, share: float) -> Length:
        """As long as a share of it."""
        return Length(round(self.tokens * share), round(self.supervised * share), round(self.cells * share))


def length_of(
    plan: BatchPlan, between: Callable[[], None] = lambda: None, known: dict[int, Length] | None = None
) -> Length:
    """What all steps of `plan` add up to. `between` is called before each epoch and may raise.

    `known` keeps what whole epochs add up to, for a run of the same batches that is longer or shorter.
    """
    count, total = Counted(plan.sequences), Length(0, 0, 0)
    known = {} if known is None else known
    if plan.mixture is not None and plan.tokens.packing != "none":  # epochs have more or fewer steps
        for _, lines in epochs_of(plan):
            between()
            total += count.of(lines, plan)
        return total
    epochs, steps = divmod(plan.steps, plan.steps_per_epoch)
    for epoch in range(epochs):
        if epoch not in known:
            between()
            known[epoch] = count.of(plan.lines(epoch), plan)
        total += known[epoch]
    return total + count.of(plan.lines(epochs)[: steps * plan.batch_size], plan) if steps else total


class Counted:
    """Sequences whose labels were counted."""

    def __init__(self, sequences: Sequences) -> None:
        self._sequences = sequences
        known = getattr(sequences, "supervised", None)
        self._trained: Int64 = known if known is not None else _trained(sequences)
        self._before: dict[int, Int64] = {}

    def of(self, lines: list[Line], plan: BatchPlan) -> Length:
        """What lines of an epoch add up to."""
        pieces = np.array([piece for line in lines for piece in line], dtype=np.int64).reshape(-1, 3)
        index, start, stop = pieces.T
        per_line = np.fromiter((len(line) for line in lines), np.int64, len(lines))
        sizes = stop - start
        used: Int64 = np.add.reduceat(sizes, np.cumsum(per_line) - per_line)
        whole = (start == 0) & (stop == self._sequences.lengths[index])
        supervised = int(self._trained[index[whole]].sum())
        for piece in pieces[~whole].tolist():
            supervised += self._within(*piece)
        cells = _cells(used, plan)
        return Length(int(used.sum()), supervised, cells)

    def _within(self, index: int, start: int, stop: int) -> int:
        """Trained tokens of a piece; its first one is not trained: nothing stands before it."""
        before = self._before.get(index)
        if before is None:
            learned = self._sequences.labels(index) != IGNORE
            before = self._before[index] = np.concatenate([[0], np.cumsum(learned)])
        return int(before[stop] - before[start + 1])


def _cells(used: Int64, plan: BatchPlan) -> int:
    """Cells of lines with so many tokens, batch by batch in micro-batches."""
    if not len(used):
        return 0
    within = np.arange(0, plan.batch_size, plan.micro_batch_size)
    starts = (np.arange(0, len(used), plan.batch_size)[:, None] + within[None]).ravel()
    starts = starts[starts < len(used)]
    longest, padding = np.maximum.reduceat(used, starts), plan.padding
    widths = np.maximum(padding.least, -(-longest // padding.multiple) * padding.multiple)
    return int((widths * np.diff(starts, append=len(used))).sum())


def _trained(sequences: Sequences) -> Int64:
    counts = (int((sequences.labels(i)[1:] != IGNORE).sum()) for i in range(len(sequences)))
    return np.fromiter(counts, np.int64, len(sequences))
