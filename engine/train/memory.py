"""The memory of one run: what was planned, what is allowed, what was measured, and what the journal is told of it.

Invariant: a plan that cannot be made never ends a run. It is said once, and the run goes on without one.
"""

from __future__ import annotations

import traceback
from pathlib import Path

import torch

from engine.config.runfile import RunFile
from engine.evaluate.heldout import batches
from engine.plan.loads import heaviest, load_of
from engine.plan.memory import plan_memory, with_load
from engine.plan.remedies import remedies
from engine.plan_facts import Load, MemoryPlan, Remedy
from engine.runs.events import Log, Memory
from engine.runs.journal import Journal
from engine.tokens.batches import BatchPlan
from engine.tokens.prepare import Prepared
from engine.train.control import StopRequested
from engine.train.device import GIB, peak_gib
from engine.train.limits import MemoryLimit

EVERY = 1 << 30
"""More layers than a model has."""


class RunMemory:
    """Plans and tells. `checkpointed` of `layers` are computed again in the backward pass, as far as is known."""

    def __init__(
        self, run: RunFile, folder: Path, data: Prepared, plan: BatchPlan, device: torch.device, journal: Journal
    ) -> None:
        """`folder` holds the model's config.json. Raises ConfigError where train.memory_limit names no amount."""
        self.run, self.folder, self.data, self.batches = run, folder, data, plan
        self.device, self.journal = device, journal
        self.limit = MemoryLimit(run, device)
        self.plan: MemoryPlan | None = None
        self.checkpointed = self.layers = 0
        self._failed = False

    def make_plan(self, checkpointed: int | None = None) -> None:
        """Plan the micro-batch as it is now; without `checkpointed`, the run file or the plan choose how many layers."""
        if self._failed:
            return
        new = self.data.path.new_tokens
        try:
            self.plan = plan_memory(
                self._as_cut(),
                self.folder,
                heaviest(self.batches),
                self.limit.facts,
                checkpointed=checkpointed,
                new_rows=len(new.tokens) if new else 0,
                held_out=self._held_out(),
            )
        except StopRequested:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a plan stumbles over, the run is not to suffer
            traceback.print_exc()
            self._failed, self.plan = True, None
            first = (str(error).strip().splitlines() or [""])[0]
            message = f"there is no plan of the memory: {type(error).__name__}: {first}"
            self.journal.append(Log(message=message, level="warning"))
            return
        self.checkpointed, self.layers = self.plan.checkpointed_layers, self.plan.layers

    def wanted_checkpointing(self) -> int:
        """How many layers are to be computed again: as the run file says, with "auto" as the plan says, without one none."""
        wanted = self.run.train.gradient_checkpointing
        return self.checkpointed if wanted == "auto" else EVERY if wanted else 0

    def _held_out(self) -> Load | None:
        """The heaviest micro-batch of an evaluation: the longest come first."""
        if not len(self.data.test):
            return None
        size, padding = self.batches.micro_batch_size, self.batches.padding
        return load_of(next(batches(self.data.test, size, padding, self.run.eval.max_rows)))

    def tell(self, stage: str) -> None:
        """Journal where things stand: "planned", "rehearsed", "halved" or "finished"."""
        size, plan = self.batches.micro_batch_size, self.plan
        self.journal.append(
            Memory(
                stage=stage,
                micro_batch_size=size,
                grad_accumulation=-(-self.batches.batch_size // size),
                predicted_gib=_gib(plan.peak) if plan else 0.0,
                measured_gib=0.0 if stage == "planned" else round(peak_gib(self.device), 4),
                limit_gib=_gib(self.limit.bytes),
                parts={name: _gib(part) for name, part in plan.parts.items()} if plan else {},
                checkpointed_layers=self.checkpointed,
                layers=self.layers,
            )
        )

    def remedies(self) -> list[Remedy]:
        """Changes of the run file that save memory, those that keep its numbers first; none where they cannot be found."""
        if self.plan is None:
            return []
        run, new = self._as_cut(), self.data.path.new_tokens
        try:
            return remedies(
                run, self.folder, self.plan.load, self.limit.facts, self.plan, len(new.tokens) if new else 0
            )
        except Exception:  # noqa: BLE001 - a run that ends must still say why
            traceback.print_exc()
            return []

    def _as_cut(self) -> RunFile:
        """The run file with the micro-batches as they are now."""
        return with_load(self.run, self.batches.micro_batch_size)


def _gib(size: int) -> float:
    return round(size / GIB, 4)
