"""Which sequences meet in which step, and the rectangles they are laid into.

The order is a function of (seed, epoch) alone, so a step's batch can be computed at any time, by the trainer and by
the inspector, and a resumed run needs no state but its step.
"""

from __future__ import annotations

import hashlib
import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.config.train import TrainSection
from engine.data.mixture import Mixture
from engine.tokens.encode import IGNORE
from engine.tokens.examples import Examples
from engine.tokens.packing import pack

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences in a rectangle. All arrays have shape [B, T].

    `documents` numbers the rows within a sequence from 1, 0 is padding; `positions` restart with each document.
    """

    ids: Int64
    labels: Int64
    positions: Int64
    documents: Int64
    rows: tuple[tuple[str, ...], ...]
    """Origins of the rows in each of the B sequences."""

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int((self.documents > 0).sum())

    @property
    def supervised_tokens(self) -> int:
        """Tokens the loss is computed on."""
        return int((self.labels != IGNORE).sum())

    @property
    def packed(self) -> bool:
        """Whether a sequence holds more than one row."""
        return bool((self.documents > 1).any())

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits over ids, labels, positions and documents; the same however the batch is cut."""
        digest = hashlib.blake2b(digest_size=6)
        for array in (self.ids, self.labels, self.positions, self.documents):
            digest.update(np.array(array.shape, dtype="<i8").tobytes())
            digest.update(array.astype("<i8").tobytes())
        return digest.hexdigest()

    def micro_batches(self, size: int) -> list[Batch]:
        """Cut into batches of `size` sequences, each without the columns that are padding in all of them."""
        out = []
        for start in range(0, len(self.ids), size):
            part = slice(start, start + size)
            used = self.documents[part] > 0
            width = int(used.any(axis=0).sum())
            out.append(
                Batch(
                    ids=self.ids[part, :width],
                    labels=self.labels[part, :width],
                    positions=self.positions[part, :width],
                    documents=self.documents[part, :width],
                    rows=self.rows[part],
                )
            )
        return out


def collate(examples: Examples, sequences: list[list[int]], padding: int) -> Batch:
    """Lay sequences (each a list of example indices) side by side, padded on the right to the longest."""
    width = max(int(sum(examples.lengths[i] for i in sequence)) for sequence in sequences)
    shape = (len(sequences), width)
    ids = np.full(shape, padding, dtype=np.int64)
    labels = np.full(shape, IGNORE, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    documents = np.zeros(shape, dtype=np.int64)
    for b, sequence in enumerate(sequences):
        at = 0
        for number, index in enumerate(sequence, 1):
            length = int(examples.lengths[index])
            part = slice(at, at + length)
            ids[b, part] = examples.ids(index)
            labels[b, part] = examples.labels(index)
            positions[b, part] = np.arange(length)
            documents[b, part] = number
            at += length
    rows = tuple(tuple(examples.origins[i] for i in sequence) for sequence in sequences)
    return Batch(ids, labels, positions, documents, rows)


class BatchPlan:
    """The batches of a whole run. Steps are counted from 1, as in the journal."""

    def __init__(
        self,
        examples: Examples,
        train: TrainSection,
        packing: str,
        max_length: int,
        padding: int,
        weights: Sequence[float] = (),
    ) -> None:
        """`weights`, one a source, make a mixture; without them an epoch shows every sequence once.

        Raises DataError when a source of a mixture has no sequence to draw.
        """
        self.examples = examples
        self._of_source = [[i for i, s in enumerate(examples.sources) if s == n] for n in range(len(weights))]
        self.mixture = (
            Mixture([len(rows) for rows in self._of_source], weights, train.seed, train.shuffle) if weights else None
        )
        self.seed = train.seed
        self.shuffle = train.shuffle
        self.packing = packing
        self.max_length = max_length
        self.padding = padding
        self.micro_batch_size = train.batch_size
        self.batch_size = train.batch_size * train.grad_accumulation
        self._epoch = -1
        self._order: list[list[int]] = []
        self.sequences = len(self._sequences(0))
        """Of the first epoch. Where a mixture is packed, others have a few more or less: they draw other rows."""
        self.steps_per_epoch = math.ceil(self.sequences / self.batch_size)
        self._last_steps = [self.steps_per_epoch]
        epochs = 1.0 if train.epochs is None else train.epochs
        self.steps = train.steps or max(1, math.ceil(epochs * self.steps_per_epoch))

    def _sequences(self, epoch: int) -> list[list[int]]:
        if epoch == self._epoch:
            return self._order
        generator = random.Random(f"{self.seed}/{epoch}")
        if self.mixture:
            order = [self._of_source[source][row] for source, row in self.mixture.order(epoch)]
        else:
            order = list(range(len(self.examples)))
            if self.shuffle:
                generator.shuffle(order)
        if self.packing == "bfd":
            bins = pack([int(self.examples.lengths[i]) for i in order], self.max_length)
            sequences = [[order[i] for i in items] for items in bins]
            if self.shuffle:
                generator.shuffle(sequences)
        else:
            sequences = [[i] for i in order]
        self._epoch, self._order = epoch, sequences
        return sequences

    def batch(self, step: int) -> Batch:
        """The global batch of a step. Raises IndexError outside 1 … steps."""
        if not 1 <= step <= self.steps:
            raise IndexError(step)
        epoch, position = self._place(step)
        start = position * self.batch_size
        return collate(self.examples, self._sequences(epoch)[start : start + self.batch_size], self.padding)

    def _place(self, step: int) -> tuple[int, int]:
        """(epoch, batches of it that come before this step)."""
        if not self.mixture or self.packing == "none":
            return divmod(step - 1, self.steps_per_epoch)
        while self._last_steps[-1] < step:
            sequences = len(self._sequences(len(self._last_steps)))
            self._last_steps.append(self._last_steps[-1] + math.ceil(sequences / self.batch_size))
        epoch = bisect_left(self._last_steps, step)
        return epoch, step - 1 - (self._last_steps[epoch - 1] if epoch else 0)

    def epoch_of(self, step: int) -> float:
        """Epochs done after a step."""
        return step / self.steps_per_epoch
