"""The last word of a run that memory ran out for: what was being done, with how much, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.config.runfile import RunFile
from engine.config.sizes import spell_size
from engine.errors import ResourceError
from engine.plan_facts import Remedy
from engine.train.memory import RunMemory

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of an allocation that failed. It refers to no tensor."""

    doing: str
    """What was being done: "step 7", "loading the model"."""
    asked: int = 0
    """Bytes that were asked for; 0 where that is not known."""
    used: int = 0
    """Bytes that were in use; 0 where that is not known."""

    def amount(self) -> str:
        """How much was asked for, in brackets, or nothing."""
        return f" ({spell_size(self.asked)} more were asked for)" if self.asked else ""


def explanation(run: RunFile, memory: RunMemory | None, failure: Failure) -> ResourceError:
    """The error that ends a run for want of memory. `memory` is None where nothing was planned yet."""
    said = [f"Out of memory in {failure.doing}{failure.amount()}."]
    if memory is not None:
        said.append(_batch(memory))
    used = f"{spell_size(failure.used)} were in use" if failure.used else ""
    allowed = memory.limit.sentence() if memory is not None else ""
    if used or allowed:
        said.append(" and ".join(filter(None, (used, allowed))) + ".")
    if memory is not None and memory.plan is not None:
        said.append(f"The plan expected {spell_size(memory.plan.peak)}.")
    remedies = memory.remedies() if memory is not None else []
    cut = memory.batches.micro_batch_size if memory is not None else run.train.batch_size
    said.append(_ranked(remedies) if remedies else _unranked(run, cut))
    return ResourceError(" ".join(said))


def _batch(memory: RunMemory) -> str:
    """What the largest micro-batch is, and how much of the model is computed again."""
    size, load = memory.batches.micro_batch_size, memory.plan.load if memory.plan else None
    cut = f"The micro-batch has {size:,} sequence{'s' if size > 1 else ''}"
    if load is not None:
        cut += f", at most {load.rows:,} x {load.width:,} tokens with {load.supervised:,} supervised"
    again = f"; {memory.checkpointed} of {memory.layers} layers are computed again" if memory.layers else ""
    return f"{cut}{again}."


def _ranked(remedies: Sequence[Remedy]) -> str:
    """What helps, in the order of the plan, with what each saves and costs."""
    lines = [f"{_changes(one)} saves {spell_size(one.saves)} ({one.cost})" for one in remedies[:SHOWN]]
    return f"What helps: {'; '.join(lines)}. {_HOW}"


def _changes(remedy: Remedy) -> str:
    return " and ".join(f"{key} = {_toml(value)}" for key, value in remedy.changes.items())


def _toml(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _unranked(run: RunFile, micro_batch_size: int) -> str:
    """What helps, where there is no plan to say how much."""
    train, found = run.train, []
    if micro_batch_size > 1:
        found.append("a lower train.batch_size with a higher train.grad_accumulation")
    if train.gradient_checkpointing is not True:
        found.append("train.gradient_checkpointing = true")
    if train.method == "lora" and run.quantization.bits != 4:
        found.append("quantization.bits = 4")
    if train.method == "full":
        found.append('train.method = "lora"')
    found.append("a lower tokens.max_length")
    if train.memory_limit:
        found.append("a higher train.memory_limit")
    return f"What helps: {'; '.join(found)}. {_HOW}"


_HOW = (
    "train.batch_size, train.grad_accumulation, train.gradient_checkpointing and train.memory_limit may be changed in the run's "
    "run.toml before `luthier resume`; anything else is a new run."
)
