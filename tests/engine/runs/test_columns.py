"""Series that share their steps, the axes of a chart, and what is left when memory is saved."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

from engine.runs import events as e
from engine.runs.glance import LONG_BYTES, glance
from engine.runs.paths import RunDir
from engine.runs.series import Column, Series
from engine.runs.store import Run
from engine.runs.view import RunView


def view_of(count: int, tokens: int = 10, seconds: float = 2.0) -> RunView:
    view = RunView("r")
    view.apply(e.Hello(run="r", pid=1, host="h", t=100.0))
    for step in range(1, count + 1):
        t = 100.0 + seconds * step
        view.apply(e.Step(step=step, epoch=0.0, loss=1.0 / step, tokens=tokens, seconds=seconds, t=t))
    return view


def test_what_was_handed_out_is_neither_moved_nor_changed() -> None:
    series = Series()
    for step in range(1, 30):
        series.add(step, float(step))
    steps, values = series.numpy()
    assert not values.flags.writeable
    series.rewind(10)
    for step in range(11, 40_000):
        series.add(step, -1.0)
    assert values.tolist() == steps.tolist() == [float(n) for n in range(1, 30)]
    assert len(series) == len(series.steps) == 39_999


def test_a_large_column_takes_no_more_than_it_holds() -> None:
    column = Column("f")
    for value in range(100_000):
        column.append(value)
    assert list(column.view[:3]) == [0.0, 1.0, 2.0]
    assert column.view[-1] == 99_999
    assert column.count == 100_000


def test_series_of_steps_are_as_long_as_their_steps() -> None:
    view = view_of(5)
    assert {len(series) for series in view.series.values()} == {5}
    view.apply(e.Step(step=6, epoch=0.0, loss=2.0, tokens=10))
    assert math.isnan(view.series["tokens_per_s"].values[5]), "a step that took no time has no speed"
    view.apply(e.Step(step=4, epoch=0.0, loss=9.0, tokens=10, seconds=1.0))
    assert list(view.series["loss"].steps) == [1, 2, 3, 4]
    assert view.series["loss"].values[3] == 9.0


def test_the_axes_leave_out_what_was_lost_between_two_workers() -> None:
    view = view_of(10)
    assert view.x_of("tokens").tolist() == [10.0 * n for n in range(1, 11)]
    assert view.x_of("time").tolist() == [2.0 * n for n in range(1, 11)]
    view.apply(e.Hello(run="r", pid=2, host="h", resumed_from=6, t=90_000.0))
    view.apply(e.Step(step=7, epoch=0.0, loss=1.0, tokens=5, seconds=1.0, t=90_003.0))
    assert view.x_of("step").tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert view.x_of("tokens")[-2:].tolist() == [60.0, 65.0]
    assert view.x_of("time")[-2:].tolist() == [12.0, 15.0]
    assert view.x_at("tokens", np.array([0.0, 3.0, 6.5])).tolist() == [0.0, 30.0, 62.5]
    view.apply(e.Step(step=8, epoch=0.0, loss=1.0, t=80_000.0))
    assert view.x_of("time")[-1] == 15.0, "a clock that is set back does not turn the axis"


def test_looks_at_the_machine_lie_at_their_steps() -> None:
    view = view_of(2)
    view.apply(e.Hardware(cpu_percent=10.0, host_gib=3.0))
    view.apply(e.Hardware(cpu_percent=20.0, host_gib=3.5, gpu_percent=90.0))
    view.apply(e.Step(step=3, epoch=0.0, loss=1.0))
    view.apply(e.Hardware(cpu_percent=30.0))
    assert list(view.series["cpu_percent"].steps) == [2, 2, 3]
    assert list(view.series["cpu_percent"].values) == [10, 20, 30]
    assert list(map(math.isnan, view.series["gpu_percent"].values)) == [True, False, True]
    assert view.hardware is not None
    assert view.summary()["hardware"]["cpu_percent"] == 30.0
    assert "gpu_celsius" not in view.series, "what was never measured has no curve"
    view.apply(e.Hello(run="r", pid=2, host="h", resumed_from=2))
    assert list(view.series["host_gib"].steps) == [2, 2]


def test_a_thinned_run_keeps_its_spikes_its_ends_and_its_gaps() -> None:
    view, noise = RunView("r"), random.Random(1)
    for step in range(1, 5001):
        loss = None if step == 3333 else 50.0 if step == 2222 else 1.0 + noise.random()
        view.apply(e.Step(step=step, epoch=0.0, loss=loss, tokens=7, learning_rate=step / 1e6))
    view.thin(10_000)
    assert not view.thinned, "there is nothing to leave out"
    lowest = view.series["loss"].lowest
    view.thin(200)
    assert view.thinned
    assert 100 < view.points <= 204
    assert {len(series) for series in view.series.values()} == {view.points}
    steps = list(view.series["loss"].steps)
    assert (steps[0], steps[-1]) == (1, 5000)
    assert view.series["loss"].values[steps.index(2222)] == 50.0
    assert math.isnan(view.series["loss"].values[steps.index(3333)])
    assert view.series["loss"].lowest == lowest
    assert view.x_of("tokens")[steps.index(2222)] == 7 * 2222
    assert view.series["learning_rate"].values[steps.index(2222)] == pytest.approx(2222 / 1e6)
    view.apply(e.Step(step=5001, epoch=0.0, loss=1.25, tokens=7))
    assert view.x_of("tokens")[-1] == 7 * 5001
    assert view.last("loss") == 1.25


def test_a_glance_shows_the_whole_length(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "long-1")
    run.path.mkdir()
    assert glance(run) is None
    lines = [
        e.encode(e.Hello(run="long-1", pid=1, host="h")),
        e.encode(e.Plan(steps=9, steps_per_epoch=9, batch_size=1)),
    ]
    rows = ["x" * 4000]
    count = LONG_BYTES // 4000
    for step in range(1, count + 1):
        lines.append(e.encode(e.Step(step=step, epoch=0.0, loss=1.0, tokens=10, rows=rows, seq=step + 1, t=step / 10)))
    run.journal.write_bytes(b"".join([*lines, e.encode(e.Finished(outcome="stopped", step=count)), b'{"torn']))
    seen = glance(run)
    assert seen is not None
    assert seen.view.thinned
    assert (seen.state, seen.view.step) == ("stopped", count)
    assert 400 < seen.view.points < count / 4
    whole = Run(run).load()
    assert seen.reader.offset == whole.reader.offset
    for axis in ("tokens", "time"):
        assert seen.view.x_of(axis)[-1] == pytest.approx(whole.view.x_of(axis)[-1], rel=0.01)  # type: ignore[arg-type]


def test_steps_stay_exact_however_large_they_are() -> None:
    view = RunView("r")
    wanted = [(1 << 24) - 1, 1 << 24, (1 << 24) + 1, (1 << 40) + 1]
    for step in wanted:
        view.apply(e.Step(step=step, epoch=0.0, loss=float(step % 7)))
    assert list(view.series["loss"].steps) == list(view.series["grad_norm"].steps) == wanted
    assert list(view.series["loss"].values) == [float(step % 7) for step in wanted]
