"""The memory of a run at its highest: training, evaluating, saving and loading, each as the sum of what takes it.

What is stored is counted on the model as shapes, what a step holds is traced on it (`trace.py`). Nothing is read of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.config.runfile import RunFile
from engine.plan.estimate import NOTE, estimate
from engine.plan.kept import Interrupted, Kept, Model, architecture_of
from engine.plan.process import loading_peak, process_bytes
from engine.plan.shapes import Shapes, dtype_of
from engine.plan.trace import Moment, Trace, highest
from engine.plan_facts import DeviceFacts, Load, MemoryPlan
from engine.train.optimizer import is_paged

HEADROOM = 0.9
"""Share of the device that "auto" fills: the rest is for what the allocator loses between tensors and for what a plan misses."""
BLOCK = 256
"""Elements that share a scale in bitsandbytes' 8-bit optimisers."""
SMALL_8BIT, SMALL_PAGED = 4096, 100_000
"""Weights below so many elements keep their state in 32 bits, and out of paged memory."""


@dataclass(frozen=True)
class Planned:
    """A plan with what it was made from, so that other questions need no second look at the model."""

    plan: MemoryPlan
    shapes: Shapes
    architecture: str


def plan_memory(
    run: RunFile,
    folder: Path,
    load: Load,
    device: DeviceFacts,
    *,
    checkpointed: int | None = None,
    new_rows: int = 0,
    held_out: Load | None = None,
    kept: Kept | None = None,
) -> MemoryPlan:
    """The memory of `run` on `device` when the heaviest micro-batch is `load` and that of an evaluation `held_out`.

    `folder` holds config.json. `checkpointed` layers are computed again in the backward pass; None lets the run file say it, and
    "auto" takes the least that fits. `kept` has what earlier plans made. Raises ModelError where the model cannot be built.
    """
    more = {"checkpointed": checkpointed, "new_rows": new_rows, "held_out": held_out, "kept": kept}
    return planned(run, folder, load, device, **more).plan  # type: ignore[arg-type]


def planned(
    run: RunFile,
    folder: Path,
    load: Load,
    device: DeviceFacts,
    *,
    checkpointed: int | None = None,
    new_rows: int = 0,
    held_out: Load | None = None,
    kept: Kept | None = None,
) -> Planned:
    """`plan_memory`, with the shapes."""
    kind, kept = device.kind, kept or Kept()
    model = kept.model(run, folder, kind, new_rows, load)
    shapes = model.shapes
    stored, process = stored_bytes(shapes, run, kind), process_bytes(kind)
    fixed = process + sum(stored.values())
    passes = _Passes(run, kept, model, load, held_out or load, kind)
    accumulated = run.train.grad_accumulation > 1
    layers, trained = len(shapes.order), trainable_bytes(shapes)

    def at(count: int) -> Moment:
        again = passes.again if count else passes.plain
        return highest(passes.plain, again, shapes.order, count, accumulated)

    def peak(count: int) -> int:
        return fixed + at(count).bytes

    if checkpointed is None:
        wanted = run.train.gradient_checkpointing
        checkpointed = choose_checkpointing(layers, device, peak) if wanted == "auto" else layers * wanted
    count = min(checkpointed, layers)
    moment = at(count)
    evaluating = _evaluation(passes.evaluated)
    parts = {
        **stored,
        "gradients": moment.gradients,
        "activations": moment.activations,
        "logits": moment.logits,
        "workspace": moment.workspace,
        "process": process,
    }
    plan = MemoryPlan(
        device=device,
        micro_batch_size=load.rows,
        grad_accumulation=run.train.grad_accumulation,
        load=load,
        checkpointed_layers=count,
        layers=layers,
        parts=parts,
        training=peak(count),
        evaluation=fixed + trained + evaluating,
        saving=fixed + trained,
        loading=loading_peak(shapes, folder, run, kind, process, stored),
        notes=[*_notes(run, shapes, kind), *passes.told],
    )
    return Planned(plan, shapes, architecture_of(model))


class _Passes:
    """The traces of a run; rules of thumb instead of all of them where the model cannot be run on shapes."""

    def __init__(self, run: RunFile, kept: Kept, model: Model, load: Load, held_out: Load, kind: str) -> None:
        self._of = run, kept, model, kind
        self._load, self._held_out = load, held_out
        self.told: list[str] = []
        try:
            self.plain = kept.trace(run, model, load, kind)
            self.evaluated = kept.trace(run, model, held_out, kind, training=False)
            self._again: Trace | None = None
            if run.train.gradient_checkpointing is True and model.shapes.order:
                self._again = kept.trace(run, model, load, kind, checkpointed=True)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - an architecture may do anything, and a plan must not end a run
            self._guess(error)

    @property
    def again(self) -> Trace:
        """With all layers computed again; traced where somebody asks."""
        run, kept, model, kind = self._of
        if self._again is None and model.shapes.order:
            try:
                self._again = kept.trace(run, model, self._load, kind, checkpointed=True)
            except Interrupted:
                raise
            except Exception as error:  # noqa: BLE001
                self._guess(error)
        return self._again or self.plain

    def _guess(self, error: Exception) -> None:
        run, _, model, kind = self._of
        dtype = dtype_of(run.quantization, kind)
        plain, again = (estimate(model.shapes, self._load, kind, dtype, checkpointed=c) for c in (False, True))
        self.plain, self._again = plain, again
        self.evaluated = estimate(model.shapes, self._held_out, kind, dtype, checkpointed=True)
        first = (str(error).strip().splitlines() or [""])[0]
        self.told = [f"{NOTE} ({type(error).__name__}: {first})"]


def _notes(run: RunFile, shapes: Shapes, kind: str) -> list[str]:
    """What the figures leave out."""
    notes = list(shapes.notes)
    if run.quantization.bits == 32 and run.quantization.compute_dtype == "bfloat16":
        notes.append("mixed precision is planned as float32 throughout: activations take less")
    if run.model.liger and kind == "cpu":
        notes.append("model.liger = true needs an NVIDIA GPU: on this machine the run would be refused")
    elif run.model.liger:
        notes.append("Liger's kernels are not counted: activations take less")
    if run.train.compile:
        notes.append("compiled layers are planned as they are without a compiler: activations take less")
    if is_paged(run):
        notes.append(
            "the optimiser's state is paged: it gives way to the rest of a GPU's memory and is not counted there"
        )
    if not shapes.order:
        notes.append("this architecture does not name its layers: their activations cannot be computed again")
    return notes


def _evaluation(evaluated: Trace) -> int:
    inner = max([evaluated.begin, *(cost.forward + evaluated.start for cost in evaluated.layers)])
    return max(inner, evaluated.start + evaluated.head)


def choose_checkpointing(layers: int, device: DeviceFacts, peak: Callable[[int], int]) -> int:
    """The least number of layers to compute again with which `peak` fits HEADROOM of the device; all where nothing fits."""
    room = HEADROOM * device.bytes
    return next((count for count in range(layers + 1) if peak(count) <= room), layers)


def stored_bytes(shapes: Shapes, run: RunFile, kind: str) -> dict[str, int]:
    """What lies there as long as the run trains: part -> bytes."""
    parts = {"weights": 0, "quantization constants": 0, "adapters": 0, "optimizer": 0}
    full = run.train.method == "full"
    for one in shapes.ledger:
        name = "quantization constants" if one.constant else "adapters" if one.trained and not full else "weights"
        parts[name] += one.times * one.bytes
        if one.trained:
            parts["optimizer"] += one.times * state_bytes(run, one.shape, kind)
    return parts


def trainable_bytes(shapes: Shapes) -> int:
    """Bytes of what is trained, and so of all gradients."""
    return sum(one.times * one.bytes for one in shapes.ledger if one.trained)


def state_bytes(run: RunFile, shape: tuple[int, ...], kind: str) -> int:
    """Bytes that the optimiser of `run` keeps for a float32 weight of this shape on a device of `kind`.

    Paged state of a GPU is not counted: it gives way.
    """
    name, size = run.train.optimizer, math.prod(shape)
    if (
        name == "adafactor"
    ):  # a running mean of squares by row and by column, for a vector of each element; and the step
        rows_and_columns = size // shape[-1] + size // shape[-2] if len(shape) > 1 else size
        return 4 * rows_and_columns + 4
    means = 1 if name.startswith("lion") else 2
    if is_paged(run) and kind == "cuda" and size >= SMALL_PAGED:
        return 0
    if name.endswith("8bit") and size >= SMALL_8BIT:
        return means * (size + 4 * -(-size // BLOCK))
    return means * 4 * size + (4 if name == "adamw" else 0)


def with_load(run: RunFile, micro_batch_size: int) -> RunFile:
    """`run` with smaller micro-batches and the same global batch, where it can be cut so."""
    total = run.train.batch_size * run.train.grad_accumulation
    size = max(n for n in range(1, micro_batch_size + 1) if total % n == 0)
    train = run.train.model_copy(update={"batch_size": size, "grad_accumulation": total // size})
    return run.model_copy(update={"train": train})
