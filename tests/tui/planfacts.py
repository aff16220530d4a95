"""Plans as the planner made them of an 8B Llama in NF4 on grade-school questions, for a GPU where it fits and one where not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.plan_facts import RunPlan
from engine.service.protocol import Planned

_LOAD = {"rows": 8, "width": 399, "supervised": 1337, "documents": 1, "longest": 399}
_STORED = {
    "weights": 5591540224,
    "quantization constants": 111000448,
    "adapters": 167772160,
    "optimizer": 335546112,
    "process": 513802240,
}
_MEMORY = {
    "micro_batch_size": 8,
    "grad_accumulation": 1,
    "load": _LOAD,
    "layers": 32,
    "evaluation": 7384996784,
    "saving": 6887433344,
    "loading": 6451223936,
}
_RUN = {
    "steps": 2805,
    "steps_per_epoch": 935,
    "epochs": 3.0,
    "examples": 7473,
    "tokens": 5132235,
    "supervised_tokens": 2571621,
    "cells": 8126607,
    "parameters": 8030261248,
    "trainable_parameters": 41943040,
    "disk": 1174605312,
}
_FITS = {
    **_MEMORY,
    "device": {"kind": "cuda", "name": "a GPU of 22.4 GiB", "bytes": 24000000000},
    "checkpointed_layers": 0,
    "parts": {**_STORED, "gradients": 0, "activations": 13817482832, "logits": 398235548, "workspace": 0},
    "training": 20935379564,
}
_DOES_NOT = {
    **_MEMORY,
    "device": {"kind": "cuda", "name": "a GPU of 7.45 GiB", "bytes": 8000000000},
    "checkpointed_layers": 32,
    "parts": {**_STORED, "gradients": 5242880, "activations": 863184944, "logits": 0, "workspace": 713988624},
    "training": 8302077632,
}
_REMEDIES = [
    {
        "changes": {"train.batch_size": 1, "train.grad_accumulation": 8},
        "saves": 1108419784,
        "cost": "more passes for a step, each smaller",
        "same_result": True,
    },
    {
        "changes": {"train.optimizer": "paged_adamw"},
        "saves": 176162560,
        "cost": "slower steps while the optimiser's state is fetched",
        "same_result": True,
    },
    {
        "changes": {"tokens.max_length": 199},
        "saves": 728180800,
        "cost": "rows of more than 199 tokens are cut",
        "same_result": False,
    },
]


def _plan(memory: dict[str, Any], **more: Any) -> RunPlan:
    return msgspec.json.decode(json.dumps({**_RUN, "memory": memory, **more}), type=RunPlan)


def fits(**more: Any) -> RunPlan:
    """The plan for 24 GB."""
    return _plan(_FITS, **more)


def does_not_fit(**more: Any) -> RunPlan:
    """The plan for 8 GB."""
    return _plan(_DOES_NOT, remedies=_REMEDIES, **more)


def loads_highest() -> RunPlan:
    """A plan in which loading takes the most."""
    return _plan({**_FITS, "loading": 22 << 30})


@dataclass
class Told:
    """What `PlanPane.show` is given, without a service behind it."""

    planned: Planned | None = None
    error: str = ""
    busy: bool = False
    doing: str = ""
    stale: bool = False
    device: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def told(plan: RunPlan, exact: bool = True, rows: tuple[int, int] = (7473, 7473), **more: Any) -> Told:
    """A plan that was answered."""
    return Told(Planned(draft=1, plan=plan, exact=exact, rows_known=rows[0], rows=rows[1]), **more)
