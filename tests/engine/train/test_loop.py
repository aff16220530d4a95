"""The loop: what a stop may cost, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import dump, load
from engine.errors import RunError
from engine.runs.commands import CommandName, CommandReader, send
from engine.runs.events import Ack, Checkpoint, Eval, Event, Phase, Plan, Sample, Step
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.train import loop
from engine.train.checkpoint import newest
from engine.train.control import Control
from engine.train.session import Session
from tests.engine.train.training import events_of, run_file, trainer_of, view_of, weights_of
from tests.tiny import run_toml

SETTINGS = (
    "[train]\nsteps = 6\nbatch_size = 4\neval_every = 2\nsave_every = 3\nlearning_rate = 1e-2\n[split]\ntest_size = 4\n"
)


def make_run(folder: Path, model: Path, data: Path, extra: str = "") -> RunDir:
    run_dir = RunDir(folder)
    folder.mkdir()
    run_dir.config.write_text(dump(load(run_toml(folder / "source.toml", model, data, SETTINGS + extra))))
    return run_dir


def work(run_dir: RunDir, resume: bool = False, stop_at: int | None = None) -> bool:
    """Train in this process; ask for a stop when `stop_at` steps are done."""
    journal = Journal(run_dir.journal)
    control = Control(CommandReader(run_dir.commands), journal)
    saved = newest(run_dir.checkpoints) if resume else None
    session = Session(run_dir, load(run_dir.config), journal, control, saved, resume)
    session.prepare()
    poll = control.poll

    def stopping() -> None:
        poll()
        if session.step == stop_at:
            control._wanted.add("stop")

    control.poll = stopping  # type: ignore[method-assign]
    whole = session.train()
    journal.close()
    return whole


def evaluations(run_dir: RunDir) -> dict[float, float]:
    series = Run(run_dir).load().view.series["eval_loss"]
    return dict(zip(series.steps, series.values, strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_file: Path) -> RunDir:
    run_dir = make_run(tmp_path_factory.mktemp("loop") / "whole", tiny_model, rows_file)
    assert work(run_dir)
    return run_dir


@pytest.mark.parametrize("stop_at", [2, 3, 4])
def test_a_stop_costs_no_evaluation(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path, stop_at: int
) -> None:
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file)
    assert not work(run_dir, stop_at=stop_at)
    saved = newest(run_dir.checkpoints)
    assert saved is not None
    assert saved.step == stop_at
    assert stop_at not in evaluations(run_dir)
    assert work(run_dir, resume=True)
    assert evaluations(run_dir) == evaluations(whole)
    assert set(evaluations(whole)) == {0, 2, 4, 6}


def test_a_stop_in_the_last_step_is_a_whole_run(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file)
    assert work(run_dir, stop_at=6)
    assert evaluations(run_dir) == evaluations(whole)


@pytest.mark.parametrize("side", ["left", "right"])
def test_where_the_padding_stands_changes_no_loss(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path, side: str
) -> None:
    """The whole way, held-out rows included: padded on one side to a multiple, in micro-batches of another size."""
    extra = f'[tokens]\npadding_side = "{side}"\npad_to_multiple_of = 32\n'
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file, extra)
    text = run_dir.config.read_text()
    run_dir.config.write_text(
        text.replace("batch_size = 4", "batch_size = 2").replace("accumulation = 1", "accumulation = 2")
    )
    assert work(run_dir)
    assert load(run_dir.config).train.grad_accumulation == 2
    for name in ("loss", "eval_loss"):
        one, other = (Run(r).load().view.series[name].values for r in (run_dir, whole))
        assert len(one) == len(other) >= 4
        assert list(one) == pytest.approx(list(other), abs=1e-4)


def test_a_last_line_of_a_single_token_is_no_trouble(tmp_path: Path, tiny_model: Path, tiny_tokenizer: Any) -> None:
    """Wrapped text leaves what is left, and one token alone has nothing to be predicted from."""
    texts = ["The lamp in the harbour burns all night.", "A boat carries salt and rope to the island."]
    data = tmp_path / "text.jsonl"
    data.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    total = sum(len(tiny_tokenizer(text)["input_ids"]) + 1 for text in texts)  # each ends with EOS
    width = next(n for n in range(8, total) if total % n == 1)
    run_dir = RunDir(tmp_path / "run")
    run_dir.path.mkdir()
    settings = f'[tokens]\npacking = "wrapped"\nmax_length = {width}\n[train]\nbatch_size = 1\n[split]\ntest_size = 0\n'
    run_dir.config.write_text(dump(load(run_toml(run_dir.path / "source.toml", tiny_model, data, settings))))
    assert work(run_dir)
    steps = [e for e in map(json.loads, run_dir.journal.read_text().splitlines()) if e["type"] == "step"]
    assert sum(step["tokens"] for step in steps) == total
    assert (steps[-1]["tokens"], steps[-1]["supervised_tokens"], steps[-1]["loss"]) == (1, 0, 0.0)


def test_a_full_fine_tune_is_seeded(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    import torch

    from engine.train.adapters import make_trainable

    run = load(
        run_toml(tmp_path / "full.toml", tiny_model, rows_file, '[train]\nmethod = "full"\n[quantization]\nbits = 32\n')
    )
    drawn: list[Any] = []
    for _ in range(2):
        torch.manual_seed(torch.seed())
        make_trainable(torch.nn.Linear(2, 2), run)
        drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])


def test_out_of_memory_is_another_go_with_half_the_micro_batch(
    tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    """The same losses and weights, in steps and in evaluations; without a remedy the error comes through."""
    import torch

    run = run_file(tiny_model, rows_file, train={"batch_size": 8, "steps": 3, "eval_every": 1})
    whole = trainer_of(run, tmp_path / "whole")
    assert whole.train()
    tight = trainer_of(run, tmp_path / "tight")
    real, sizes = tight.loss.sum, []

    def sum_of(batch: Any) -> Any:
        sizes.append(len(batch.ids))
        if len(batch.ids) > 3:
            raise RuntimeError("out of memory")
        return real(batch)

    tight.loss.sum = sum_of  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of memory"):
        tight.do_step(tight.plan.batch(1))
    tight.recover = lambda error, doing: "out of memory" in str(error) and tight.halve()
    assert tight.train()
    assert (tight.plan.micro_batch_size, tight.plan.batch_size, sizes[:4]) == (2, 8, [8, 4, 4, 2])
    for name in ("loss", "eval_loss", "grad_norm"):
        one, other = (view_of(tmp_path / folder).series[name].values for folder in ("tight", "whole"))
        assert list(one) == pytest.approx(list(other), abs=1e-5)
    for one, other in zip(weights_of(tight).values(), weights_of(whole).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-3)
    assert tight.halve()
    assert not tight.halve(), "a single sequence cannot be halved"

    resumed = trainer_of(run, tmp_path / "resumed")
    saved = newest(tight.checkpoints)
    assert saved is not None
    resumed.restore(saved)
    assert resumed.plan.micro_batch_size == 2, "what was too large once is not tried again"


def test_a_second_go_draws_the_same_random_numbers(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    """Where the error comes late in the step, dropout and gradients are as if it had not been."""
    run = run_file(tiny_model, rows_file, train={"grad_accumulation": 2}, lora={"rank": 4, "dropout": 0.3})
    found = []
    for fails in (False, True):
        trainer = trainer_of(run, tmp_path / str(fails))
        real, calls = trainer.loss.sum, []

        def sum_of(batch: Any, real: Any = real, calls: list[int] = calls, fails: bool = fails) -> Any:
            calls.append(1)
            if fails and len(calls) == 2:
                raise MemoryError
            return real(batch)

        trainer.loss.sum = sum_of  # type: ignore[method-assign]
        trainer.recover = lambda error, doing: isinstance(error, MemoryError)
        found.append([trainer.do_step(trainer.plan.batch(step)).loss for step in (1, 2)])
        assert len(calls) == (6 if fails else 4)
    assert found[0] == found[1]


CADENCE = {"steps": 10, "eval_every": 4, "save_every": "0.5 epochs", "batch_size": 6}


def test_evaluating_sampling_and_saving_have_each_their_own_time(
    tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    """36 rows in steps of 6 are six steps an epoch; the last step has them all."""
    samples = {"samples": ["What does the boat carry?"], "sample_tokens": 2, "sample_every": 5}
    trainer = trainer_of(run_file(tiny_model, rows_file, train={**CADENCE, "keep": 9}, eval=samples), tmp_path)
    assert trainer.train()
    happened = {kind: [event.step for event in events_of(tmp_path, kind)] for kind in (Eval, Sample, Checkpoint)}
    assert happened == {Eval: [0, 4, 8, 10], Sample: [0, 5, 10], Checkpoint: [3, 6, 9, 10]}
    with_them = {key: value for key, value in samples.items() if key != "sample_every"}
    trainer = trainer_of(run_file(tiny_model, rows_file, train=CADENCE, eval=with_them), tmp_path / "together")
    assert trainer.train()
    assert [event.step for event in events_of(tmp_path / "together", Sample)] == [0, 4, 8, 10]


@pytest.mark.parametrize("stop_at", [3, 4, 5])
def test_a_stop_and_a_resume_neither_repeat_nor_lose_any(
    stop_at: int, tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    samples = {"samples": ["What does the boat carry?"], "sample_tokens": 2, "sample_every": 5}
    run = run_file(tiny_model, rows_file, train={**CADENCE, "keep": 9}, eval=samples)
    stopped = trainer_of(run, tmp_path / "run")
    poll = stopped.control.poll

    def stopping() -> None:
        poll()
        if stopped.step == stop_at:
            stopped.control._wanted.add("stop")

    stopped.control.poll = stopping  # type: ignore[method-assign]
    assert not stopped.train()
    resumed = trainer_of(run, tmp_path / "run")
    saved = newest(resumed.checkpoints)
    assert saved is not None
    assert saved.step == stop_at
    resumed.restore(saved)
    assert resumed.train()
    happened = {
        kind: [event.step for event in events_of(tmp_path / "run", kind)] for kind in (Eval, Sample, Checkpoint)
    }
    saves = sorted({3, 6, 9, 10, stop_at})
    assert happened == {Eval: [0, 4, 8, 10], Sample: [0, 5, 10], Checkpoint: saves}


def test_what_is_asked_for_is_done_at_once(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    samples = {"samples": ["What does the boat carry?"], "sample_tokens": 2, "sample_every": 10}
    run = run_file(tiny_model, rows_file, train={**CADENCE, "eval_every": 10, "save_every": 10}, eval=samples)
    trainer = trainer_of(run, tmp_path)
    commands = {2: "evaluate", 3: "sample", 5: "checkpoint"}
    poll = trainer.control.poll

    def asking() -> None:
        if trainer.step in commands:
            send(RunDir(tmp_path).commands, commands.pop(trainer.step))  # type: ignore[arg-type]
        poll()

    trainer.control.poll = asking  # type: ignore[method-assign]
    assert trainer.train()
    happened = {kind: [event.step for event in events_of(tmp_path, kind)] for kind in (Eval, Sample, Checkpoint)}
    assert happened == {Eval: [0, 2, 10], Sample: [0, 3, 10], Checkpoint: [5, 10]}


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor", "lion"])
def test_how_a_global_batch_is_cut_changes_no_number(
    optimizer: str, tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    """8x1, 4x2 and 1x8 over several steps: the losses, and with them the weights that each step leaves."""
    losses = []
    for size, times in ((8, 1), (4, 2), (1, 8)):
        train = {
            "batch_size": size,
            "grad_accumulation": times,
            "steps": 4,
            "optimizer": optimizer,
            "learning_rate": 1e-3,
        }
        trainer = trainer_of(run_file(tiny_model, rows_file, train=train), tmp_path / str(size))
        assert trainer.train()
        losses.append([event.loss for event in events_of(tmp_path / str(size), Step)])
    for other in losses[1:]:
        assert other == pytest.approx(losses[0], abs=1e-6 if optimizer != "lion" else 1e-4)


def test_a_key_that_changes_no_number_may_change_on_a_resume(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    trainer = trainer_of(run_file(tiny_model, rows_file), tmp_path / "run")
    trainer.do_step(trainer.plan.batch(1))
    saved = trainer.save()
    for free in ({"keep": 5, "early_stopping": 9, "result": "best"}, {"batch_size": 2, "grad_accumulation": 2}):
        trainer_of(run_file(tiny_model, rows_file, train=free), tmp_path / "free").restore(saved)
    for decisive in ({"learning_rate": 2e-2}, {"optimizer": "lion"}, {"neftune_alpha": 5.0}):
        with pytest.raises(RunError, match="was changed after step 1"):
            trainer_of(run_file(tiny_model, rows_file, train=decisive), tmp_path / "other").restore(saved)


def test_a_checkpoint_of_a_stop_is_told_as_the_best_once_it_was_evaluated(
    tmp_path: Path, tiny_model: Path, rows_file: Path
) -> None:
    """A stop puts the evaluation of its step off to the resumed run, which finds the checkpoint there."""
    run_dir = make_run(tmp_path / "run", tiny_model, rows_file)
    run_dir.config.write_text(dump(load(run_dir.config, ["train.result=best"])))
    assert not work(run_dir, stop_at=2)
    assert not work(run_dir, resume=True, stop_at=3)
    view = Run(run_dir).load().view
    steps = evaluations(run_dir)
    assert min(steps, key=lambda step: steps[step]) == 2, steps
    assert [c.step for c in view.checkpoints if c.best] == [0, 2]
    assert [c.step for c in view.checkpoints] == [0, 2, 3]


def test_a_pause_changes_no_number_and_obeys_meanwhile(
    whole: RunDir, tmp_path: Path, tiny_model: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = make_run(tmp_path / "paused", tiny_model, rows_file)
    asked: list[CommandName] = ["evaluate", "checkpoint", "pause", "unpause"]

    def sleep(seconds: float) -> None:
        if asked:
            send(run_dir.commands, asked.pop(0))

    monkeypatch.setattr(loop.time, "sleep", sleep)
    see = Journal.append

    def append(self: Journal, event: Event, sync: bool = False) -> Event:
        if isinstance(event, Step) and event.step == 3:
            send(run_dir.commands, "pause")
        return see(self, event, sync)

    monkeypatch.setattr(Journal, "append", append)
    assert work(run_dir)
    steps, unpaused = (events_of(d.path, Step) for d in (run_dir, whole))
    assert [(s.step, s.loss, s.grad_norm, s.batch) for s in steps] == [
        (s.step, s.loss, s.grad_norm, s.batch) for s in unpaused
    ]
    assert {**evaluations(run_dir), 3.0: 0} == {**evaluations(whole), 3.0: 0}
    assert 3.0 in evaluations(run_dir)
    names = [event.name for event in events_of(run_dir.path, Phase)]
    told = [
        name for name, before in zip(names[1:], names, strict=False) if name != before and "paused" in (name, before)
    ]
    assert told == ["paused", "training"]
    assert names.count("paused") == 2  # once more after the evaluation
    assert not asked
    acks = [event.command for event in events_of(run_dir.path, Ack)]
    assert acks == ["pause", "evaluate", "checkpoint", "pause", "unpause"]


def test_a_stop_ends_a_pause(
    tmp_path: Path, tiny_model: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = make_run(tmp_path / "stopped", tiny_model, rows_file)
    run_dir.commands.touch()
    send_twice = iter(["stop", "stop"])
    monkeypatch.setattr(loop.time, "sleep", lambda seconds: send(run_dir.commands, next(send_twice)))
    poll = Control.poll

    def pausing(self: Control) -> None:
        poll(self)
        self.paused = True

    monkeypatch.setattr(Control, "poll", pausing)
    assert not work(run_dir)
    assert [c.step for c in events_of(run_dir.path, Checkpoint)] == []
    assert [event.name for event in events_of(run_dir.path, Phase)][-2:] == ["paused", "training"]


def test_the_plan_says_how_often_a_run_is_looked_at(whole: RunDir) -> None:
    (plan,) = events_of(whole.path, Plan)
    assert (plan.eval_every, plan.save_every, plan.sample_every) == (2, 3, 0)
