"""Runs of the Trainer of transformers as runs of ours: their log becomes a journal, so that they draw beside the others.

Invariant: nothing is invented. What the log does not say is null, zero where null cannot be written, or not there at all, and the
journal says so. Such a run has ended, can be looked at and compared, and never resumed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from engine.errors import RunError
from engine.runs import events as e
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import create_run

STATE = "trainer_state.json"
MARKER = "imported.json"
"""In the directory of an imported run: where it comes from."""
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_MOST_BYTES = 1 << 30
_HEAD_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """What an import made."""

    dir: RunDir
    steps: int
    """Step events: one for each line of the log, which a Trainer writes every `logging_steps` steps."""
    evals: int
    notes: list[str]


def is_trainer_state(path: Path) -> bool:
    """Whether `path` is a trainer_state.json, under whatever name, or a folder of a Trainer that holds one."""
    if path.is_dir():
        return _state_in(path) is not None
    if path.name == STATE or path.suffix != ".json":
        return path.name == STATE
    try:
        with path.open("rb") as file:
            return b'"log_history"' in file.read(_HEAD_BYTES)
    except OSError:
        return False


def import_trainer(path: Path, runs: Path, name: str = "") -> ImportedRun:
    """Make a run in `runs` of a trainer_state.json, or of the newest one in a Trainer's folder.

    Raises RunError where there is none, or where it is no log of a Trainer.
    """
    file = _state_in(path) if path.is_dir() else path
    if file is None or not file.is_file():
        raise RunError(f"{path} holds no {STATE}; name the output folder of a Trainer, or one of its checkpoints.")
    state = _read(file)
    home = file.parent.parent if _CHECKPOINT.fullmatch(file.parent.name) else file.parent
    run = create_run(runs, name or _fitting(home.name))
    notes = _notes(state)
    written = {e.Step: 0, e.Eval: 0}
    moment = file.stat().st_mtime
    run.config.write_text(_run_file(state, home, run.name, file), encoding="utf-8")
    journal = Journal(run.journal, clock=lambda: moment)
    try:
        for event in _events(state, home, run.name, file, notes):
            journal.append(event)
            if type(event) in written:
                written[type(event)] += 1
    finally:
        journal.close()
    (run.path / MARKER).write_text(
        json.dumps({"from": str(file.absolute()), "kind": "trainer_state"}) + "\n", encoding="utf-8"
    )
    return ImportedRun(run, written[e.Step], written[e.Eval], notes)


def imported_from(run: RunDir) -> str:
    """Where an imported run comes from; "" for a run of our own."""
    try:
        said = json.loads((run.path / MARKER).read_text(encoding="utf-8"))
        return str(said["from"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def refuse_imported(run: RunDir) -> None:
    """Raises RunError for a run that was imported: there is nothing to go on from."""
    source = imported_from(run)
    if source:
        raise RunError(
            f"{run.name} was imported from {source}: its curves are here, its data, optimiser and random state are not, so it "
            "cannot be resumed. Start a run of its own; lora.start_from goes on from its adapter."
        )


# Reading


def _state_in(folder: Path) -> Path | None:
    """The newest trainer_state.json of a Trainer's folder: its own, or that of its last checkpoint."""
    if (folder / STATE).is_file():
        return folder / STATE
    found = [(int(m[1]), path) for path in folder.glob("checkpoint-*") if (m := _CHECKPOINT.fullmatch(path.name))]
    return next((path / STATE for _, path in sorted(found, reverse=True) if (path / STATE).is_file()), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise RunError(f"{file} is larger than a log of a Trainer can be.")
        state = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is no JSON: {error}.") from None
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise RunError(f"{file} has no log_history, so it is no log of a Trainer.")
    return state


def _number(value: Any) -> float | None:
    if isinstance(value, str):  # newer versions write "NaN" and "Infinity" as texts
        with contextlib.suppress(ValueError):
            value = float(value)
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 else None
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _seconds(value: Any) -> float:
    """Seconds that an event may tell; 0 for what can be none."""
    found = _finite(_number(value)) or 0.0
    return found if 0 <= found < 1e9 else 0.0


def _count(value: Any) -> int:
    found = _number(value)
    return int(found) if found is not None and 0 <= found < 1 << 53 else 0


# Writing


def _events(state: dict[str, Any], home: Path, name: str, file: Path, notes: list[str]) -> Iterator[e.Event]:
    """The journal: what is known before, the log in its order with the checkpoints between, the end."""
    steps, done = _count(state.get("max_steps")), _count(state.get("global_step"))
    epochs = _number(state.get("num_train_epochs"))
    yield e.Hello(run=name, pid=0, host="")
    yield e.Log(message=f"Imported from {file.absolute()}.")
    for note in notes:
        yield e.Log(message=note)
    yield e.Plan(
        steps=steps or done,
        steps_per_epoch=_count(round(steps / epochs)) if steps and epochs else 0,
        batch_size=0,
        micro_batch_size=_count(state.get("train_batch_size")),
        eval_every=_every(state.get("eval_steps")),
        save_every=_every(state.get("save_steps")),
    )
    kept = [item for item in _checkpoints(home, str(state.get("best_model_checkpoint") or "")) if item.step <= done]
    best, tokens, seconds = math.inf, 0, 0.0
    for entry in state["log_history"]:
        if not isinstance(entry, dict):
            continue
        step = _count(entry.get("step"))
        while kept and kept[0].step < step:
            yield kept.pop(0)
        if "loss" in entry:
            total = _count(entry.get("num_tokens", entry.get("num_input_tokens_seen", 0)))
            yield _step(entry, step, max(0, total - tokens))
            tokens = max(tokens, total)
        elif "eval_loss" in entry:
            loss = _finite(_number(entry["eval_loss"]))
            is_best = loss is not None and loss < best
            best = min(best, loss) if loss is not None else best
            taken = _seconds(entry.get("eval_runtime"))
            yield e.Eval(step=step, loss=loss, finite=loss is not None, seconds=taken, best=is_best)
        seconds = _seconds(entry.get("train_runtime")) or seconds
    yield from kept
    whole = bool(steps) and done >= steps
    reason = "" if whole else f"its log ends at step {done:,}" + (f" of {steps:,}" if steps else "")
    yield e.Finished(outcome="succeeded" if whole else "stopped", step=done, reason=reason, seconds=seconds)


def _step(entry: dict[str, Any], step: int, tokens: int) -> e.Step:
    loss, epoch = _finite(_number(entry.get("loss"))), _finite(_number(entry.get("epoch")))
    return e.Step(
        step=step,
        epoch=min(max(epoch or 0.0, 0.0), 1e9),
        loss=loss,
        finite=loss is not None,
        tokens=tokens,
        learning_rate=_finite(_number(entry.get("learning_rate"))) or 0.0,
        grad_norm=_finite(_number(entry.get("grad_norm"))),
    )


def _every(value: Any) -> int:
    """Steps; 0 for a share of the run, which a Trainer allows."""
    found = _number(value)
    return int(found) if found is not None and found >= 1 else 0


def _checkpoints(home: Path, best: str) -> list[e.Checkpoint]:
    """Those that are still there, by step, with where they lie."""
    out = []
    for folder in home.glob("checkpoint-*"):
        found = _CHECKPOINT.fullmatch(folder.name)
        if found is None or not folder.is_dir():
            continue
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        is_best = os.path.basename(best.rstrip("/")) == folder.name
        out.append(e.Checkpoint(step=int(found[1]), path=str(folder.absolute()), bytes=size, best=is_best))
    return sorted(out, key=lambda item: item.step)


def _notes(state: dict[str, Any]) -> list[str]:
    """What a person should know who compares it with runs of our own."""
    entries = [entry for entry in state["log_history"] if isinstance(entry, dict) and "loss" in entry]
    notes = ["The log of a Trainer has no seconds, no memory and no rows of a step; they are empty here."]
    every = _every(state.get("logging_steps"))
    if every > 1:
        notes.append(f"Each loss is the mean over {every} steps, as logging_steps says, and not that of one step.")
    if any("learning_rate" not in entry for entry in entries):
        notes.append("Some steps have no learning rate in the log; it stands as 0 there.")
    if not entries:
        notes.append("The log holds no training loss.")
    return notes


def _run_file(state: dict[str, Any], home: Path, name: str, file: Path) -> str:
    """What is known of the settings, under the names of a run file, to be compared; it cannot be trained from."""
    adapter, config = _json(home, "adapter_config.json"), _json(home, "config.json")
    model = adapter.get("base_model_name_or_path") or config.get("_name_or_path")
    train = {"steps": _count(state.get("max_steps")), "batch_size": _count(state.get("train_batch_size"))}
    lora = {
        "rank": adapter.get("r"),
        "alpha": _number(adapter.get("lora_alpha")),
        "dropout": _number(adapter.get("lora_dropout")),
        "rslora": adapter.get("use_rslora"),
        "dora": adapter.get("use_dora"),
    }
    table: dict[str, Any] = {"name": name}
    if isinstance(model, str) and model:
        table["model"] = {"path": model}
    kept = {key: value for key, value in lora.items() if isinstance(value, int | float)}
    if kept:
        table["lora"] = kept
    table["train"] = {key: value for key, value in train.items() if value}
    head = f"# Imported from {_plain(str(file.absolute()))}: what is known of its settings. Not a run file to train from.\n\n"
    return head + tomli_w.dumps(table)


def _json(home: Path, name: str) -> dict[str, Any]:
    """A JSON file of the Trainer's folder, or of its newest checkpoint; {} where there is none."""
    places = sorted(home.glob("checkpoint-*"), key=lambda path: (len(path.name), path.name), reverse=True)
    for place in (home, *places):
        try:
            found = json.loads((place / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def _fitting(text: str) -> str:
    """A name that a run may have."""
    cut = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:48]
    return cut or "imported"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
