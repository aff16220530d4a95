"""inspect: exactly what is trained, from the same functions that train it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from engine.cli import console
from engine.config.load import load
from engine.errors import ConfigError
from engine.runs.paths import runs_dir
from engine.runs.store import find_run
from engine.text import visible
from engine.tokens.batches import Batch
from engine.tokens.encode import FINDINGS, IGNORE, Encoded
from engine.tokens.folder import model_folder
from engine.tokens.prepare import Prepared, prepare
from engine.tokens.tokenizer import load_tokenizer


def inspect(
    run_file: Path, row: int | None, batch: int | None, overrides: list[str], runs: Path | None, as_json: bool
) -> None:
    """Show a row, a batch, or what all the data amounts to."""
    if row is not None and batch is not None:
        raise ConfigError("--row and --batch are two questions; ask one at a time.")
    run = load(_file_of(run_file, runs), overrides)
    folder, config = model_folder(run.model)
    prepared = prepare(run, load_tokenizer(folder, run.model.trust_remote_code), config)
    if row is not None:
        _row(prepared, row, as_json)
    elif batch is not None:
        _batch(prepared, batch, as_json)
    else:
        _overview(prepared, as_json)


def _file_of(path: Path, runs: Path | None) -> Path:
    """The run file itself, or that of a run directory or of a run by name."""
    if path.is_file() or path.suffix == ".toml":
        return path
    return find_run(runs_dir(runs), str(path)).config


def _row(prepared: Prepared, number: int, as_json: bool) -> None:
    if number > len(prepared.rows):
        raise ConfigError(f"--row {number}: the data has {len(prepared.rows)} usable rows, counted from 1.")
    template, conversation = prepared.rows[number - 1]
    sequences = prepared.path.encode([(template, conversation)])[0]
    held_out = number - 1 in set(prepared.test_rows)
    if as_json:
        console.json_line(
            {
                "row": number,
                "origin": conversation.origin,
                "split": "test" if held_out else "train",
                "template": template.name,
                "max_length": prepared.path.max_length,
                "text": sequences[0].rendered.text,
                "segments": [
                    {"text": s.text, "role": s.role, "supervised": s.supervised, "source": s.source}
                    for s in sequences[0].rendered.segments
                ],
                "sequences": [_sequence(prepared, sequence) for sequence in sequences],
            }
        )
        return
    for sequence in sequences:
        head = f"{conversation.origin}  {'held out' if held_out else 'training'}  template {template.name}"
        counts = f"{len(sequence.ids)} tokens, {sequence.supervised_tokens} supervised, {sequence.cut} cut"
        console.show(Text(f"{head}  {counts}", style="bold"))
        console.show(_coloured(prepared, sequence))
        for rule in sequence.findings:
            console.show(Text(f"finding: {FINDINGS[rule]}", style="yellow"))


def _sequence(prepared: Prepared, sequence: Encoded) -> dict[str, Any]:
    return {
        "ids": sequence.ids.tolist(),
        "labels": sequence.labels.tolist(),
        "pieces": prepared.path.tokenizer.convert_ids_to_tokens(sequence.ids.tolist()),
        "spans": sequence.spans.tolist(),
        "segments": sequence.segments.tolist(),
        "supervised_tokens": sequence.supervised_tokens,
        "cut": sequence.cut,
        "findings": list(sequence.findings),
    }


def _coloured(prepared: Prepared, sequence: Encoded) -> Text:
    """The text as it is tokenized; what is learned stands in ⟦ ⟧, and in green where there is colour."""
    whole, out = sequence.rendered.text, Text()
    learning, shown = False, 0
    for token, label, (start, end) in zip(sequence.ids, sequence.labels, sequence.spans, strict=True):
        trained = bool(label != IGNORE)
        if trained != learning:
            out.append("⟦" if trained else "⟧", style="green")
            learning = trained
        if end > start:
            text = whole[max(shown, start) : end]  # tokens of one character share its span
            shown = max(shown, end)
        else:
            text = f"⟨{prepared.path.tokenizer.convert_ids_to_tokens(int(token))}⟩"
        out.append(visible(text), style="green" if trained else "dim")
    out.append("⟧" if learning else "", style="green")
    return out


def _batch(prepared: Prepared, number: int, as_json: bool) -> None:
    plan = prepared.plan()
    if number > plan.steps:
        raise ConfigError(f"--batch {number}: the run has {plan.steps} steps; batch N is trained in step N, from 1.")
    batch = plan.batch(number)
    if as_json:
        tokenizer = prepared.path.tokenizer
        console.json_line(
            {
                "batch": number,
                "of": plan.steps,
                "fingerprint": batch.fingerprint,
                "ids": batch.ids.tolist(),
                "labels": batch.labels.tolist(),
                "attention_mask": (batch.documents > 0).astype(int).tolist(),
                "position_ids": batch.positions.tolist(),
                "document_ids": batch.documents.tolist(),
                "pieces": [tokenizer.convert_ids_to_tokens(ids) for ids in batch.ids.tolist()],
                "rows": batch.rows,
                "micro_batch_size": plan.micro_batch_size,
                "tokens": batch.tokens,
                "supervised_tokens": batch.supervised_tokens,
                "padding": _padding(batch),
            }
        )
        return
    console.show(Text(f"batch {number} of {plan.steps}  fingerprint {batch.fingerprint}", style="bold"))
    console.data(
        f"{len(batch.ids)} sequences of at most {batch.ids.shape[1]} tokens; {batch.tokens} tokens, "
        f"{batch.supervised_tokens} supervised, {100 * _padding(batch):.1f} % padding"
    )
    for labels, documents, origins in zip(batch.labels, batch.documents, batch.rows, strict=True):
        console.show(_bar(labels, documents, 64).append(f"  {visible(', '.join(origins))}"))
    console.data("█ supervised  ▒ prompt  · padding")


def _padding(batch: Batch) -> float:
    return 1 - batch.tokens / batch.ids.size


def _bar(labels: Any, documents: Any, width: int) -> Text:
    """One sequence as a bar of `width` cells."""
    out, count = Text(), len(labels)
    for cell in range(min(width, count)):
        part = slice(cell * count // min(width, count), (cell + 1) * count // min(width, count))
        if (documents[part] == 0).mean() > 0.5:
            out.append("·", style="dim")
        elif (labels[part] != IGNORE).mean() >= 0.5:
            out.append("█", style="green")
        else:
            out.append("▒")
    return out


def _overview(prepared: Prepared, as_json: bool) -> None:
    plan = prepared.plan()
    lengths = sorted(prepared.train.lengths.tolist())
    facts = {
        "rows": len(prepared.rows),
        "train_sequences": len(prepared.train),
        "test_sequences": len(prepared.test),
        "max_length": prepared.path.max_length,
        "train_tokens": prepared.train.tokens,
        "supervised_tokens": prepared.train.supervised_tokens,
        "length_p50": lengths[len(lengths) // 2],
        "length_p95": lengths[len(lengths) * 95 // 100],
        "length_max": lengths[-1],
        "steps": plan.steps,
        "steps_per_epoch": plan.steps_per_epoch,
        "batch_size": plan.batch_size,
        "findings": prepared.findings,
        "sources": [
            {"path": str(s.source.path), "format": s.source.format, "template": s.template.name}
            for s in prepared.sources
        ],
    }
    if as_json:
        console.json_line(facts)
        return
    for key, value in facts.items():
        if isinstance(value, int):
            console.data(f"{key.replace('_', ' '):<18} {value:>12,}")
    for item in prepared.sources:
        console.data(f"{item.source.path.name}: format {item.source.format}, template {item.template.name}")
    for rule, count in prepared.findings.items():
        console.show(Text(f"finding: {count:,} × {FINDINGS[rule]}", style="yellow"))
