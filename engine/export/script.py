"""A run file as a plain Python script with transformers and peft, and its encoded rows beside it.

The rows are written as ids and labels, and the order of steps as lists of rows: so the script can say what is trained, mixtures
and packing too, and cannot drift from it by a template, a mask or a cut of its own. Packed rows stand side by side in the script
instead of one behind the other; as they are kept apart here, the numbers are the same. What would change the numbers and cannot
be said with plain transformers and peft is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.errors import ConfigError
from engine.export import plain_script as text
from engine.tokens.batches import BatchPlan, Line
from engine.tokens.folder import model_folder
from engine.tokens.prepare import Prepared, Progress, prepare, silent
from engine.tokens.sequences import Sequences
from engine.tokens.tokenizer import load_tokenizer

MOST_PIECES = 20_000_000
"""Rows of all steps together; a list of more is no plain script any more."""
ALWAYS_LEFT_OUT = (
    "checkpoints, resuming, the memory plan and the halving of the micro-batch where memory runs out",
    "the search for loss spikes, the journal; it prints a line of JSON for each step",
    "a tokenizer beside what it saves: it is the one of the model, with the new tokens where any are added",
)


@dataclass(frozen=True)
class Script:
    """What was written."""

    path: Path
    rows: Path
    order: Path
    held_out: Path | None
    steps: int
    left_out: list[str] = field(default_factory=list)
    """What the script does not do, in words."""

    @property
    def all(self) -> list[Path]:
        """Every file of it."""
        return [path for path in (self.path, self.rows, self.order, self.held_out) if path is not None]


def write_script(run: RunFile, out: Path, progress: Progress = silent) -> Script:
    """Write the script at `out` and its rows beside it.

    Raises LuthierError where the run cannot be said plainly, where the data or the model cannot be read, or where a file is there
    already.
    """
    refuse_unsayable(run)
    folder, config = model_folder(run.model)
    tokenizer = load_tokenizer(folder, run.model.trust_remote_code)
    data = prepare(run, tokenizer, config, progress)
    plan = data.plan()
    files = Script(
        path=out,
        rows=out.with_suffix(".rows.jsonl"),
        order=out.with_suffix(".order.jsonl"),
        held_out=out.with_suffix(".held_out.jsonl") if len(data.test) else None,
        steps=plan.steps,
        left_out=[*ALWAYS_LEFT_OUT, *_left_out(run)],
    )
    _refuse_size(plan)
    _refuse_there(files)
    said = _script(run, data, plan, folder, files)
    try:
        _write_lines(files.rows, _rows(data.train))
        _write_lines(files.order, _order(plan, progress))
        if files.held_out is not None:
            _write_lines(files.held_out, _rows(data.test, run.eval.max_rows))
        out.write_text(said, encoding="utf-8")
    except BaseException as error:
        for path in files.all:  # half of them would be in the way of the next time
            path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise ConfigError(
            f"{error.filename or out} cannot be written: {(error.strerror or str(error)).lower()}."
        ) from error
    return files


def refuse_unsayable(run: RunFile) -> None:
    """Raises ConfigError for what would train something else in a plain script."""
    unsayable = {
        f'lora.init = "{run.lora.init}"': run.lora.init not in ("default", "gaussian"),
        f"train.neftune_alpha = {run.train.neftune_alpha:g}": run.train.neftune_alpha > 0,
        f"train.early_stopping = {run.train.early_stopping}": run.train.early_stopping is not None,
        'train.result = "best"': run.train.result == "best",
    }
    found = [key for key, refused in unsayable.items() if refused]
    if found:
        raise ConfigError(
            f"{' and '.join(found)} cannot be said in a plain script with transformers and peft; take it out with --set, or "
            "train with Luthier."
        )


def _left_out(run: RunFile) -> list[str]:
    out = []
    if run.eval.samples:
        out.append("the answers to eval.samples")
    if run.model.liger:
        out.append("model.liger: other kernels, the same numbers but for rounding")
    if run.train.compile:
        out.append("train.compile: the same numbers but for rounding")
    if run.train.gradient_checkpointing == "auto":
        out.append('train.gradient_checkpointing = "auto": off here; set CHECKPOINTING = True where memory is short')
    if run.train.memory_limit is not None:
        out.append("train.memory_limit")
    if run.tokens.packing != "none":
        out.append(
            f'tokens.packing = "{run.tokens.packing}": rows stand side by side, which pads; the numbers are the same'
        )
    if run.lora.dropout > 0 and run.train.method == "lora":
        out.append("the very draws of dropout: other rows of random numbers")
    return out


def _refuse_size(plan: BatchPlan) -> None:
    pieces = plan.steps * plan.batch_size
    if pieces > MOST_PIECES:
        raise ConfigError(
            f"{plan.steps:,} steps of {plan.batch_size} sequences are more than a script with a list of them can hold; lower "
            "train.epochs or train.steps with --set."
        )


def _refuse_there(files: Script) -> None:
    for path in files.all:
        if path.exists():
            raise ConfigError(f"{path} is there already. Name a script that is not there yet with -o.")


# Rows


def _rows(sequences: Sequences, most: int | None = None) -> Iterable[dict[str, list[int]]]:
    count = len(sequences) if most is None else min(most, len(sequences))
    for index in range(count):
        yield {"ids": sequences.ids(index).tolist(), "labels": sequences.labels(index).tolist()}


def _order(plan: BatchPlan, progress: Progress) -> Iterable[list[list[list[int]]]]:
    """Of each step its micro-batches, of each of those its pieces of rows: number, first token, one past the last."""
    for step in range(1, plan.steps + 1):
        progress("laying out steps", step, plan.steps)
        lines: list[Line] = plan.step_lines(step)
        size = plan.micro_batch_size
        yield [
            [[int(part) for part in piece] for line in lines[start : start + size] for piece in line]
            for start in range(0, len(lines), size)
        ]


def _write_lines(path: Path, lines: Iterable[Any]) -> None:
    with path.open("x", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


# The text


def _script(run: RunFile, data: Prepared, plan: BatchPlan, folder: Path, files: Script) -> str:
    lora, new = _adapter(run, data, folder)
    optimizer = run.train.optimizer
    own = optimizer in ("adamw", "adafactor")
    lion = optimizer.startswith("lion")
    hub = not os.path.isdir(run.model.path)
    full = run.train.method == "full"
    head = text.HEAD.format(
        title=f"Trains what the run file {run.name!r} of Luthier trains, with plain transformers and peft.",
        bitsandbytes=" and bitsandbytes" if run.quantization.bits < 16 or not own else "",
        left_out="\n".join(f"- {line}" for line in files.left_out),
        imports="" if full else "\nfrom peft import LoraConfig, PeftModel, get_peft_model",
        rows=files.rows.name,
        order=files.order.name,
        held_out=f"HERE / {files.held_out.name!r}" if files.held_out is not None else None,
        model=run.model.path if hub else str(folder),
        out=f"{files.path.stem}.model" if full else f"{files.path.stem}.adapter",
    )
    settings = text.SETTINGS.format(
        bits=run.quantization.bits,
        compute_dtype=run.quantization.compute_dtype,
        attention={"auto": None, "varlen": "sdpa"}.get(run.model.attention, run.model.attention),
        seed=run.train.seed,
        steps=plan.steps,
        rate=run.train.learning_rate,
        lowest=run.train.min_learning_rate,
        scheduler=run.train.scheduler,
        warmup=run.train.warmup,
        decay=run.train.decay,
        optimizer=optimizer,
        betas=tuple(run.train.betas or (0.9, 0.99 if lion else 0.999)),
        weight_decay=run.train.weight_decay,
        plus_ratio=run.lora.plus_ratio,
        clip=run.train.clip,
        checkpointing=run.train.gradient_checkpointing is True,
        eval_every=_eval_every(run, plan),
        eval_batch=run.train.batch_size,
        pad=data.path.padding,
        lora=_pretty(lora),
        new_rows=_pretty(dict(zip(new.ids, map(list, new.pieces), strict=True))) if new else {},
        vocabulary=new.rows if new else 0,
    )
    return head + settings + _loading(run, hub) + _training(optimizer, own)


def _loading(run: RunFile, hub: bool) -> str:
    quantized = {
        4: text.FOUR.format(type=run.quantization.type, double=run.quantization.double),
        8: text.EIGHT,
    }.get(run.quantization.bits, "")
    adapter = text.ADAPTER
    if run.train.method == "full":
        adapter = text.EVERYTHING
    elif run.lora.start_from is not None:
        adapter = text.EARLIER.format(path=run.lora.start_from)
    revision = f"revision={run.model.revision!r}, " if hub and run.model.revision else ""
    remote = " trust_remote_code=True," if run.model.trust_remote_code else ""
    loading = text.LOADING.replace("@ADAPTER@", adapter).replace("@REVISION@", revision).replace("@REMOTE@", remote)
    return loading.replace("@QUANTIZED@\n", f"{quantized}\n" if quantized else "")


def _training(optimizer: str, own: bool) -> str:
    return text.TRAINING.replace("@OPTIMIZER@", text.OPTIMIZERS[optimizer if own else "bitsandbytes"])


def _eval_every(run: RunFile, plan: BatchPlan) -> int:
    from engine.train.cadence import Cadence

    return Cadence.of(run, plan).evaluate


def _pretty(value: dict[Any, Any]) -> str:
    """A table as Python, one entry a line."""
    return "{\n" + "".join(f"    {key!r}: {item!r},\n" for key, item in value.items()) + "}" if value else "{}"


def _adapter(run: RunFile, data: Prepared, folder: Path) -> tuple[dict[str, Any], Any]:
    """What peft is told, and the new tokens; both as the trainer has them, from the model's shape without its weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from engine.train.adapters import adapter_config
    from engine.train.embeddings import make_rows

    new = data.path.new_tokens
    new = new if new is not None and new.ids else None
    if run.train.method == "full" or run.lora.start_from is not None:
        return {}, new
    config = AutoConfig.from_pretrained(folder, trust_remote_code=run.model.trust_remote_code, local_files_only=True)
    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(config, trust_remote_code=run.model.trust_remote_code)
    rows = make_rows(base, new) if new is not None else ()
    made, _ = adapter_config(base, run, rows)
    keys = (
        *("r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "use_rslora", "use_dora"),
        *(
            "init_lora_weights",
            "bias",
            "task_type",
            "modules_to_save",
            "ensure_weight_tying",
            "trainable_token_indices",
        ),
    )
    found = {key: getattr(made, key) for key in keys}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in found.items()}
    plain["task_type"] = "CAUSAL_LM"
    return {key: value for key, value in plain.items() if value is not None and value is not False}, new
