"""Sets of values that go together, with where they come from. Shown as differences, never applied unseen.

Invariant: laid over a valid run file, a preset gives a valid run file. What the file says beside it that no longer fits is
changed with it, and shown, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.agreement import DECIDED_BY_ADAPTER
from engine.config.differences import Difference, differ, resolved, same
from engine.config.edit import lay
from engine.config.form import field_of
from engine.config.load import Table
from engine.config.mistakes import mistakes

_MOST_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of values."""

    name: str
    title: str
    about: str
    source: str
    changes: Mapping[str, Any]
    """Key -> value."""
    same_global_batch: bool = False
    """Whether `train.grad_accumulation` makes up for another batch_size: a step is made of as many sequences as before."""


def differences_to(table: Table, preset: Preset) -> list[Difference]:
    """What applying `preset` to `table` changes, in the order of the run file's keys.

    The values after are what to set; None takes a key out.
    """
    changes = {**preset.changes}
    if preset.same_global_batch:
        changes["train.grad_accumulation"] = _global_batch(table)
    lora = table.get("lora")
    if isinstance(lora, dict) and lora.get("start_from") and changes.get("train.method") != "full":
        changes = {key: value for key, value in changes.items() if key.removeprefix("lora.") not in DECIDED_BY_ADAPTER}
    return differ(table, _fitting(table, _laid(table, changes), changes))


def _laid(table: Table, changes: Mapping[str, Any]) -> Table:
    return lay(table, changes, Path.cwd())[0]


def _global_batch(table: Table) -> int:
    """Sequences in a step of `table`, where it says so in whole numbers."""
    out = 1
    for key in ("train.batch_size", "train.grad_accumulation"):
        item = field_of(key)
        assert item is not None
        value = resolved(table, item)
        out *= value if isinstance(value, int) and value >= 1 else item.default
    return out


def _fitting(before: Table, wanted: Table, changes: Mapping[str, Any]) -> Table:
    """`wanted` with the defaults of keys that disagree with `changes`; what was wrong `before` stays wrong."""
    known = {item.sentence for item in mistakes(before)[1]}
    for _ in range(_MOST_ROUNDS):
        disagreeing = (
            (key, item)
            for wrong in mistakes(wanted)[1]
            if wrong.sentence not in known
            for key in wrong.keys
            if key not in changes
            and (item := field_of(key)) is not None
            and not same(resolved(wanted, item), item.default)
        )
        key, item = next(disagreeing, ("", None))
        if item is None:
            break
        wanted = _laid(wanted, {key: item.default})
    return wanted


_PRESETS = (
    Preset(
        name="qlora-paper",
        title="QLoRA paper",
        about="As the Guanaco models of 7B and 13B were made: a 4-bit base, wide adapters on every linear layer, rows of about "
        "the same length together, sixteen to a step, a constant learning rate. For 33B and 65B the paper takes a learning "
        "rate of 1e-4 and a dropout of 0.05.",
        source="arXiv 2305.14314, section 4 and appendix B",
        changes={
            "tokens.packing": "none",
            "tokens.group_by_length": True,
            "quantization.bits": 4,
            "quantization.type": "nf4",
            "quantization.double": True,
            "train.method": "lora",
            "lora.rank": 64,
            "lora.alpha": 16.0,
            "lora.dropout": 0.1,
            "lora.target_modules": "all-linear",
            "lora.rslora": False,
            "lora.dora": False,
            "lora.init": "default",
            "lora.plus_ratio": 1.0,
            "train.batch_size": 4,
            "train.grad_accumulation": 4,
            "train.learning_rate": 2e-4,
            "train.scheduler": "constant",
            "train.optimizer": "paged_adamw",
            "train.betas": [0.9, 0.999],
            "train.clip": 0.3,
        },
    ),
    Preset(
        name="small-gpu",
        title="Small GPU",
        about="The least memory for the same global batch: a 4-bit base, one sequence at a time, layers computed again in the "
        "backward pass, an optimiser in 8 bits that moves out of the GPU when it is full.",
        source="arXiv 2305.14314 (paged optimiser, NF4), arXiv 1604.06174 (gradient checkpointing), arXiv 2110.02861 (8 bits)",
        changes={
            "train.method": "lora",
            "quantization.bits": 4,
            "quantization.type": "nf4",
            "quantization.double": True,
            "train.batch_size": 1,
            "train.optimizer": "paged_adamw_8bit",
            "train.gradient_checkpointing": True,
        },
        same_global_batch=True,
    ),
    Preset(
        name="fast-trial",
        title="Fast trial",
        about="Sixty steps of a small adapter, to see whether data, template and settings work at all before a night is spent.",
        source="",
        changes={
            "train.method": "lora",
            "lora.rank": 8,
            "lora.alpha": 16.0,
            "train.epochs": None,
            "train.steps": 60,
            "train.eval_every": 20,
            "train.save_every": 60,
        },
    ),
    Preset(
        name="long-context",
        title="Long context",
        about="Sequences of 8,192 tokens: short rows are packed, layers are computed again in the backward pass, one sequence at "
        "a time. The model itself must have been made for that length.",
        source="",
        changes={
            "tokens.max_length": 8192,
            "tokens.packing": "bfd",
            "train.batch_size": 1,
            "train.gradient_checkpointing": True,
        },
        same_global_batch=True,
    ),
    Preset(
        name="continued-pretraining",
        title="Continued pre-training",
        about="Running text, every token learned, cut every max_length tokens so that nothing is lost; wide adapters, one pass, "
        "a lower learning rate. For sources of format text; chats are learned whole, too.",
        source="arXiv 2405.09673 (LoRA learns less in continued pre-training: wide adapters on all layers), arXiv 2312.03732",
        changes={
            "train.method": "lora",
            "tokens.supervise": "all",
            "tokens.packing": "wrapped",
            "lora.rank": 128,
            "lora.alpha": 32.0,
            "lora.rslora": True,
            "lora.target_modules": "all-linear",
            "train.steps": None,
            "train.epochs": 1.0,
            "train.learning_rate": 1e-4,
            "train.scheduler": "cosine",
            "train.warmup": 0.03,
        },
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _PRESETS}
"""By name, in the order in which they are offered."""
