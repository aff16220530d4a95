"""Which sequences meet in which step.

The order is a function of (seed, epoch) alone, so a step's batch can be computed at any time, by the trainer and by
the inspector, and a resumed run needs no state but its step.
"""

from __future__ import annotations

import copy
import math
import random
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from engine.config.tokens import TokensSection
from engine.config.train import TrainSection
from engine.data.mixture import Mixture
from engine.tokens.collate import Batch, collate, computed_cells, padding_of
from engine.tokens.packing import pack
from engine.tokens.sequences import Piece, Sequences

Line = list[Piece]
"""What lies in one sequence of a batch, one behind the other."""
GROUPED_BATCHES = 50
"""With group_by_length, so many batches' worth of rows are sorted together: enough for little padding, few enough for chance."""


class BatchPlan:
    """The batches of a whole run. Steps are counted from 1, as in the journal."""

    def __init__(
        self,
        sequences: Sequences,
        train: TrainSection,
        tokens: TokensSection,
        max_length: int,
        padding_id: int,
        weights: Sequence[float] = (),
    ) -> None:
        """`weights`, one a source, make a mixture; without them an epoch shows every sequence once.

        Raises DataError when a source of a mixture has no sequence to draw.
        """
        self.sequences = sequences
        self._of_source = _by_source(sequences, len(weights))
        self.mixture = (
            Mixture([len(rows) for rows in self._of_source], weights, train.seed, train.shuffle) if weights else None
        )
        self.seed = train.seed
        self.shuffle = train.shuffle
        self.tokens = tokens
        self.max_length = max_length
        self.padding = padding_of(tokens, max_length, padding_id)
        self.micro_batch_size = train.batch_size
        self.batch_size = train.batch_size * train.grad_accumulation
        self._epoch = -1
        self._lines: list[Line] = []
        self.count = len(self.lines(0))
        """Sequences of the first epoch as they are batched. Where a mixture is packed, other epochs have a few more or less."""
        self.steps_per_epoch = math.ceil(self.count / self.batch_size)
        self._last_steps = [self.steps_per_epoch]
        self.steps = _steps(train, self.steps_per_epoch)

    def lasting(self, train: TrainSection, count: int | None = None) -> BatchPlan:
        """The same batches for as long as `train` says; with `count`, as if an epoch had so many sequences."""
        other = copy.copy(self)
        if count is not None:
            other.count, other.steps_per_epoch = count, math.ceil(count / self.batch_size)
        other._last_steps, other.steps = [other.steps_per_epoch], _steps(train, other.steps_per_epoch)
        return other

    def lines(self, epoch: int) -> list[Line]:
        """All lines of an epoch, in the order of training."""
        if epoch != self._epoch:
            self._lines = self._laid(self._order(epoch), random.Random(f"{self.seed}/{epoch}/lines"))
            self._epoch = epoch
        return self._lines

    def _order(self, epoch: int) -> list[int]:
        if self.mixture:
            return [self._of_source[source][row] for source, row in self.mixture.order(epoch)]
        order = list(range(len(self.sequences)))
        if self.shuffle:
            random.Random(f"{self.seed}/{epoch}").shuffle(order)
        return order

    def _laid(self, order: list[int], generator: random.Random) -> list[Line]:
        lengths = self.sequences.lengths[order]
        sizes = lengths.tolist()
        if self.tokens.packing == "bfd":
            lines = [[(order[i], 0, sizes[i]) for i in items] for items in pack(lengths, self.max_length)]
            if self.shuffle:
                generator.shuffle(lines)
            return lines
        if self.tokens.packing == "wrapped":
            return wrap(order, sizes, self.max_length)
        if self.tokens.group_by_length:
            size_of = dict(zip(order, sizes, strict=True))
            order = group(order, sizes, self.batch_size, generator if self.shuffle else None)
            sizes = [size_of[i] for i in order]
        return [[(i, 0, size)] for i, size in zip(order, sizes, strict=True)]

    def batch(self, step: int) -> Batch:
        """The global batch of a step. Raises IndexError outside 1 … steps."""
        if not 1 <= step <= self.steps:
            raise IndexError(step)
        return collate(self.sequences, self.step_lines(step), self.padding)

    def step_lines(self, step: int) -> list[Line]:
        """What lies in the sequences of a step's batch."""
        epoch, position = self._place(step)
        start = position * self.batch_size
        return self.lines(epoch)[start : start + self.batch_size]

    def _place(self, step: int) -> tuple[int, int]:
        """(epoch, batches of it that come before this step)."""
        if not self.mixture or self.tokens.packing == "none":
            return divmod(step - 1, self.steps_per_epoch)
        while self._last_steps[-1] < step:
            lines = len(self.lines(len(self._last_steps)))
            self._last_steps.append(self._last_steps[-1] + math.ceil(lines / self.batch_size))
        epoch = bisect_left(self._last_steps, step)
        return epoch, step - 1 - (self._last_steps[epoch - 1] if epoch else 0)

    def epoch_of(self, step: int) -> float:
        """Epochs done after a step."""
        return step / self.steps_per_epoch

    def drawn(self) -> list[int]:
        """How many sequences all steps draw from each source of a mixture; where it is packed, of the last epoch about as many.

        Empty without a mixture.
        """
        if self.mixture is None:
            return []
        each = self.mixture.epoch_rows
        epochs, steps = self._place(self.steps)
        lines = self.count if self.tokens.packing == "none" else len(self.lines(epochs))
        begun = min((steps + 1) * self.batch_size, lines) * each // lines
        return self.mixture.drawn(epochs * each + begun)

    def cells(self) -> tuple[int, int]:
        """(tokens that are computed, tokens without padding) of the first epoch."""
        sizes = np.array([sum(stop - start for _, start, stop in line) for line in self.lines(0)], dtype=np.int64)
        return computed_cells(sizes, self.micro_batch_size, self.padding), int(sizes.sum())


def _steps(train: TrainSection, steps_per_epoch: int) -> int:
    epochs = 1.0 if train.epochs is None else train.epochs
    return train.steps or max(1, math.ceil(epochs * steps_per_epoch))


def _by_source(sequences: Sequences, sources: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(sources)]
    if found:
        for index, source in enumerate(sequences.sources):
            found[source].append(index)
    return found


def group(order: list[int], lengths: list[int], batch_size: int, generator: random.Random | None) -> list[int]:
    """`order` (and the length of each) so that the sequences of a batch are about as long as each other.

    Stretches of many batches are sorted, the longest first; then the batches are shuffled. The last, incomplete one stays.
    """
    size_of = dict(zip(order, lengths, strict=True))
    batches: list[list[int]] = []
    for at in range(0, len(order), GROUPED_BATCHES * batch_size):
        stretch = sorted(order[at : at + GROUPED_BATCHES * batch_size], key=lambda i: -size_of[i])
        batches += [stretch[i : i + batch_size] for i in range(0, len(stretch), batch_size)]
    if generator is not None and batches:
        last = [batches.pop()] if len(batches[-1]) < batch_size else []
        generator.shuffle(batches)
        batches += last
    return [index for batch in batches for index in batch]


def wrap(order: list[int], lengths: list[int], width: int) -> list[Line]:
    """The sequences one behind the other, cut every `width` tokens. Nothing is lost; the last line may be shorter."""
    lines: list[Line] = []
    line: Line = []
    room = width
    for index, length in zip(order, lengths, strict=True):
        start = 0
        while start < length:
            stop = min(length, start + room)
            line.append((index, start, stop))
            room -= stop - start
            start = stop
            if not room:
                lines.append(line)
                line, room = [], width
    return [*lines, line] if line else lines
