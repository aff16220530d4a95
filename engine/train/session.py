"""From a run directory to a trained adapter: preparing, training, leaving the result.

Every phase is journaled, so that a viewer can say what the worker is busy with.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch.nn import Module

from engine.config.runfile import RunFile
from engine.errors import ResourceError, RunError
from engine.runs.events import Log, Model, Phase, Warning_
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.tokens.batches import BatchPlan
from engine.tokens.folder import model_folder
from engine.tokens.prepare import Prepared, prepare
from engine.tokens.tokenizer import load_tokenizer
from engine.train.adapters import describe_adapter, make_trainable
from engine.train.apart import settle_attention
from engine.train.checkpoint import SavedCheckpoint
from engine.train.control import Control
from engine.train.device import choose_device, describe, gpu_identity, save_memory
from engine.train.embeddings import end_with, make_rows
from engine.train.experts import unquantised_experts
from engine.train.layers import prepare_layers
from engine.train.loop import TRAINING, Trainer
from engine.train.loss import SupervisedLoss
from engine.train.memory import RunMemory
from engine.train.model import autocast_of, count_parameters, footprint_gib, load_base, quantization_name
from engine.train.oom import asked_for
from engine.train.recovery import Recovery
from engine.train.rehearsal import rehearse
from engine.train.result import leave_result
from engine.train.shortage import Failure, explanation
from engine.train.starts import start_adapters
from engine.train.telling import tell_data, tell_training

PHASE_EVERY_S = 0.5


class Session:
    """One worker's work on one run directory."""

    def __init__(
        self,
        run_dir: RunDir,
        run: RunFile,
        journal: Journal,
        control: Control,
        saved: SavedCheckpoint | None,
        resume: bool,
    ) -> None:
        """`saved` is the checkpoint to go on from; with `resume` and none, the run starts over on the same data."""
        self.dir, self.run, self.journal, self.control = run_dir, run, journal, control
        self.saved, self.resume = saved, resume
        self.trainer: Trainer | None = None
        self.memory: RunMemory | None = None
        self.folder = Path()
        self.device = choose_device()
        self.gpu = gpu_identity(self.device)
        """Empty on a CPU."""
        if self.device.type == "cpu":
            save_memory()
        self._doing, self._told = "the start", 0.0

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self.trainer.step if self.trainer else self.saved.step if self.saved else 0

    @property
    def reason(self) -> str:
        """Why the run came to its end before its last step, in a sentence; empty when it did not."""
        return self.trainer.reason if self.trainer else ""

    def prepare(self) -> None:
        """Read, tokenize, load, quantise. Raises LuthierError; StopRequested when asked to stop on the way."""
        self.folder, config = model_folder(self.run.model)
        tokenizer = load_tokenizer(self.folder, self.run.model.trust_remote_code)
        data = prepare(self.run, tokenizer, config, self._progress)
        if self.resume:
            self._refuse_changed_data(data)
        plan = data.plan()
        tell_data(self.journal, self.run, data, plan)
        tell_training(self.journal, self.run)
        self._plan_memory(data, plan)
        self._load_model(data, plan)
        self._rehearse()

    def _progress(self, name: str, done: int, total: int) -> None:
        self.control.raise_if_stopped()
        self._doing = name
        if time.monotonic() - self._told >= PHASE_EVERY_S or done == 0:
            self._told = time.monotonic()
            self.journal.append(Phase(name=name, done=done, total=total))

    def _refuse_changed_data(self, data: Prepared) -> None:
        """A resumed run must see the rows it has seen before. Raises RunError when a data file has changed."""
        before = Run(self.dir).load().view.data
        known = {entry["path"]: entry["sha256"] for entry in before.sources} if before else {}
        for item in data.sources:
            path = str(item.source.path)
            if known.get(path, item.source.sha256) != item.source.sha256:
                raise RunError(
                    f"{path} has changed since this run began, so its rows would not be the ones that were trained on. "
                    "Put the old file back, or start a new run."
                )
        if before and before.fingerprint not in ("", data.train.fingerprint):
            raise RunError(
                "The tokens of this run's data are not the ones that it has trained on so far, although the files are the same: "
                f"the tokenizer in {self.folder}, a chat template or a library has changed. Put it back, or start a new run."
            )

    def _plan_memory(self, data: Prepared, plan: BatchPlan) -> None:
        """Foresee what the run will take, and keep to what it may take from here on."""
        self._progress("planning the memory", 0, 0)
        self.memory = RunMemory(self.run, self.folder, data, plan, self.device, self.journal)
        self.memory.make_plan()
        self.memory.tell("planned")
        self.memory.limit.guard_gpu()

    def _load_model(self, data: Prepared, plan: BatchPlan) -> None:
        assert self.memory is not None
        quantised = self.run.quantization.bits < 16
        self._progress("loading and quantising the model" if quantised else "loading the model", 0, 0)
        device = self.device
        base = load_base(self.folder, self.run, device)
        new = data.path.new_tokens
        rows = make_rows(base, new) if new else ()
        eos = data.path.tokenizer.eos_token_id
        if eos is not None:
            end_with(base, int(eos))
        parameters, _ = count_parameters(base)
        experts = unquantised_experts(base) if self.run.quantization.bits < 16 else None
        if experts:
            self._warn("unquantised_experts", experts.sentence(), experts.hint)
        model = make_trainable(base, self.run, rows)
        _, trainable = count_parameters(model)
        attention = settle_attention(model, self.run, device)
        self._begin_adapters(model, plan, device)
        self.memory.checkpointed = prepare_layers(model, self.run, device, self.memory.wanted_checkpointing())
        self.journal.append(
            Model(
                path=str(self.folder),
                architecture=type(base).__name__,
                device=describe(device),
                parameters=parameters,
                trainable_parameters=trainable,
                quantization=quantization_name(self.run.quantization),
                adapter=describe_adapter(model, len(new.tokens) if new else 0),
                footprint_gib=round(footprint_gib(model), 4),
                attention=attention,
            )
        )
        self.trainer = Trainer(self.run, model, device, data, plan, self.journal, self.control, self.dir.checkpoints)
        if not self.trainer.loss.own_head:
            self._log("this model changes its logits after the output layer; its own forward pass is used")

    def _rehearse(self) -> None:
        """Take the most memory first, then go back to the checkpoint, if there is one: before it nothing can be lost."""
        assert self.trainer is not None
        assert self.memory is not None
        self.memory.limit.guard_process()
        self.trainer.recover = Recovery(self.trainer, self.memory).recover
        self._doing = "the rehearsal"
        if self.saved:
            self.trainer.keep_cut(self.saved)
        rehearse(self.trainer)
        self.memory.tell("rehearsed")
        if self.saved:
            with self.memory.limit.lifted(None):
                self.trainer.restore(self.saved)

    def shortage(self, error: BaseException) -> ResourceError:
        """What to say when memory ran out where nothing could be made smaller."""
        doing = f"the optimiser's update of step {self.step + 1}" if self._doing == TRAINING else self._doing
        return explanation(self.run, self.memory, Failure(doing, asked_for(error)))

    def _begin_adapters(self, model: Module, plan: BatchPlan, device: torch.device) -> None:
        """Let A and B begin as lora.init says; on resume only what changes the base."""
        size, autocast = plan.micro_batch_size, autocast_of(self.run, device)
        micro_batches = (micro for step in range(1, plan.steps + 1) for micro in plan.batch(step).micro_batches(size))
        forward = SupervisedLoss(model, device, autocast).sum if self.run.lora.init == "eva" else None
        start_adapters(model, self.run, self.folder, micro_batches, forward, resumed=self.saved is not None)

    def train(self) -> bool:
        """Train to the end and leave the result in the run directory. Return False when it was stopped before."""
        assert self.trainer is not None
        assert self.memory is not None
        self.control.raise_if_stopped()
        self.control.preparing = False
        self._doing = TRAINING
        self.journal.append(Phase(name=TRAINING))
        try:
            whole = self.trainer.train()
        finally:
            self.memory.limit.release()
        self._doing = "saving the result"
        self._log(leave_result(self.trainer, self.dir, self.folder))
        self.memory.tell("finished")
        return whole

    def _log(self, message: str) -> None:
        self.journal.append(Log(message=message))

    def _warn(self, code: str, message: str, hint: str) -> None:
        self.journal.append(Warning_(code=code, message=message, hint=hint))
