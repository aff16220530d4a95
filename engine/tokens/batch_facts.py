"""A batch as people look at it: each of its sequences as cells that are trained, masked or padding."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.token_facts import DocumentFact, LineFact
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import Batch, Int64
from engine.tokens.encoded import IGNORE

PADDING, MASKED, TRAINED = 0, 1, 2
MARKS = ".mt"


class BatchFacts(msgspec.Struct, kw_only=True):
    """The batch of a step."""

    step: int
    steps: int
    epoch: float
    """Epochs done after the step."""
    fingerprint: str
    width: int
    """Cells of the widest sequence."""
    micro_batch_size: int
    lines: list[LineFact]
    tokens: int
    """Without padding."""
    supervised: int
    cells: int
    """That are computed, when it is cut into micro-batches."""

    @property
    def waste(self) -> float:
        """Share of the computed cells that are padding."""
        return 1 - self.tokens / self.cells if self.cells else 0.0


def batch_facts(plan: BatchPlan, step: int) -> tuple[BatchFacts, Batch]:
    """(the facts of a step's batch, the batch itself). Raises IndexError outside 1 … plan.steps."""
    batch = plan.batch(step)
    facts = BatchFacts(
        step=step,
        steps=plan.steps,
        epoch=plan.epoch_of(step),
        fingerprint=batch.fingerprint,
        width=batch.ids.shape[1],
        micro_batch_size=plan.micro_batch_size,
        lines=[_line(batch, b) for b in range(len(batch.ids))],
        tokens=batch.tokens,
        supervised=batch.supervised_tokens,
        cells=batch.cells(plan.micro_batch_size),
    )
    return facts, batch


def _line(batch: Batch, b: int) -> LineFact:
    documents_T = batch.documents[b]
    marks_T = np.where(documents_T == 0, PADDING, np.where(batch.labels[b] != IGNORE, TRAINED, MASKED))
    cells = [(MARKS[int(marks_T[start])], stop - start) for start, stop in _stretches(marks_T)]
    documents = [
        DocumentFact(batch.rows[b][number - 1] + 1, batch.origins[b][number - 1], start, stop)
        for start, stop in _stretches(documents_T)
        if (number := int(documents_T[start]))
    ]
    return LineFact(cells, documents)


def _stretches(values_T: Int64) -> list[tuple[int, int]]:
    """Where equal values lie side by side: (start, stop) of each stretch."""
    breaks = (np.flatnonzero(np.diff(values_T)) + 1).tolist()
    return list(zip([0, *breaks], [*breaks, len(values_T)], strict=True))
