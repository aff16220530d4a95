"""The heaviest moment of a run, first: its longest micro-batch goes through everything that takes memory, before the first step.

Invariant: a run with a rehearsal is the run without one, bit for bit. The optimiser that is stepped is a spare one, and its
gradients, rates and decay are zero, so no weight can move whatever the optimiser does; random state, modes and what rotary
embeddings remember are put back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from engine.evaluate.heldout import batches
from engine.plan.loads import heaviest_batch
from engine.runs.events import Phase
from engine.tokens.collate import Batch
from engine.train import snapshot
from engine.train.device import give_back
from engine.train.loop import Trainer
from engine.train.model import evaluating
from engine.train.optimizer import make_optimizer, optimizer_tensors

NAME = "rehearsing on the longest batch"


def rehearse(trainer: Trainer) -> None:
    """Take the memory of the heaviest step, of an evaluation and of saving, and give it back. Costs about one step.

    Before an optimiser is restored, whose state would lie there twice. When memory runs out, the trainer's `recover` decides.
    """
    trainer.journal.append(Phase(name=NAME))
    with _as_it_was(trainer.model, trainer.device):
        trainer.attempt(lambda: _heaviest_moment(trainer), "the rehearsal")
    give_back(trainer.device)


def _heaviest_moment(trainer: Trainer) -> None:
    """What is held during a step in the middle of a run, then an evaluation, then the copies that saving makes.

    The optimiser's state comes first: from the second step on it lies there while activations do, and so do gradients from the
    second micro-batch on.
    """
    plan, weights = trainer.plan, trainer.weights
    batch = heaviest_batch(plan)
    trainer.model.train()
    spare = _state(trainer)
    try:
        if plan.micro_batch_size >= plan.batch_size:
            _drop_gradients(weights)
        _forward_and_back(trainer, batch)
        torch.nn.utils.clip_grad_norm_(weights, trainer.run.train.clip or math.inf)
        _drop_gradients(weights)
        _evaluate(trainer)
        if spare is not None:
            optimizer_tensors(trainer.model, spare)
    finally:
        _drop_gradients(weights)


def _state(trainer: Trainer) -> torch.optim.Optimizer | None:
    """A spare optimiser after a step that moves nothing, with its state; the weights keep gradients of zero.

    None where the state is paged: the driver never takes such memory back, and it is the machine's as soon as the GPU's is full.
    """
    for weight in trainer.weights:
        weight.grad = torch.zeros_like(weight)
    spare = make_optimizer(trainer.model, trainer.run, trainer.device)
    if getattr(spare, "is_paged", False):
        return None
    for group in spare.param_groups:
        group["lr"] = group["weight_decay"] = 0.0
    spare.step()
    return spare


def _forward_and_back(trainer: Trainer, batch: Batch) -> None:
    with trainer.noise.on(batch, 1):
        loss = trainer.loss.sum(batch)
    (loss / max(1, batch.supervised_tokens)).backward()  # type: ignore[no-untyped-call]


def _evaluate(trainer: Trainer) -> None:
    """One micro-batch of the longest held-out rows."""
    held_out, size = trainer.data.test, trainer.plan.micro_batch_size
    if len(held_out):
        with evaluating(trainer.model):
            trainer.loss.sum(next(batches(held_out, size, trainer.plan.padding, trainer.run.eval.max_rows)))


def _drop_gradients(weights: list[nn.Parameter]) -> None:
    for weight in weights:
        weight.grad = None


@contextmanager
def _as_it_was(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Put back random state, modes, and what rotary embeddings remember of the longest sequence they saw."""
    states, training = snapshot.random_states(device), model.training
    remembered = [(module, _longest(module), dict(module._buffers)) for module in model.modules() if _longest(module)]
    try:
        yield
    finally:
        snapshot.set_random_states(states, device)
        model.train(training)
        for module, longest, buffers in remembered:
            vars(module).update(longest)
            module._buffers.update(buffers)


def _longest(module: nn.Module) -> dict[str, Any]:
    """The lengths that a rotary embedding with a dynamic base has grown to."""
    return {name: value for name, value in vars(module).items() if name.endswith("max_seq_len_cached")}
