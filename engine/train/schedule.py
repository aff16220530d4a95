"""The learning rate as a function of the step: no state, so nothing to save."""

from __future__ import annotations

import math

from engine.config.train import TrainSection


def learning_rate(train: TrainSection, step: int, steps: int) -> float:
    """Learning rate of `step` (from 1) of `steps`: linear warmup, then held, or falling to `train.min_learning_rate`.

    The first step already learns, and the last one still does: the rate is zero at step 0, and at its lowest at step
    `steps` + 1. "wsd" is warmup, stable, decay (Hu et al. 2024, arXiv 2404.06395) with a linear decay.
    """
    peak, lowest = train.learning_rate, train.min_learning_rate
    warmup = warmup_steps(train, steps)
    if step <= warmup:
        return peak * step / (warmup + 1)
    if train.scheduler == "constant":
        return peak
    if train.scheduler == "wsd":
        held = max(warmup, steps - decay_steps(train, steps))
        fallen = max(0, step - held) / (steps - held + 1)
    else:
        fallen = (step - warmup - 1) / max(1, steps - warmup)
    left = 0.5 * (1 + math.cos(math.pi * fallen)) if train.scheduler == "cosine" else 1 - fallen
    return lowest + (peak - lowest) * left


def warmup_steps(train: TrainSection, steps: int) -> int:
    """Steps in which the learning rate rises: a share of the run below 1, a number of steps from 1 on."""
    return _in_steps(train.warmup, steps)


def decay_steps(train: TrainSection, steps: int) -> int:
    """Steps in which "wsd" lets the learning rate fall, at least 1: a share of the run below 1, a number from 1 on."""
    return max(1, _in_steps(train.decay, steps))


def _in_steps(value: float, steps: int) -> int:
    return round(value * steps) if value < 1 else int(value)
