"""What a run says of its data before it loads a model: what was read, what was chosen and why, what was left out.

Invariant: nothing is dropped silently. Each row that is left out, and each token that is added, is in the journal.
"""

from __future__ import annotations

from engine.config.runfile import RunFile
from engine.config.train import TrainSection
from engine.runs.events import Data, Log, Plan, Warning_
from engine.runs.journal import Journal
from engine.tokens.batches import BatchPlan
from engine.tokens.notes import left_out_notes, new_token_notes
from engine.tokens.path import TemplatedSource
from engine.tokens.prepare import Prepared
from engine.train.cadence import Cadence

LINES_SHOWN = 5


def tell_training(journal: Journal, run: RunFile) -> None:
    """Journal how the run trains, where that is not as usual."""
    train, lora, usual = run.train, run.lora, TrainSection()
    said = [f"optimizer {train.optimizer}"] if train.optimizer != usual.optimizer else []
    said += [f"learning rate {train.scheduler}"] if train.scheduler != usual.scheduler else []
    said += [f"NEFTune with alpha {train.neftune_alpha:g}"] if train.neftune_alpha else []
    said += [f"LoRA+ with ratio {lora.plus_ratio:g}"] if lora.plus_ratio != 1 else []
    said += [f"adapters begin as {lora.init}"] if lora.init != "default" else []
    said += [f"goes on with the adapter in {lora.start_from}"] if lora.start_from else []
    said += ["layers are compiled"] if train.compile else []
    if said:
        _log(journal, "; ".join(said))


def tell_data(journal: Journal, run: RunFile, data: Prepared, plan: BatchPlan) -> None:
    """Journal the data of a run, how long it is, and how often it is looked at."""
    for item in data.sources:
        _tell_source(journal, item)
    if plan.mixture:
        for item, share, count in zip(data.sources, plan.mixture.shares, plan.drawn(), strict=True):
            _log(journal, f"mixture: {item.source.path.name} {100 * share:.1f} %, {count:,} sequences drawn in all")
    for note in new_token_notes(data.path.new_tokens):
        _log(journal, note)
    _log(journal, f"sequences of at most {data.path.max_length} tokens")
    journal.append(
        Data(
            sources=[_described(item) for item in data.sources],
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
        journal.append(Warning_(code=code, message=message, hint=hint))
    cadence = Cadence.of(run, plan)
    journal.append(
        Plan(
            steps=plan.steps,
            steps_per_epoch=plan.steps_per_epoch,
            batch_size=plan.batch_size,
            micro_batch_size=plan.micro_batch_size,
            eval_every=cadence.evaluate if len(data.test) else 0,
            save_every=cadence.save,
            sample_every=cadence.sample if run.eval.samples else 0,
        )
    )


def _tell_source(journal: Journal, item: TemplatedSource) -> None:
    source = item.source
    name = source.path.name
    _log(journal, f"{name}: format {source.format} ({source.reason})")
    _log(journal, f"{name}: template {item.template.name} ({item.reason})")
    if source.bad:
        where = ", ".join(line.origin for line in source.bad[:LINES_SHOWN])
        journal.append(
            Warning_(code="bad_lines", message=f"{len(source.bad)} lines of {name} were skipped", hint=where)
        )
    for number, note in enumerate(left_out_notes(item)):
        _log(
            journal, note, "warning" if number < len(source.skipped) else "info"
        )  # those that nobody asked for come first


def _described(item: TemplatedSource) -> dict[str, object]:
    """A source as the Data event has it."""
    source = item.source
    return {
        "path": str(source.path),
        "sha256": source.sha256,
        "format": source.format,
        "template": item.template.name,
        "rows": len(source.conversations),
        "bad_lines": len(source.bad),
        "skipped": source.skipped,
        "excluded": source.excluded,
        "held_out": source.held_out_from or "drawn",
        "weight": source.section.weight,
    }


def _log(journal: Journal, message: str, level: str = "info") -> None:
    journal.append(Log(message=message, level=level))
