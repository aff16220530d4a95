"""The training loop, to be read once from top to bottom.

A step: the global batch, cut into micro-batches; the summed loss of each, divided by the supervised tokens of the whole
batch; gradients; a check that everything is finite; the optimiser. Between steps, once in a while: evaluate, sample,
save, obey. What happened is in the journal before the next step begins.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import LuthierError
from engine.evaluate.measure import Measure
from engine.runs.events import Checkpoint, Phase, Warning_
from engine.runs.journal import Journal
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import Batch
from engine.tokens.prepare import Prepared
from engine.train import checkpoint, snapshot
from engine.train.best import Best, keeps_best, load_best, require_held_out
from engine.train.cadence import Cadence
from engine.train.control import Control, StopRequested
from engine.train.device import give_back, peak_gib
from engine.train.loss import SupervisedLoss
from engine.train.model import autocast_of
from engine.train.neftune import Neftune
from engine.train.oom import without_memory
from engine.train.optimizer import is_paged, make_optimizer, set_rate
from engine.train.same_run import require_same_run, settings_of
from engine.train.schedule import learning_rate
from engine.train.spikes import Spikes
from engine.train.told import StepResult, eval_event, not_finite, step_event

T = TypeVar("T")
TRAINING, PAUSED = "training", "paused"
"""Phases."""
PAUSE_POLL_S = 0.2


class Trainer:
    """One run in training. `step` is the number of optimiser steps done."""

    def __init__(
        self,
        run: RunFile,
        model: nn.Module,
        device: torch.device,
        data: Prepared,
        plan: BatchPlan,
        journal: Journal,
        control: Control,
        checkpoints: Path,
    ) -> None:
        """Raises DataError when the run needs evaluations and no row is held out."""
        require_held_out(run, len(data.test))
        self.run, self.data, self.plan = run, data, plan
        self.model, self.device = model, device
        self.journal, self.control, self.checkpoints = journal, control, checkpoints
        self.loss = SupervisedLoss(model, device, autocast_of(run, device))
        self.optimizer = make_optimizer(model, run, device)
        self.weights = [p for p in model.parameters() if p.requires_grad]
        self.noise = Neftune(model, run.train.neftune_alpha, run.train.seed, device)
        self.measure = Measure(run, self.loss, data, plan, journal)
        self.cadence = Cadence.of(run, plan)
        self.recover: Callable[[Exception, str], bool] = lambda error, doing: False
        """Asked after an error in a forward or backward pass, with the name of the work; True to have it done again, after
        `halve` for example."""
        self.step = 0
        self.evaluated = self.sampled = self.saved = -1
        self.best, self.spikes = Best(), Spikes()
        self._ahead: tuple[int, Batch] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to train: the last step is done, or no evaluation was lower for long enough."""
        return self.step >= self.plan.steps or self.best.ends(self.run.train.early_stopping)

    @property
    def reason(self) -> str:
        """Why the run ended before its last step, in a sentence; empty when it did not."""
        return self.best.reason(self.step, self.plan.steps) if self.ended and self.step < self.plan.steps else ""

    def train(self) -> bool:
        """Go on to the end. Return False when it was asked to stop before; the state is saved either way.

        Raises TrainingError when a loss or a gradient is not finite; the weights are then still those before the step.
        """
        if is_paged(self.run) and self.device.type != "cuda":
            message = f"train.optimizer = {self.run.train.optimizer!r} keeps its state in ordinary memory on a CPU"
            self.journal.append(Warning_(code="not_paged", message=message, hint="the numbers are the same"))
        self.model.train()
        self.control.poll()
        stopping = self._between()  # at the very start, and where a stop came before an evaluation
        while not stopping and not self.ended:
            batch = self._batch(self.step + 1)
            began = time.perf_counter()
            result = self.do_step(batch)
            self._record(batch, result, time.perf_counter() - began)
            self.control.poll()
            stopping = self._between()
        return self.ended

    def _between(self) -> bool:
        """All that happens between two steps, and waiting there while the run is paused. Return whether to stop."""
        stopping = self._do_what_is_due()
        if not self.control.paused or stopping or self.ended:
            return stopping
        self.journal.append(Phase(name=PAUSED), sync=True)
        while self.control.paused and not stopping:
            time.sleep(PAUSE_POLL_S)
            self.control.poll()
            stopping = self._do_what_is_due()  # nothing is due twice: only what was asked for since
        self.journal.append(Phase(name=TRAINING))
        return stopping

    def _do_what_is_due(self) -> bool:
        """What is due or asked for between two steps: evaluate, sample, save. Return whether to stop.

        A stop puts off what is due; the resumed run makes up for it.
        """
        scheduled = self.cadence.due(self.cadence.evaluate, self.step)
        asked = self.control.take("evaluate")
        lowest = (asked or (scheduled and self._has_time())) and self.evaluate(scheduled)
        with_it = self.run.eval.sample_every is None
        due = (asked and with_it) or self.cadence.due(self.cadence.sample, self.step) or self.ended
        if self.control.take("sample") or (due and self._has_time()):
            self.sample()
        stopping = self.control.take("stop")
        due = self.step > 0 and (stopping or self.ended or self.cadence.due(self.cadence.save, self.step))
        best = lowest and keeps_best(self.run)  # is told, also of one that a stop had left before it was evaluated
        if self.control.take("checkpoint") or best or (due and self.saved != self.step):
            self.save()
        return stopping

    def _has_time(self) -> bool:
        return self.ended or not self.control.take("stop")

    def _batch(self, step: int) -> Batch:
        """The global batch of a step; laid out once when it was looked ahead to."""
        known, self._ahead = self._ahead, None
        return known[1] if known is not None and known[0] == step else self.plan.batch(step)

    def do_step(self, batch: Batch) -> StepResult:
        """One optimiser step on a global batch. `step` grows by one only when it was applied."""
        found = self.attempt(lambda: self.gradients(batch), f"step {self.step + 1}")
        fingerprint = batch.fingerprint  # this and the next batch while the device is still busy
        self._look_ahead()
        loss, norm = found.tolist()  # the one place that waits for the device
        rate = learning_rate(self.run.train, self.step + 1, self.plan.steps)
        result = StepResult(loss, norm, rate, fingerprint)
        if result.finite:  # never apply what is not a number
            set_rate(self.optimizer, rate)
            self.optimizer.step()
            self.step += 1
        self.optimizer.zero_grad(set_to_none=True)
        return result

    def gradients(self, batch: Batch) -> torch.Tensor:
        """Fill the gradients for a global batch, clipped; return mean loss (nats) and their L2 norm before clipping, shape [2].

        No weight changes, so after an error it can be called again.
        """
        self.optimizer.zero_grad(set_to_none=True)
        supervised = max(1, batch.supervised_tokens)  # the last of wrapped text may be a single token
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for micro in batch.micro_batches(self.plan.micro_batch_size):
            with self.noise.on(micro, self.step + 1):
                loss = self.loss.sum(micro)
            (loss / supervised).backward()  # type: ignore[no-untyped-call]
            total += loss.detach().double()
        norm = torch.nn.utils.clip_grad_norm_(self.weights, self.run.train.clip or math.inf)
        return torch.stack((total / supervised, norm.double()))

    def _look_ahead(self) -> None:
        if self._ahead is None and self.step + 2 <= self.plan.steps:
            self._ahead = self.step + 2, self.plan.batch(self.step + 2)

    def attempt(self, work: Callable[[], T], doing: str) -> T:
        """Do `work`, which is called `doing`, and again after each error that `recover` has a remedy for, with the same random
        numbers."""
        while True:
            states = snapshot.random_states(self.device)
            try:
                return work()
            except (LuthierError, StopRequested):
                raise
            except Exception as error:
                if not self.recover(error, doing):
                    raise
            # Only here is the error gone, and with its frames the activations that they hold.
            self.optimizer.zero_grad(set_to_none=True)
            snapshot.set_random_states(states, self.device)
            give_back(self.device)

    def halve(self) -> bool:
        """Halve the micro-batch; the global batch stays. False when it is a single sequence already."""
        if self.plan.micro_batch_size == 1:
            return False
        self.plan.micro_batch_size //= 2
        return True

    def _record(self, batch: Batch, result: StepResult, seconds: float) -> None:
        """Journal the step, mark a spike, and stop in words when something was not finite."""
        step = self.step if result.finite else self.step + 1
        event = step_event(step, self.plan, batch, result, seconds, peak_gib(self.device))
        self.journal.append(event)
        name = self.checkpoints.parent.name
        if not result.finite:
            raise not_finite(name, event, self.run.train.learning_rate)
        spike = self.spikes.see(result.loss, event.supervised_tokens)
        if spike and (said := self.spikes.warning(spike, name, step, result.grad_norm, event.rows)):
            self.journal.append(said)

    def evaluate(self, scheduled: bool = True) -> bool:
        """Loss on the held-out rows; return whether none was lower. Not twice at the same step.

        A stop that is asked for meanwhile ends it without a result; it is made up for on resume.
        Raises TrainingError when the loss is not finite.
        """
        if self.evaluated == self.step:
            return False
        lowest = False
        try:
            if len(self.data.test):
                lowest = self._evaluate(scheduled)
            self.evaluated = self.step
        except StopRequested:
            pass
        self.journal.append(Phase(name=PAUSED if self.control.paused else TRAINING))
        return lowest

    def _evaluate(self, scheduled: bool) -> bool:
        began = time.perf_counter()
        give_up = self.control.raise_if_stopped if self.step < self.plan.steps else self.control.poll
        found = self.attempt(lambda: self.measure.held_out(give_up), f"the evaluation after step {self.step}")
        lowest = self.best.see(self.step, found.loss, scheduled)
        self.journal.append(eval_event(self.step, found, time.perf_counter() - began, lowest))
        self.measure.require_finite(found, self.step)
        return lowest

    def sample(self) -> None:
        """Answers to the prompts of the run file. Not twice at the same step; none, and a warning, where memory runs out."""
        if self.run.eval.samples and self.sampled != self.step:
            if without_memory(lambda: self.measure.samples(self.step)):
                message = f"out of memory while answering the prompts after step {self.step}; they are left out"
                hint = "fewer eval.samples or a lower eval.sample_tokens take less"
                self.journal.append(Warning_(code="out_of_memory", message=message, hint=hint))
                give_back(self.device)
            self.sampled = self.step

    def save(self) -> checkpoint.SavedCheckpoint:
        """Write a checkpoint of everything the next step depends on."""
        began = time.perf_counter()
        saved = checkpoint.write(self.checkpoints, self.step, self._state(), self.fill)
        best = self.best.step if self.best.step >= 0 else None  # it stays where it was saved at all
        checkpoint.prune(self.checkpoints, self.run.train.keep, saved, best)
        event = Checkpoint(
            step=self.step,
            path=saved.path.name,
            bytes=saved.bytes,
            seconds=round(time.perf_counter() - began, 3),
            best=self.best.step == self.step,
        )
        self.journal.append(event, sync=True)
        self.saved = self.step
        return saved

    def fill(self, folder: Path) -> None:
        """Write the tensors of a checkpoint into `folder`."""
        snapshot.fill(folder, self.model, self.optimizer, self.device)

    def _state(self) -> dict[str, object]:
        return {
            "evaluated": self.evaluated,
            "sampled": self.sampled,
            "best": self.best.state(),
            "spikes": self.spikes.state(),
            "micro_batch_size": self.plan.micro_batch_size,
            "batch_size": self.run.train.batch_size,
            "memory_limit": self.run.train.memory_limit,
            "settings": settings_of(self.run),
        }

    def restore(self, saved: checkpoint.SavedCheckpoint) -> None:
        """Go back to a checkpoint: weights, optimiser, random state, step, what was seen so far.

        Raises RunError when the run file says something else than when it was saved.
        """
        state = saved.state()
        require_same_run(state, self.run, self.checkpoints.parent / "run.toml")
        snapshot.put_back(saved.path, self.model, self.optimizer, self.device)
        self.step = self.saved = saved.step
        self.evaluated = int(state["evaluated"])
        self.sampled = int(state["sampled"])
        self.best, self.spikes = Best.of(state["best"]), Spikes.of(state["spikes"])
        self.keep_cut(saved)

    def keep_cut(self, saved: checkpoint.SavedCheckpoint) -> None:
        """Let a micro-batch that was halved before a checkpoint stay so: dropout draws by micro-batches.

        Unless train.batch_size or train.memory_limit was changed since.
        """
        state, train = saved.state(), self.run.train
        if [state.get("batch_size"), state.get("memory_limit")] == [train.batch_size, train.memory_limit]:
            self.plan.micro_batch_size = min(self.plan.micro_batch_size, int(state["micro_batch_size"]))

    def load_result(self) -> None:
        """Put the weights that become the result into the model: with result = "best", those of the lowest evaluation loss.

        The last act of a run: nothing can be trained after it. What was chosen is journaled.
        """
        if self.run.train.result == "best" and self.best.step >= 0:
            self.journal.append(load_best(self.best, self.model, self.step, self.checkpoints))
