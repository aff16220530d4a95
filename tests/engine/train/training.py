"""A trainer on a tiny model in this process: everything of a run but the worker around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.config.runfile import RunFile
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.tokens.folder import check_folder
from engine.tokens.prepare import Prepared, prepare
from engine.tokens.tokenizer import load_tokenizer
from engine.train.adapters import make_trainable
from engine.train.control import Control
from engine.train.loop import Trainer
from engine.train.model import load_base
from engine.train.optimizer import trainable

CPU = torch.device("cpu")


def run_file(model: Path, data: Path, **sections: Any) -> RunFile:
    """A run in float32 on rows of which four are held out; `sections` are laid over it."""
    base: dict[str, Any] = {
        "model": {"path": str(model)},
        "data": [{"path": str(data)}],
        "quantization": {"bits": 32},
        "split": {"test_size": 4},
        "tokens": {"max_length": 128},
        "train": {"steps": 6, "batch_size": 4, "learning_rate": 1e-2, "gradient_checkpointing": False},
    }
    for name, section in sections.items():
        base[name] = {**base.get(name, {}), **section}
    return RunFile.model_validate(base)


def prepared(run: RunFile) -> Prepared:
    """The rows of a run, encoded."""
    folder = Path(run.model.path)
    return prepare(run, load_tokenizer(folder), check_folder(folder))


def trainer_of(run: RunFile, folder: Path, data: Prepared | None = None) -> Trainer:
    """A trainer of `run` whose journal and checkpoints are in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    run_dir = RunDir(folder)
    journal = Journal(run_dir.journal)
    control = Control(CommandReader(run_dir.commands), journal)
    model = make_trainable(load_base(Path(run.model.path), run, CPU), run)
    data = replace(data, path=data.path.under(run)) if data else prepared(run)
    return Trainer(run, model, CPU, data, data.plan(), journal, control, run_dir.checkpoints)


def view_of(folder: Path) -> Any:
    """What the journal in `folder` says."""
    return Run(RunDir(folder)).load().view


def events_of(folder: Path, kind: type) -> list[Any]:
    """All events of a type in the journal in `folder`, in order."""
    from engine.runs.journal import JournalReader

    return [event for event in JournalReader(RunDir(folder).journal).read_all() if isinstance(event, kind)]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """A copy of what is trained."""
    return {name: weight.detach().clone() for name, weight in trainable(trainer.model).items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of tensors are equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
