"""Whole runs on a GPU: learning, going on, the plan's memory, running out of it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.runs.events import Checkpoint
from engine.runs.journal import JournalReader
from engine.runs.store import Run
from engine.train.start import resume_run
from tests.gpu.runs import SECONDS, finished, memory_of, run_toml, steps_of

pytestmark = pytest.mark.gpu


@pytest.fixture
def small(device: torch.device, tiny_model: Path, rows_file: Path, tmp_path: Path) -> Path:
    """A run file on the tiny model, which saves in its middle."""
    return run_toml(
        tmp_path / "small.toml", tiny_model, rows_file, train={"save_every": 3, "keep": 4, "learning_rate": 1e-2}
    )


def test_four_bits_in_bfloat16_learn(small: Path, tmp_path: Path) -> None:
    run = finished(small, tmp_path / "runs")
    assert run.state == "succeeded", run.reason
    steps = list(steps_of(run.dir).values())
    assert all(step.finite and step.grad_norm is not None and math.isfinite(step.grad_norm) for step in steps)
    losses = [step.loss or math.inf for step in steps]
    assert losses[-1] < losses[0] - 0.1
    assert run.view.model is not None
    assert "CPU" not in run.view.model.device


def test_a_resumed_run_goes_on_where_it_was(small: Path, tmp_path: Path) -> None:
    whole = finished(small, tmp_path / "runs")
    assert whole.state == "succeeded", whole.reason
    again = whole.dir.path.with_name("again-1")
    shutil.copytree(whole.dir.path, again)
    copy = Run(type(whole.dir)(again))
    _die_after(copy, 3)
    resume_run(copy.dir).process.wait(SECONDS)
    resumed = Run(copy.dir).load()
    assert resumed.state == "succeeded", resumed.reason
    first, second = steps_of(whole.dir), steps_of(copy.dir)
    assert [second[n].batch for n in (4, 5, 6)] == [first[n].batch for n in (4, 5, 6)]
    for number in (4, 5, 6):
        assert second[number].loss == pytest.approx(first[number].loss, rel=5e-3)
    one, other = (load_file(run.dir.adapter / "adapter_model.safetensors") for run in (whole, resumed))
    for name, weight in one.items():
        assert float((weight - other[name]).norm()) <= 0.05 * float(weight.norm()) + 1e-6, name


def _die_after(run: Run, step: int) -> None:
    """Make a finished run one whose worker died right after the checkpoint of `step`."""
    lines = run.dir.journal.read_bytes().splitlines(keepends=True)
    saved = [e.seq for e in JournalReader(run.dir.journal).read_all() if isinstance(e, Checkpoint) and e.step == step]
    run.dir.journal.write_bytes(b"".join(lines[: saved[0] + 1]))
    shutil.rmtree(run.dir.adapter)
    for folder in run.dir.checkpoints.glob("step-*"):
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_plan_knows_the_peak(wide: Path, long_rows: Path, tmp_path: Path, checkpointing: bool) -> None:
    path = run_toml(
        tmp_path / "planned.toml",
        wide,
        long_rows,
        tokens={"max_length": 1024},
        train={"batch_size": 8, "steps": 2, "gradient_checkpointing": checkpointing},
    )
    run = finished(path, tmp_path / "runs")
    assert run.state == "succeeded", run.reason
    last = memory_of(run.dir)[-1]
    assert last.stage == "finished"
    assert last.predicted_gib == pytest.approx(last.measured_gib, rel=0.05)


def test_out_of_memory_halves_the_micro_batch_and_nothing_else(wide: Path, long_rows: Path, tmp_path: Path) -> None:
    train = {"batch_size": 8, "steps": 2, "gradient_checkpointing": False}
    free = finished(
        run_toml(tmp_path / "free.toml", wide, long_rows, tokens={"max_length": 1024}, train=train), tmp_path / "runs"
    )
    assert free.state == "succeeded", free.reason
    limit_mib = 1024 * memory_of(free.dir)[-1].measured_gib * 0.7
    held = run_toml(
        tmp_path / "held.toml",
        wide,
        long_rows,
        tokens={"max_length": 1024},
        train={**train, "memory_limit": f"{limit_mib:.0f}MiB"},
    )
    run = finished(held, tmp_path / "runs")
    assert run.state == "succeeded", run.reason
    said = [event for event in memory_of(run.dir) if event.stage == "halved"]
    assert said
    assert said[-1].micro_batch_size < 8
    assert said[-1].micro_batch_size * said[-1].grad_accumulation == 8
    for number, step in steps_of(run.dir).items():
        before = steps_of(free.dir)[number]
        assert step.batch == before.batch
        assert step.loss == pytest.approx(before.loss, rel=5e-3)
    assert memory_of(run.dir)[-1].measured_gib * 1024 <= limit_mib
