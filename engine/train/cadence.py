"""How often a run is evaluated, sampled and saved, in steps. A function of the run file and the plan: no state."""

from __future__ import annotations

from dataclasses import dataclass

from engine.config.every import in_steps
from engine.config.runfile import RunFile
from engine.tokens.batches import BatchPlan

TIMES_PER_RUN = 10
"""Evaluations and checkpoints over a run, where the run file does not say how often."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Steps between two evaluations, two rounds of samples, two checkpoints; the last of `steps` has them all."""

    steps: int
    evaluate: int
    sample: int
    save: int

    @classmethod
    def of(cls, run: RunFile, plan: BatchPlan) -> Cadence:
        """What the run file asks for. Samples without a rule of their own come with every evaluation."""
        usual = max(1, plan.steps // TIMES_PER_RUN)

        def steps(every: int | str | None, otherwise: int) -> int:
            return otherwise if every is None else in_steps(every, plan.steps_per_epoch)

        evaluate = steps(run.train.eval_every, usual)
        return cls(
            steps=plan.steps,
            evaluate=evaluate,
            sample=steps(run.eval.sample_every, evaluate),
            save=steps(run.train.save_every, usual),
        )

    def due(self, every: int, step: int) -> bool:
        """Whether something that is done every so many steps is due after `step`; before the first step everything is."""
        return step == self.steps or step % every == 0
