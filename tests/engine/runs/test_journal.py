"""The journal survives its writer; the view is what a person sees of it."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs import journal as journal_module
from engine.runs.events import Checkpoint, Eval, Finished, Hello, Log, Plan, Step
from engine.runs.journal import Journal, JournalReader
from engine.runs.series import MovingAverage, Series, sparkline
from engine.runs.view import RunView


def write(path: Path, count: int = 5) -> None:
    journal = Journal(path, clock=lambda: 1.0)
    journal.append(Hello(run="r", pid=1, host="h"))
    for step in range(1, count):
        journal.append(Step(step=step, epoch=0.1, loss=1.0 / step, tokens=10, seconds=0.5))
    journal.close()


def test_lines_are_numbered_without_gaps_also_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path)
    write(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(10))
    assert {line["v"] for line in lines} == {1}


def test_a_torn_tail_is_repaired_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        journal = Journal(path)
        assert journal.seq == kept
        journal.append(Log(message="after"))
        journal.close()
        assert [e.seq for e in JournalReader(path).read_all()] == list(range(kept + 1))


def test_zeros_after_a_power_loss_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path)
    path.write_bytes(path.read_bytes() + b"\0" * 300 + b"\n")
    assert Journal(path).seq == 5


def test_a_reader_never_takes_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path)
    whole = path.read_bytes()
    reader = JournalReader(path)
    assert reader.read() != []
    path.write_bytes(whole[:-10])
    reader = JournalReader(path)
    assert len(reader.read()) == 4
    assert reader.read() == []
    path.write_bytes(whole)
    assert len(reader.read()) == 1
    assert JournalReader(tmp_path / "absent").read() == []


def test_small_bites_give_everything(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, 50)
    reader = JournalReader(path)
    events = []
    while batch := reader.read(max_bytes=64):
        events += batch
    assert [e.seq for e in events] == list(range(50))


def test_an_unknown_event_is_skipped_and_damage_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, 2)
    path.write_bytes(path.read_bytes() + b'{"type":"telepathy","v":9,"seq":2,"t":0}\nnonsense\n\xff\n')
    reader = JournalReader(path)
    assert len(reader.read_all()) == 2
    assert (reader.skipped, reader.damaged) == (1, 2)


def test_not_a_number_is_null_on_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.append(Step(step=1, epoch=0.0, loss=None, finite=False, grad_norm=math.inf))
    line = json.loads(path.read_text())
    assert line["loss"] is None
    assert line["grad_norm"] is None
    assert line["finite"] is False


def test_a_resume_rewinds_the_view() -> None:
    view = RunView("r")
    view.apply(Hello(run="r", pid=1, host="h"))
    view.apply(Plan(steps=10, steps_per_epoch=10, batch_size=1))
    for step in range(1, 6):
        view.apply(Step(step=step, epoch=0.0, loss=float(step), t=float(step)))
    view.apply(Checkpoint(step=4, path="step-4"))
    view.apply(Hello(run="r", pid=2, host="h", resumed_from=4, t=100.0))
    assert (view.step, view.last("loss"), view.resumes) == (4, 4.0, 1)
    view.apply(Step(step=5, epoch=0.0, loss=7.0, t=101.0))
    assert list(view.series["loss"].values) == [1, 2, 3, 4, 7]
    view.apply(Eval(step=5, loss=2.0))
    view.apply(Finished(outcome="stopped", step=5, reason="asked to stop"))
    summary = view.summary()
    assert (summary["outcome"], summary["best_eval_step"], summary["eta_s"]) == ("stopped", 5, 0.0)
    json.dumps(summary)


def test_the_pace_includes_everything_between_steps() -> None:
    view = RunView("r")
    view.apply(Plan(steps=100, steps_per_epoch=10, batch_size=1))
    for step in range(1, 11):
        view.apply(Step(step=step, epoch=0.0, loss=1.0, t=3.0 * step, seconds=1.0))
    assert view.seconds_per_step == pytest.approx(3.0)
    assert view.eta_s == pytest.approx(270.0)


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    average = MovingAverage(beta)
    return [average.push(value) for value in values]


@given(st.floats(-100, 100), st.integers(1, 40))
def test_smoothing_has_no_bias_at_its_start(value: float, count: int) -> None:
    assert list(smooth([value] * count)) == pytest.approx([value] * count, abs=1e-9)


def test_smoothing_and_sparklines_pass_over_gaps() -> None:
    values = [1.0, math.nan, 1.0]
    assert math.isnan(smooth(values)[1])
    assert smooth(values)[2] == pytest.approx(1.0)
    assert sparkline([3.0, math.nan, 0.0], 3) == "⣿ ⣀"
    assert sparkline([], 5) == ""
    series = Series()
    series.add(1, None)
    assert series.last is None


def test_a_disk_that_fails_aside_is_told_with_the_next_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of each second is synced by a thread; its error must not be lost there."""
    journal = Journal(tmp_path / "events.jsonl")
    threads = []

    def failing(fd: int) -> None:
        threads.append(threading.current_thread())
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", failing)
        patched.setattr(journal_module, "SYNC_EVERY_S", 0.0)
        journal.append(Log(message="one"))
        assert journal._aside is not None
        journal._aside.join()
        with pytest.raises(OSError, match="Input/output error"):
            journal.append(Log(message="two"))
    assert threads
    assert threading.main_thread() not in threads
    journal.close()
    assert [event.seq for event in JournalReader(tmp_path / "events.jsonl").read_all()] == [0]


@pytest.mark.parametrize("how", ["read", "read_blocks"])
def test_a_journal_that_was_written_anew_is_read_from_its_start(tmp_path: Path, how: str) -> None:
    path = tmp_path / "events.jsonl"
    write(path, 9)
    reader, view = JournalReader(path), RunView("r")

    def take() -> None:
        for item in getattr(reader, how)():
            view.fold(item)

    take()
    path.unlink()
    write(path, 4)
    take()
    assert (view.step, list(view.series["loss"].steps), reader.damaged) == (3, [1, 2, 3], 0)
    take()
    assert view.step == 3
