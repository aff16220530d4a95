"""One final answer each, whoever gives it."""

from __future__ import annotations

import pytest

from engine.service.jobs import Ended, Job, Jobs
from engine.service.protocol import Cancelled, Done, Progress
from tests.engine.service.talk import Kept


def begun(jobs: Jobs, number: int) -> Job:
    job = jobs.begin(number)
    assert job is not None
    return job


def test_the_first_final_answer_is_the_only_one() -> None:
    channel = Kept()
    job = begun(Jobs(channel), 3)
    job.say(Progress(name="x", done=1, total=2))
    assert job.end(Done())
    assert not job.end(Done())
    job.say(Progress(name="x", done=2, total=2))
    assert not job.cancel()
    assert channel.said == [Progress(id=3, name="x", done=1, total=2), Done(id=3)]


def test_a_cancelled_request_is_answered_at_once_and_its_thread_told() -> None:
    channel = Kept()
    jobs = Jobs(channel)
    job = begun(jobs, 3)
    job.check()
    assert jobs.cancel(3)
    assert not jobs.cancel(3)
    assert not jobs.cancel(99)
    assert channel.said == [Cancelled(id=3)]
    with pytest.raises(Ended):
        job.check()


def test_an_id_in_use_is_refused_until_its_thread_has_ended() -> None:
    jobs = Jobs(Kept())
    job = begun(jobs, 3)
    assert jobs.begin(3) is None
    jobs.forget(job)
    assert jobs.begin(3) is not None


def test_a_newer_request_of_a_kind_replaces_the_one_on_the_same_source() -> None:
    channel = Kept()
    jobs = Jobs(channel)
    old, other, export, new = (begun(jobs, number) for number in (1, 2, 3, 4))
    jobs.claim(old, "filter", 1)
    jobs.claim(other, "filter", 2)
    jobs.claim(export, "export", 1, alone=False)
    jobs.claim(new, "filter", 1)
    assert channel.said == [Cancelled(id=1)]
    jobs.cancel_source(1)
    assert channel.said == [Cancelled(id=1), Cancelled(id=3), Cancelled(id=4)]


def test_progress_comes_five_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("engine.service.jobs.time.monotonic", lambda: now[0])
    channel = Kept()
    job = begun(Jobs(channel), 1)
    for step in range(100):
        now[0] = 100.0 + step / 100
        job.progress("x", step, 100)
    assert len(channel.said) == 5


def test_long_requests_wait_for_quick_ones_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("engine.service.jobs.time.sleep", sleep)
    monkeypatch.setattr("engine.service.jobs.time.monotonic", lambda: now[0])
    pace = Jobs(Kept()).pace
    pace.breathe()
    assert not slept
    pace.arrive()
    pace.breathe()
    assert 0.04 < sum(slept) < 0.06
    pace.leave()
    slept.clear()
    pace.breathe()
    assert not slept


def test_an_older_request_whose_thread_is_late_does_not_end_the_newer_one() -> None:
    channel = Kept()
    jobs = Jobs(channel)
    old, new = begun(jobs, 1), begun(jobs, 2)
    jobs.claim(new, "mix", 0)
    with pytest.raises(Ended):
        jobs.claim(old, "mix", 0)
    assert channel.said == [Cancelled(id=1)]
    assert new.end(Done())
