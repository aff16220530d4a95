"""What is measured while a run trains: the loss on the held-out rows, and answers to the prompts of the run file.

Nothing here changes a weight or draws a random number, so a run that is measured more often is the same run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.config.runfile import RunFile
from engine.errors import TrainingError
from engine.evaluate.generate import greedy
from engine.evaluate.heldout import HeldOut, heldout_loss
from engine.runs.events import Phase, Sample
from engine.runs.journal import Journal
from engine.tokens.batches import BatchPlan
from engine.tokens.prepare import Prepared
from engine.tokens.tokenizer import end_ids
from engine.train.loss import SupervisedLoss


@dataclass(frozen=True, slots=True)
class Measure:
    """The measurements of one run. They take the micro-batch of the plan as it is when they begin."""

    run: RunFile
    loss: SupervisedLoss
    data: Prepared
    plan: BatchPlan
    journal: Journal

    def held_out(self, give_up: Callable[[], object]) -> HeldOut:
        """Loss on the held-out rows; `give_up` is called after each batch and may raise. Progress is journaled."""
        rows = min(len(self.data.test), self.run.eval.max_rows or len(self.data.test))
        tell = _throttled(lambda done: self.journal.append(Phase(name="evaluating", done=done, total=rows)))

        def between(done: int) -> None:
            tell(done)
            give_up()

        size, padding = self.plan.micro_batch_size, self.plan.padding
        return heldout_loss(self.loss, self.data.test, size, padding, self.run.eval.max_rows, between)

    def require_finite(self, found: HeldOut, step: int) -> None:
        """Raises TrainingError when an evaluation shows that the weights are broken."""
        if not math.isfinite(found.loss):
            raise TrainingError(
                f"The evaluation loss after step {step} is not a finite number: the weights are broken. Checkpoints before "
                f"this step are untouched. Usual cause: train.learning_rate ({self.run.train.learning_rate:g}) too high."
            )

    def samples(self, step: int) -> None:
        """Journal what the model answers to each prompt, through the template of the first source."""
        path = self.data.path
        template = self.data.sources[0].template
        prompts = [path.prompt_ids(template, text) for text in self.run.eval.samples]
        ends = end_ids(path.tokenizer)
        room = (path.context or math.inf) - max(map(len, prompts))
        answers = greedy(self.loss.model, prompts, int(min(self.run.eval.sample_tokens, room)), ends, path.padding)
        for prompt, ids in zip(self.run.eval.samples, answers, strict=True):
            text = path.tokenizer.decode(ids, skip_special_tokens=False)
            self.journal.append(Sample(step=step, prompt=prompt, text=text))


def _throttled(tell: Callable[[int], object], every_s: float = 1.0) -> Callable[[int], None]:
    """Call `tell` at most once in `every_s` seconds: progress must not fill the journal."""
    last = time.monotonic()

    def throttled(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            tell(done)

    return throttled
