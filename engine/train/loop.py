"""The training loop, to be read once from top to bottom.

A step: the global batch, cut into micro-batches; the summed loss of each, divided by the supervised tokens of the whole
batch; gradients; a check that everything is finite; the optimiser. Between steps, once in a while: evaluate, sample,
save, obey. What happened is in the journal before the next step begins.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config.runfile import RunFile
from engine.errors import RunError, TrainingError
from engine.evaluate.generate import greedy
from engine.evaluate.heldout import heldout_loss
from engine.runs.events import Checkpoint, Eval, Phase, Sample, Step
from engine.runs.journal import Journal
from engine.tokens.batches import BatchPlan
from engine.tokens.collate import Batch
from engine.tokens.prepare import Prepared
from engine.tokens.tokenizer import end_ids
from engine.train import checkpoint
from engine.train.adapters import load_weights, save_weights
from engine.train.control import Control, StopRequested
from engine.train.device import peak_gib
from engine.train.loss import SupervisedLoss
from engine.train.optimizer import make_optimizer, optimizer_tensors, restore_optimizer
from engine.train.schedule import learning_rate

TIMES_PER_RUN = 10
"""Evaluations and checkpoints over a run, where the run file does not say how often."""


@dataclass
class StepResult:
    """Figures of one step, before it was journaled."""

    loss: float
    grad_norm: float
    learning_rate: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


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
        self.run, self.data, self.plan = run, data, plan
        self.model, self.device = model, device
        self.journal, self.control, self.checkpoints = journal, control, checkpoints
        self.loss = SupervisedLoss(model, device)
        self.optimizer = make_optimizer(model, run.train)
        self.weights = [p for p in model.parameters() if p.requires_grad]
        self.eval_every = run.train.eval_every or max(1, plan.steps // TIMES_PER_RUN)
        self.save_every = run.train.save_every or max(1, plan.steps // TIMES_PER_RUN)
        self.step = 0
        self.evaluated = -1

    def train(self) -> bool:
        """Go on to the last step. Return False when it was asked to stop before; the state is saved either way.

        Raises TrainingError when a loss or a gradient is not finite; the weights are then still those before the step.
        """
        self.model.train()
        if self._due(self.eval_every, last=False):  # at the very start, and where a stop came before an evaluation
            self.evaluate()
        self.control.poll()
        stopping = self.control.take("stop")
        while self.step < self.plan.steps and not stopping:
            batch = self.plan.batch(self.step + 1)
            began = time.perf_counter()
            result = self.do_step(batch)
            self._record(batch, result, time.perf_counter() - began)

            self.control.poll()
            stopping = self.control.take("stop")
            last = self.step == self.plan.steps
            if self.control.take("evaluate") or (self._due(self.eval_every, last) and (last or not stopping)):
                self.evaluate()
                stopping = stopping or self.control.take("stop")
            if self.control.take("checkpoint") or stopping or self._due(self.save_every, last):
                self.save()
        return self.step == self.plan.steps

    def _due(self, every: int, last: bool) -> bool:
        return last or self.step % every == 0

    def do_step(self, batch: Batch) -> StepResult:
        """One optimiser step on a global batch. `step` grows by one only when it was applied."""
        self.optimizer.zero_grad(set_to_none=True)
        supervised = max(1, batch.supervised_tokens)  # the last of wrapped text may be a single token
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for micro in batch.micro_batches(self.plan.micro_batch_size):
            loss = self.loss.sum(micro)
            (loss / supervised).backward()  # type: ignore[no-untyped-call]
            total += loss.detach().double()
        norm = torch.nn.utils.clip_grad_norm_(self.weights, self.run.train.clip or math.inf)
        rate = learning_rate(self.run.train, self.step + 1, self.plan.steps)
        result = StepResult(float(total) / supervised, float(norm), rate)
        if result.finite:  # never apply what is not a number
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            self.step += 1
        return result

    def _record(self, batch: Batch, result: StepResult, seconds: float) -> None:
        """Journal the step, and stop in words when it was not finite."""
        step = self.step if result.finite else self.step + 1
        origins = [origin for line in batch.origins for origin in line]
        self.journal.append(
            Step(
                step=step,
                epoch=round(self.plan.epoch_of(step), 4),
                loss=result.loss if math.isfinite(result.loss) else None,
                finite=result.finite,
                supervised_tokens=batch.supervised_tokens,
                tokens=batch.tokens,
                cells=batch.cells(self.plan.micro_batch_size),
                learning_rate=result.learning_rate,
                grad_norm=result.grad_norm if math.isfinite(result.grad_norm) else None,
                seconds=round(seconds, 6),
                peak_gib=round(peak_gib(self.device), 4),
                batch=batch.fingerprint,
                rows=origins,
            )
        )
        if not result.finite:
            name = self.checkpoints.parent.name
            what = "loss" if not math.isfinite(result.loss) else "gradient"
            raise TrainingError(
                f"The {what} of step {step} is not a finite number, so the step was not applied. Its rows are "
                f"{', '.join(origins[:8])}{' …' if len(origins) > 8 else ''}. Usual causes: train.learning_rate "
                f"({self.run.train.learning_rate:g}) too high, or a broken row: "
                f"`luthier inspect {name} --batch {step}` shows them."
            )

    def evaluate(self) -> None:
        """Loss on the held-out rows, then the samples. Not twice at the same step.

        A stop that is asked for meanwhile ends it without a result; it is made up for on resume.
        Raises TrainingError when the loss is not finite.
        """
        if self.evaluated == self.step:
            return
        try:
            if len(self.data.test):
                self._evaluate_heldout()
            if self.run.eval.samples:
                self._sample()
            self.evaluated = self.step
        except StopRequested:
            pass
        self.journal.append(Phase(name="training"))

    def _evaluate_heldout(self) -> None:
        began = time.perf_counter()
        rows = min(len(self.data.test), self.run.eval.max_rows or len(self.data.test))
        tell = _throttled(lambda done: self.journal.append(Phase(name="evaluating", done=done, total=rows)))

        def between(done: int) -> None:
            tell(done)
            if self.step < self.plan.steps:
                self.control.raise_if_stopped()

        size, padding = self.plan.micro_batch_size, self.plan.padding
        found = heldout_loss(self.loss, self.data.test, size, padding, self.run.eval.max_rows, between)
        finite = math.isfinite(found.loss)
        self.journal.append(
            Eval(
                step=self.step,
                loss=found.loss if finite else None,
                finite=finite,
                supervised_tokens=found.supervised_tokens,
                seconds=round(time.perf_counter() - began, 3),
            )
        )
        if not finite:
            raise TrainingError(
                f"The evaluation loss after step {self.step} is not a finite number: the weights are broken. Checkpoints "
                f"before this step are untouched. Usual cause: train.learning_rate ({self.run.train.learning_rate:g}) too high."
            )

    def _sample(self) -> None:
        path = self.data.path
        template = self.data.sources[0].template
        prompts = [path.prompt_ids(template, text) for text in self.run.eval.samples]
        ends = end_ids(path.tokenizer)
        room = (path.context or math.inf) - max(map(len, prompts))
        answers = greedy(self.model, prompts, int(min(self.run.eval.sample_tokens, room)), ends, path.padding)
        for prompt, ids in zip(self.run.eval.samples, answers, strict=True):
            text = path.tokenizer.decode(ids, skip_special_tokens=False)
            self.journal.append(Sample(step=self.step, prompt=prompt, text=text))

    def save(self) -> checkpoint.SavedCheckpoint:
        """Write a checkpoint of everything the next step depends on."""
        began = time.perf_counter()
        state = {"evaluated": self.evaluated, "settings": settings_digest(self.run)}
        saved = checkpoint.write(self.checkpoints, self.step, state, self._fill)
        checkpoint.prune(self.checkpoints, self.run.train.keep, saved)
        event = Checkpoint(
            step=self.step, path=saved.path.name, bytes=saved.bytes, seconds=round(time.perf_counter() - began, 3)
        )
        self.journal.append(event, sync=True)
        return saved

    def _fill(self, folder: Path) -> None:
        save_weights(self.model, folder / checkpoint.WEIGHTS)
        save_file(optimizer_tensors(self.model, self.optimizer), folder / checkpoint.OPTIMIZER)
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        save_file(states, folder / checkpoint.RANDOM)

    def restore(self, saved: checkpoint.SavedCheckpoint) -> None:
        """Go back to a checkpoint: weights, optimiser, random state, step.

        Raises RunError when the run file says something else than when it was saved.
        """
        if saved.state()["settings"] != settings_digest(self.run):
            raise RunError(
                f"The run file {self.checkpoints.parent / 'run.toml'} was changed after step {saved.step}, so the run would "
                "go on as another one. Undo the change, or start a new run."
            )
        load_weights(self.model, saved.path / checkpoint.WEIGHTS)
        restore_optimizer(self.model, self.optimizer, load_file(saved.path / checkpoint.OPTIMIZER))
        states = load_file(saved.path / checkpoint.RANDOM)
        torch.set_rng_state(states["cpu"])
        if "cuda" in states and self.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self.device)
        self.step = saved.step
        self.evaluated = int(saved.state()["evaluated"])


def settings_digest(run: RunFile) -> str:
    """Twelve hex digits over everything that decides the numbers of a run.

    How often it is looked at may change, and how a global batch is cut for the memory.
    """
    free = {"keep", "eval_every", "save_every", "batch_size", "grad_accumulation", "gradient_checkpointing"}
    decisive = run.model_dump_json(exclude={"name": True, "eval": True, "train": free})
    decisive += f" {run.train.batch_size * run.train.grad_accumulation}"
    return hashlib.blake2b(decisive.encode(), digest_size=6).hexdigest()


def _throttled(tell: Callable[[int], object], every_s: float = 1.0) -> Callable[[int], None]:
    """Call `tell` at most once in `every_s` seconds: progress must not fill the journal."""
    last = time.monotonic()

    def throttled(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            tell(done)

    return throttled
