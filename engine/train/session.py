"""From a run directory to a trained adapter: preparing, training, leaving the result.

Every phase is journaled, so that a viewer can say what the worker is busy with.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from engine.config.runfile import RunFile
from engine.errors import RunError
from engine.runs.events import Data, Log, Model, Phase, Plan, Warning_
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.tokens.batches import BatchPlan
from engine.tokens.folder import model_folder
from engine.tokens.prepare import Prepared, prepare
from engine.tokens.tokenizer import leave_tokenizer, load_tokenizer
from engine.train.adapters import is_adapter, make_trainable, save_weights
from engine.train.checkpoint import SavedCheckpoint
from engine.train.control import Control
from engine.train.device import choose_device, describe
from engine.train.embeddings import end_with, make_rows
from engine.train.loop import Trainer
from engine.train.loss import check_packing
from engine.train.model import count_parameters, footprint_gib, load_base, quantization_name

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
        self.folder = Path()
        self._told = 0.0

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self.trainer.step if self.trainer else self.saved.step if self.saved else 0

    def prepare(self) -> None:
        """Read, tokenize, load, quantise. Raises LuthierError; StopRequested when asked to stop on the way."""
        self.folder, config = model_folder(self.run.model)
        tokenizer = load_tokenizer(self.folder, self.run.model.trust_remote_code)
        data = prepare(self.run, tokenizer, config, self._progress)
        if self.resume:
            self._refuse_changed_data(data)
        plan = data.plan()
        self._tell_data(data, plan)
        self._load_model(data, plan)

    def _progress(self, name: str, done: int, total: int) -> None:
        self.control.raise_if_stopped()
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

    def _tell_data(self, data: Prepared, plan: BatchPlan) -> None:
        """Journal what was read, what was chosen and why, and what was left out."""
        for item in data.sources:
            source = item.source
            self._log(f"{source.path.name}: format {source.format} ({source.reason})")
            self._log(f"{source.path.name}: template {item.template.name} ({item.reason})")
            if source.bad:
                where = ", ".join(line.origin for line in source.bad[:5])
                self._warn("bad_lines", f"{len(source.bad)} lines of {source.path.name} were skipped", where)
            for reason, count in source.excluded.items():
                self._log(f"{source.path.name}: {count} rows left out by the run file ({reason})")
            for what, count in source.passed_over.items():
                self._log(f"{source.path.name}: {count} {what} were passed over")
            if source.held_out is not None:
                self._log(f"{source.path.name}: {len(source.held_out)} held-out rows from {source.held_out_from}")
        if plan.mixture:
            for item, count in zip(data.sources, plan.drawn(), strict=True):
                share = 100 * plan.mixture.shares[data.sources.index(item)]
                self._log(f"mixture: {item.source.path.name} {share:.1f} %, {count:,} sequences drawn in all")
        self._tell_new_tokens(data)
        self._log(f"sequences of at most {data.path.max_length} tokens")
        self.journal.append(
            Data(
                sources=[
                    {
                        "path": str(item.source.path),
                        "sha256": item.source.sha256,
                        "format": item.source.format,
                        "template": item.template.name,
                        "rows": len(item.source.conversations),
                        "bad_lines": len(item.source.bad),
                        "skipped": item.source.skipped,
                        "excluded": item.source.excluded,
                        "held_out": item.source.held_out_from or "drawn",
                        "weight": item.source.section.weight,
                    }
                    for item in data.sources
                ],
                train_examples=len(data.train),
                test_examples=len(data.test),
                train_tokens=data.train.tokens,
                supervised_tokens=data.train.supervised_tokens,
                findings=data.findings,
                cut_tokens=data.train.cut_tokens,
                left_out_tokens=data.train.left_out_tokens,
                fingerprint=data.train.fingerprint,
            )
        )
        for code, message, hint in data.warnings():
            self._warn(code, message, hint)
        self.journal.append(Plan(steps=plan.steps, steps_per_epoch=plan.steps_per_epoch, batch_size=plan.batch_size))

    def _tell_new_tokens(self, data: Prepared) -> None:
        """Journal which tokens were added, and the end-of-sequence token that was set."""
        new = data.path.new_tokens
        if new is None:
            return
        if new.tokens:
            named = ", ".join(f"{text} ({number})" for text, number in list(zip(new.tokens, new.ids, strict=True))[:8])
            rest = f" and {len(new.tokens) - 8:,} more" if len(new.tokens) > 8 else ""
            self._log(f"added to the vocabulary: {named}{rest}; each starts as the mean of the pieces that spelled it")
        if new.eos is not None:
            self._log(f"the end-of-sequence token is {new.eos} from now on, because this template ends answers with it")

    def _load_model(self, data: Prepared, plan: BatchPlan) -> None:
        quantised = self.run.quantization.bits == 4
        self._progress("loading and quantising the model" if quantised else "loading the model", 0, 0)
        device = choose_device()
        base = load_base(self.folder, self.run, device)
        new = data.path.new_tokens
        rows = make_rows(base, new) if new else ()
        eos = data.path.tokenizer.eos_token_id
        if eos is not None:
            end_with(base, int(eos))
        parameters, _ = count_parameters(base)
        model = make_trainable(base, self.run, rows)
        _, trainable = count_parameters(model)
        self.journal.append(
            Model(
                path=str(self.folder),
                architecture=type(base).__name__,
                device=describe(device),
                parameters=parameters,
                trainable_parameters=trainable,
                quantization=quantization_name(self.run.quantization),
                adapter=self._adapter_name(len(new.tokens) if new else 0) if is_adapter(model) else "full",
                footprint_gib=round(footprint_gib(model), 4),
            )
        )
        self.trainer = Trainer(self.run, model, device, data, plan, self.journal, self.control, self.dir.checkpoints)
        if not self.trainer.loss.own_head:
            self._log("this model changes its logits after the output layer; its own forward pass is used")
        if self.run.tokens.packing != "none" or self.run.tokens.padding_side == "left":
            check_packing(model, device)
        if self.saved:
            self.trainer.restore(self.saved)

    def _adapter_name(self, new: int) -> str:
        """What is trained beside the base, for people: "rank 16, alpha 32, 2 new tokens"."""
        lora = self.run.lora
        extra = f", {new:,} new token{'s' if new > 1 else ''}" if new else ""
        return f"rank {lora.rank}, alpha {lora.alpha:g}{extra}"

    def train(self) -> bool:
        """Train to the end and leave the result in the run directory. Return False when it was stopped before."""
        assert self.trainer is not None
        self.control.raise_if_stopped()
        self.control.preparing = False
        self.journal.append(Phase(name="training"))
        whole = self.trainer.train()
        self._leave_result()
        return whole

    def _leave_result(self) -> None:
        """Put the trained weights where people look for them: `adapter/` or `model/`, whole or not at all."""
        assert self.trainer is not None
        model, data = self.trainer.model, self.trainer.data
        chat_template = next((item.template.jinja for item in data.sources if item.template.jinja), None)
        target = self.dir.adapter if is_adapter(model) else self.dir.model
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            save_weights(model, temporary)
            trusted = self.run.model.trust_remote_code
            leave_tokenizer(data.path.tokenizer, self.folder, temporary, chat_template, trusted)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
        self._log(f"the {target.name} is in {target}")

    def _log(self, message: str) -> None:
        self.journal.append(Log(message=message))

    def _warn(self, code: str, message: str, hint: str) -> None:
        self.journal.append(Warning_(code=code, message=message, hint=hint))
