"""Out of memory: answered by smaller micro-batches, then by recomputation, explained where nothing is left to try.

Invariant: the global batch, its rows and its fingerprint stay what they are; only how it is cut changes, and that is said.
"""

from __future__ import annotations

import traceback

from engine.runs.events import Warning_
from engine.train.device import forget_peak, give_back, in_use
from engine.train.layers import checkpoint_layers
from engine.train.loop import Trainer
from engine.train.memory import EVERY, RunMemory
from engine.train.oom import asked_for, causes, is_out_of_memory
from engine.train.shortage import Failure, explanation


class Recovery:
    """What a trainer asks after an error: `recover`. The global batch is cut smaller, then time is traded for memory."""

    def __init__(self, trainer: Trainer, memory: RunMemory) -> None:
        self.trainer, self.memory = trainer, memory

    def recover(self, error: Exception, doing: str) -> bool:
        """Whether the work called `doing` can be done again with less memory.

        False for errors of another kind. Raises ResourceError, with what would help, when memory ran out and nothing is left to
        try. The error's frames are cleared, so that the tensors they hold are free once nobody holds the error itself.
        """
        if not is_out_of_memory(error):
            return False
        with self.memory.limit.lifted():
            device = self.trainer.device
            failure = Failure(doing, asked_for(error), in_use(device))
            traceback.print_exception(error)  # worker.log keeps where it was
            for one in causes(error):
                traceback.clear_frames(one.__traceback__)
            self.trainer.optimizer.zero_grad(set_to_none=True)
            give_back(device)
            if not (self._halve(failure) or self._recompute(failure)):
                raise explanation(self.trainer.run, self.memory, failure) from None
            forget_peak(device)
            return True

    def _halve(self, failure: Failure) -> bool:
        plan = self.trainer.plan
        before = plan.micro_batch_size
        if not self.trainer.halve():
            return False
        now, total = plan.micro_batch_size, plan.batch_size
        cut = f"{now} (train.grad_accumulation = {total // now})" if total % now == 0 else str(now)
        self._tell(
            failure,
            f"with micro-batches of {_sequences(before)}",
            f"going on with {now}; the global batch stays {total:,}",
            f"the result is the same; train.batch_size = {cut} saves the attempt next time",
        )
        return True

    def _recompute(self, failure: Failure) -> bool:
        memory = self.memory
        if self.trainer.run.train.gradient_checkpointing != "auto":
            return False
        every = checkpoint_layers(self.trainer.model, EVERY)
        if every <= memory.checkpointed:
            return False
        memory.checkpointed = memory.layers = every
        self._tell(
            failure,
            "with micro-batches of a single sequence",
            f"going on with all {every} layers computed again in the backward pass",
            "the result is the same, a step takes about a third longer; train.gradient_checkpointing = true saves the attempt "
            "next time",
        )
        return True

    def _tell(self, failure: Failure, how: str, onward: str, hint: str) -> None:
        message = f"out of memory in {failure.doing} {how}{failure.amount()}; {onward}"
        self.trainer.journal.append(Warning_(code="out_of_memory", message=message, hint=hint))
        self.memory.make_plan(self.memory.checkpointed)
        self.memory.tell("halved")


def _sequences(count: int) -> str:
    return f"{count:,} sequence" + ("s" if count > 1 else "")
