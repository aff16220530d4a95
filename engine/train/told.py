"""What the journal is told of a step and of an evaluation, and what a user is told when a step went wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import TrainingError
from engine.evaluate.heldout import HeldOut
from engine.runs.events import Eval, Step
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import Batch


@dataclass
class StepResult:
    """Figures of one step, before it was journaled."""

    loss: float
    grad_norm: float
    learning_rate: float
    batch: str
    """Fingerprint of the batch."""

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


def step_event(step: int, plan: BatchPlan, batch: Batch, result: StepResult, seconds: float, peak_gib: float) -> Step:
    """The event of `step`, which took so many seconds; what is not finite is null."""
    return Step(
        step=step,
        epoch=round(plan.epoch_of(step), 4),
        loss=result.loss if math.isfinite(result.loss) else None,
        finite=result.finite,
        supervised_tokens=batch.supervised_tokens,
        tokens=batch.tokens,
        cells=batch.cells(plan.micro_batch_size),
        learning_rate=result.learning_rate,
        grad_norm=result.grad_norm if math.isfinite(result.grad_norm) else None,
        seconds=round(seconds, 6),
        peak_gib=round(peak_gib, 4),
        batch=result.batch,
        rows=[origin for line in batch.origins for origin in line],
    )


def eval_event(step: int, found: HeldOut, seconds: float, best: bool) -> Eval:
    """The event of an evaluation after `step`; `best` when no earlier one was as low."""
    finite = math.isfinite(found.loss)
    return Eval(
        step=step,
        loss=found.loss if finite else None,
        finite=finite,
        supervised_tokens=found.supervised_tokens,
        seconds=round(seconds, 3),
        best=best,
    )


def not_finite(run: str, event: Step, learning_rate: float) -> TrainingError:
    """The error that ends `run` at a step whose loss or gradient is not a finite number; `learning_rate` is its peak."""
    what = "loss" if event.loss is None else "gradient"
    rows = f"{', '.join(event.rows[:8])}{' …' if len(event.rows) > 8 else ''}"
    return TrainingError(
        f"The {what} of step {event.step} is not a finite number, so the step was not applied. Its rows are {rows}. "
        f"Usual causes: train.learning_rate ({learning_rate:g}) too high, or a broken row: "
        f"`luthier inspect {run} --batch {event.step}` shows them."
    )
