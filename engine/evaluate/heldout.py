"""Loss on held-out rows: the mean over all their supervised tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.tokens.collate import Batch, Padding, collate
from engine.tokens.examples import Examples
from engine.tokens.sequences import Sequences, whole
from engine.train.loss import SupervisedLoss
from engine.train.model import evaluating


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Mean cross-entropy in nats per supervised token; NaN when the loss was not finite."""

    loss: float
    supervised_tokens: int


def batches(examples: Sequences, size: int, padding: Padding, max_rows: int | None) -> Iterator[Batch]:
    """The held-out sequences in batches of `size`, the longest first: memory shows itself at once, little is padding."""
    count = min(len(examples), max_rows or len(examples))
    order = np.argsort(-examples.lengths[:count], kind="stable")
    for start in range(0, count, size):
        yield collate(examples, [[whole(examples, int(i))] for i in order[start : start + size]], padding)


def heldout_loss(
    loss: SupervisedLoss,
    examples: Examples,
    size: int,
    padding: Padding,
    max_rows: int | None = None,
    between: Callable[[int], None] = lambda done: None,
) -> HeldOut:
    """Evaluate on `examples`; `between(sequences done)` is called after each batch and may raise to give up."""
    total, tokens, done = 0.0, 0, 0
    with evaluating(loss.model):
        for batch in batches(examples, size, padding, max_rows):
            total += float(loss.sum(batch))
            tokens += batch.supervised_tokens
            done += len(batch.ids)
            between(done)
    return HeldOut(total / tokens if tokens else float("nan"), tokens)
