"""Out of memory: recognised, answered at the same global batch, explained."""

from __future__ import annotations

import errno
import re
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.config.load import load
from engine.errors import ExitCode, ResourceError
from engine.evaluate.heldout import HeldOut
from engine.runs.events import Memory, Sample, Warning_
from engine.train.control import StopRequested
from engine.train.layers import layers_of
from engine.train.loop import Trainer
from engine.train.memory import RunMemory
from engine.train.oom import asked_for, is_out_of_memory
from engine.train.recovery import Recovery
from engine.train.rehearsal import rehearse
from tests.engine.train.training import CPU, events_of, prepared, run_file, trainer_of

CPU_SAYS = (
    "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate {} bytes."
)
CUDA_SAYS = "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 139.80 GiB of which 1.12 GiB is free."


def caught(work: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as info:  # noqa: PT011 - which one it is, is the question
        work()
    return info.value


def chained() -> None:
    try:
        raise torch.OutOfMemoryError(CUDA_SAYS)
    except RuntimeError as error:
        raise ValueError("the compiler gave up") from error


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (caught(lambda: torch.empty(1 << 60, dtype=torch.uint8)), 1 << 60),
        (caught(lambda: bytearray(1 << 62)), 0),
        (torch.OutOfMemoryError(CUDA_SAYS), 3 << 29),
        (RuntimeError("CUDA error: out of memory"), 0),
        (RuntimeError("std::bad_alloc"), 0),
        (RuntimeError("could not create a memory object"), 0),
        (RuntimeError("could not execute a primitive"), 0),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), 0),
        (RuntimeError("unable to mmap 168339432 bytes from file <w>: Cannot allocate memory (12)"), 0),
        (OSError(errno.ENOMEM, "no"), 0),
        (caught(chained), 3 << 29),
    ],
    ids=lambda value: f"{type(value).__name__}" if isinstance(value, BaseException) else "",
)
def test_it_comes_in_many_shapes(error: BaseException, asked: int) -> None:
    assert is_out_of_memory(error)
    assert asked_for(error) == asked


@pytest.mark.parametrize(
    "error",
    [RuntimeError("The size of tensor a (3) must match"), KeyError("out of memory"), OSError(errno.ENOSPC, "full")],
)
def test_other_errors_are_other_errors(error: Exception) -> None:
    assert not is_out_of_memory(error)


class Tight:
    """A trainer for which a micro-batch of more than `most` sequences is too much, as if its device were small."""

    def __init__(self, run: Any, folder: Path, most: int, data: Any = None) -> None:
        self.trainer = trainer_of(run, folder, data)
        trainer = self.trainer
        self.memory = RunMemory(run, Path(run.model.path), trainer.data, trainer.plan, CPU, trainer.journal)
        trainer.recover = Recovery(trainer, self.memory).recover
        self.most = most
        self.sizes: list[int] = []
        self.held: list[weakref.ref[torch.Tensor]] = []
        self._real = trainer.loss.sum
        trainer.loss.sum = self._sum  # type: ignore[method-assign]

    def _sum(self, batch: Any) -> Any:
        assert all(there() is None for there in self.held), "what the failed attempt held is gone before the next one"
        self.sizes.append(len(batch.ids))
        if len(batch.ids) > self.most:
            activations = torch.zeros(1000)
            activations.cycle = [activations]  # type: ignore[attr-defined]
            self.held.append(weakref.ref(activations))
            raise RuntimeError(CPU_SAYS.format(1 << 26))
        return self._real(batch)


def losses(trainer: Trainer, steps: int = 2) -> list[float]:
    return [trainer.do_step(trainer.plan.batch(trainer.step + 1)).loss for _ in range(steps)]


def test_micro_batches_are_halved_and_the_global_batch_stays(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    """Twelve sequences in sixes, threes and ones: sizes need not divide. Losses and fingerprints are those of a large device."""
    run = run_file(tiny_model, rows_file, train={"batch_size": 6, "grad_accumulation": 2})
    data = prepared(run)
    wide, tight = trainer_of(run, tmp_path / "wide", data), Tight(run, tmp_path / "tight", 2, data)
    rehearse(tight.trainer)
    assert tight.sizes == [6, 3, 1, 1]
    assert (tight.trainer.plan.micro_batch_size, tight.trainer.plan.batch_size) == (1, 12)
    assert tight.trainer.plan.batch(1).fingerprint == wide.plan.batch(1).fingerprint
    assert losses(tight.trainer) == pytest.approx(losses(wide), abs=1e-6)
    told = events_of(tmp_path / "tight", Memory)
    assert [(m.stage, m.micro_batch_size, m.grad_accumulation) for m in told] == [("halved", 3, 4), ("halved", 1, 12)]
    assert all(memory.predicted_gib > 0 for memory in told)
    first, second = events_of(tmp_path / "tight", Warning_)
    assert first.code == second.code == "out_of_memory"
    assert "in the rehearsal with micro-batches of 6 sequences (64.0 MiB more were asked for)" in first.message
    assert "going on with 3; the global batch stays 12" in first.message
    assert "train.batch_size = 3 (train.grad_accumulation = 4)" in first.hint


def test_a_later_step_is_done_again_with_the_same_dropout(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    """The second step fails once; what it draws is what a run draws that is cut so from there on."""
    run = run_file(tiny_model, rows_file, lora={"rank": 4, "dropout": 0.3})
    data = prepared(run)
    expected, tight = trainer_of(run, tmp_path / "a", data), Tight(run, tmp_path / "b", 99, data)
    found = []
    for trainer in (expected, tight.trainer):
        torch.manual_seed(3)
        tight.most = 99
        losses(trainer, 1)
        tight.most = expected.plan.micro_batch_size = 2
        found.append(losses(trainer))
    assert found[0] == found[1]
    assert tight.sizes == [4, 4, 2, 2, 2, 2]
    assert "out of memory in step 2" in events_of(tmp_path / "b", Warning_)[0].message


def test_an_evaluation_goes_on_with_fewer_rows(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    run = run_file(tiny_model, rows_file)
    data = prepared(run)
    wide, tight = trainer_of(run, tmp_path / "wide", data), Tight(run, tmp_path / "tight", 3, data)

    def evaluated(trainer: Trainer) -> HeldOut:
        return trainer.attempt(lambda: trainer.measure.held_out(lambda: None), "the evaluation after step 0")

    assert evaluated(tight.trainer).loss == pytest.approx(evaluated(wide).loss, abs=1e-6)
    assert tight.sizes == [4, 2, 2]


def test_a_run_does_not_die_of_its_samples(
    tmp_path: Path, tiny_model: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(run_file(tiny_model, rows_file, eval={"samples": ["Who?"]}), tmp_path)

    def no_room(*_: Any) -> None:
        raise torch.OutOfMemoryError(CUDA_SAYS)

    monkeypatch.setattr("engine.evaluate.measure.greedy", no_room)
    trainer.sample()
    assert not events_of(tmp_path, Sample)
    assert "they are left out" in events_of(tmp_path, Warning_)[0].message


def test_a_single_sequence_is_recomputed_and_then_explained(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    """The last resort of "auto", then the error, whose remedies are keys that the run file has."""
    run = run_file(tiny_model, rows_file, train={"gradient_checkpointing": "auto", "batch_size": 2})
    tight = Tight(run, tmp_path, 0)
    tight.memory.make_plan()
    tight.memory.checkpointed = 0
    with pytest.raises(ResourceError) as info:
        rehearse(tight.trainer)
    assert tight.sizes == [2, 1, 1]
    assert all(layer.gradient_checkpointing for layer in layers_of(tight.trainer.model))
    warned = events_of(tmp_path, Warning_)
    assert "going on with all 2 layers computed again" in warned[-1].message
    assert info.value.exit_code == ExitCode.RESOURCES
    text = str(info.value)
    assert text.startswith("Out of memory in the rehearsal (64.0 MiB more were asked for).")
    assert "The micro-batch has 1 sequence" in text
    assert "2 of 2 layers are computed again" in text
    assert "The plan expected" in text
    keys = set(re.findall(r"\b(?:train|tokens|quantization|lora|model)\.\w+", text))
    assert keys
    for key in keys:
        section, name = key.split(".")
        assert name in type(getattr(run, section)).model_fields, key


def test_what_the_run_file_forbids_is_not_tried(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    run = run_file(tiny_model, rows_file, train={"gradient_checkpointing": False, "batch_size": 1})
    tight = Tight(run, tmp_path, 0)
    with pytest.raises(ResourceError, match=r"train\.gradient_checkpointing = true"):
        tight.trainer.do_step(tight.trainer.plan.batch(1))
    assert tight.sizes == [1]


def test_a_plan_that_cannot_be_made_ends_no_run(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    run = run_file(tiny_model, rows_file)
    trainer = trainer_of(run, tmp_path / "run")
    memory = RunMemory(run, tmp_path / "nowhere", trainer.data, trainer.plan, CPU, trainer.journal)
    memory.make_plan()
    memory.tell("planned")
    assert memory.plan is None
    assert memory.wanted_checkpointing() == 0
    assert events_of(tmp_path / "run", Memory)[0].limit_gib > 0


def test_a_run_that_is_cut_otherwise_on_resume_is_the_same_run(
    tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    """Stopped, edited to smaller micro-batches at the same global batch, resumed: the same losses."""
    from engine.runs.paths import RunDir
    from tests.engine.train.test_loop import make_run, work

    def told(run_dir: RunDir) -> list[tuple[float, str]]:
        from engine.runs.events import Step

        return [(event.loss, event.batch) for event in events_of(run_dir.path, Step)]

    whole, cut = (make_run(tmp_path / name, tiny_model, rows_file) for name in ("whole", "cut"))
    assert work(whole)
    assert not work(cut, stop_at=3)
    text = cut.config.read_text()
    text = text.replace("batch_size = 4", "batch_size = 1").replace("accumulation = 1", "accumulation = 4")
    cut.config.write_text(text)
    assert load(cut.config).train.batch_size == 1
    assert work(cut, resume=True)
    for (loss, batch), (expected, rows) in zip(told(cut), told(whole), strict=True):
        assert (pytest.approx(expected, abs=1e-6), rows) == (loss, batch)
    sizes = [m.micro_batch_size for m in events_of(cut.path, Memory) if m.stage == "finished"]
    assert sizes == [4, 1]


def test_a_stop_is_no_failure_of_the_plan(
    tmp_path: Path, tiny_model: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal raises wherever the worker is."""

    def stop(*args: object, **keys: object) -> None:
        raise StopRequested

    monkeypatch.setattr("engine.train.memory.plan_memory", stop)
    run = run_file(tiny_model, rows_file)
    trainer = trainer_of(run, tmp_path)
    memory = RunMemory(run, tiny_model, trainer.data, trainer.plan, CPU, trainer.journal)
    with pytest.raises(StopRequested):
        memory.make_plan()
