"""How long it will still take: what the estimate counts, what it leaves out, and how it judges itself."""

from __future__ import annotations

import random

import pytest

from engine.runs import events as e
from engine.runs.columns import StepBlock
from engine.runs.eta import due_between
from engine.runs.journal import Journal, JournalReader
from engine.runs.view import RunView


class Told:
    """A run that is told event by event, with its own clock."""

    def __init__(self, steps: int, **plan: int) -> None:
        self.view, self.t, self.step = RunView("r"), 1000.0, 0
        self.say(e.Hello(run="r", pid=1, host="h"))
        self.say(e.Plan(steps=steps, steps_per_epoch=steps, batch_size=1, **plan))

    def say(self, event: e.AnyEvent, seconds: float = 0.0) -> None:
        self.t += seconds
        event.t = self.t
        self.view.apply(event)

    def train(self, count: int, seconds: float = 2.0, tokens: int = 100) -> None:
        for _ in range(count):
            self.step += 1
            self.say(e.Step(step=self.step, epoch=0.0, loss=1.0, seconds=seconds, tokens=tokens), seconds)

    @property
    def left(self) -> float:
        assert self.view.eta is not None
        return self.view.eta.seconds


@pytest.mark.parametrize(
    ("every", "first", "last", "total", "times"),
    [(10, 0, 100, 100, 10), (10, 0, 95, 95, 10), (10, 90, 95, 95, 1), (10, 50, 60, 95, 1), (0, 0, 95, 95, 0),
     (10, 95, 95, 95, 0), (200, 0, 95, 95, 1), (10, -1, 9, 95, 1)],
)  # fmt: skip
def test_what_is_due_is_due_at_the_end_too(every: int, first: int, last: int, total: int, times: int) -> None:
    assert due_between(every, first, last, total) == times


def test_nothing_is_known_before_the_first_step() -> None:
    run = Told(100)
    assert run.view.eta is None
    run.train(1, seconds=30.0)
    assert run.left == pytest.approx(99 * 30.0), "what the first step says, for want of better"


def test_a_slow_first_step_and_a_step_that_hung_do_not_count() -> None:
    run = Told(100)
    run.train(1, seconds=300.0)
    run.train(20)
    run.train(1, seconds=500.0)
    run.train(8)
    assert run.left == pytest.approx(70 * 2.0)


def test_evaluations_samples_and_checkpoints_that_are_to_come_are_counted() -> None:
    run = Told(95, eval_every=10, save_every=20, sample_every=10)
    for _ in range(4):
        run.train(10)
        run.say(e.Eval(step=run.step, loss=1.0, seconds=6.0), 6.0)
        run.say(e.Sample(step=run.step, prompt="a", text="b"), 1.0)
        run.say(e.Sample(step=run.step, prompt="c", text="d"), 1.0)
        if run.step % 20 == 0:
            run.say(e.Checkpoint(step=run.step, path="x", seconds=3.0), 3.0)
    run.train(1)
    # 54 steps; evaluated and sampled at 50, 60, 70, 80, 90 and 95; saved at 60, 80 and 95
    assert run.left == pytest.approx(54 * 2.0 + 6 * 6.0 + 6 * 2.0 + 3 * 3.0)
    assert run.view.eta is not None
    assert run.view.eta.error == pytest.approx(0.0, abs=0.11), "before the first evaluation nobody could know of it"


def test_journals_that_do_not_tell_the_cadence_show_it() -> None:
    run = Told(100)
    for _ in range(4):
        run.train(10)
        run.say(e.Eval(step=run.step, loss=1.0, seconds=5.0), 5.0)
    run.train(1)
    assert run.left == pytest.approx(59 * 2.0 + 6 * 5.0)


def test_a_pause_and_a_night_between_two_workers_do_not_slow_the_pace() -> None:
    run = Told(100)
    run.train(30)
    run.say(e.Phase(name="paused"), 0.1)
    assert run.view.paused
    run.say(e.Phase(name="training"), 4000.0)
    assert not run.view.paused
    run.train(10)
    before = run.view.eta
    assert before is not None
    assert before.seconds == pytest.approx(60 * 2.0)
    assert before.error == pytest.approx(0.0, abs=0.01)
    run.say(e.Hello(run="r", pid=2, host="h", resumed_from=35), 30_000.0)
    run.step = 35
    run.train(5)
    assert run.left == pytest.approx(60 * 2.0)


def test_the_pace_is_that_of_usual_batches() -> None:
    """The newest batches happen to be long: those to come are as long as all were."""
    run = Told(1000)
    run.train(300, seconds=1.0, tokens=100)
    run.train(60, seconds=2.0, tokens=200)
    usual = (300 * 1.0 + 60 * 2.0) / 360
    assert run.left == pytest.approx(640 * usual, rel=0.02)


def test_an_estimate_knows_how_wrong_it_was() -> None:
    """The steps become three times as slow half-way: who was asked before said too little."""
    run = Told(200)
    run.train(100, seconds=1.0)
    steady = run.view.eta
    assert steady is not None
    assert steady.error == pytest.approx(0.0, abs=0.01)
    assert steady.plus_minus < 1.0
    run.train(90, seconds=3.0)
    worse = run.view.eta
    assert worse is not None
    assert worse.error is not None
    assert worse.error > 0.3
    assert worse.plus_minus > steady.plus_minus


def test_noise_widens_the_estimate_and_holds_what_happens() -> None:
    noise, hits = random.Random(5), 0
    for _ in range(40):
        run = Told(400)
        for _ in range(100):
            run.train(1, seconds=noise.uniform(0.5, 1.5))
        eta = run.view.eta
        assert eta is not None
        hits += abs(sum(noise.uniform(0.5, 1.5) for _ in range(300)) - eta.seconds) <= 2 * eta.plus_minus
    assert hits >= 34, "two standard deviations hold most of what happens"


def test_blocks_tell_the_same_as_single_steps(tmp_path_factory: pytest.TempPathFactory) -> None:
    journal = Journal(tmp_path_factory.mktemp("r") / "events.jsonl", lambda: clock[0])
    clock, noise, single, blocks = [1000.0], random.Random(2), RunView("r"), RunView("r")
    journal.append(e.Plan(steps=500, steps_per_epoch=5, batch_size=1, eval_every=90, save_every=100))
    for step in range(1, 401):
        clock[0] += noise.uniform(0.5, 1.5)
        journal.append(e.Step(step=step, epoch=0.0, loss=1.0, tokens=noise.randrange(50, 150), seconds=0.4))
        if step % 90 == 0:
            clock[0] += 7.0
            journal.append(e.Eval(step=step, loss=1.0, seconds=6.0))
    journal.close()
    for event in JournalReader(journal.path).read_all():
        single.apply(event)
    found = JournalReader(journal.path).read_blocks()
    assert max(len(item.steps) for item in found if isinstance(item, StepBlock)) == 90
    for item in found:
        blocks.fold(item)
    assert single.eta == blocks.eta
    assert single.eta is not None
