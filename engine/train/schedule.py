"""The learning rate as a function of the step: no state, so nothing to save."""

from __future__ import annotations

import math

from engine.config.train import TrainSection


def learning_rate(train: TrainSection, step: int, steps: int) -> float:
    """Learning rate of `step` (from 1) of `steps`: linear warmup, then constant, linear or cosine decay.

    The first step already learns, and the last one still does: the rate is zero at step 0 and at step `steps` + 1.
    """
    warmup = warmup_steps(train, steps)
    if step <= warmup:
        return train.learning_rate * step / (warmup + 1)
    if train.scheduler == "constant":
        return train.learning_rate
    progress = (step - warmup - 1) / max(1, steps - warmup)
    if train.scheduler == "linear":
        return train.learning_rate * (1 - progress)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def warmup_steps(train: TrainSection, steps: int) -> int:
    """Steps in which the learning rate rises: a share of the run below 1, a number of steps from 1 on."""
    warmup = train.warmup
    return round(warmup * steps) if isinstance(warmup, float) and warmup < 1 else int(warmup)
