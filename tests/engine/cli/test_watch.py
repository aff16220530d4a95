"""What `luthier watch` begins with: the state, the whole curve, the machine and the log, in 80 columns."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.cli.curve import loss_curve
from engine.cli.progress import left, sentence
from engine.cli.watch_page import headline, machine, page, state_of
from engine.runs import events as e
from engine.runs.eta import Eta
from engine.runs.store import Run
from engine.runs.view import RunView
from tests.tui import fakes


def view_of(losses: list[float | None]) -> RunView:
    view = RunView("r")
    for step, loss in enumerate(losses, 1):
        view.apply(e.Step(step=step, epoch=0.0, loss=loss))
    return view


def test_no_spike_is_lost_and_what_is_left_out_is_said() -> None:
    losses: list[float | None] = [3.0 - 2.0 * n / 4_000 for n in range(4_000)]
    lines = loss_curve(view_of(losses), 80, 10)
    assert len(lines) == 10
    assert max(map(len, lines)) <= 80
    assert "⡇" not in "".join(lines)
    losses[1_400] = 2.9
    assert any(char in "".join(loss_curve(view_of(losses), 80, 10)) for char in "⡇⢸⢰⡆"), "one step of 4,000"
    losses[1_400] = 400.0
    spiked = loss_curve(view_of(losses), 80, 10)
    assert spiked[0].count("▲") == 1
    assert "up to 400.000" in spiked[-1]
    assert spiked[-1].startswith("         step 1")
    assert spiked[-1].endswith("4,000")


def test_a_curve_without_unicode_and_with_gaps() -> None:
    view = view_of([2.0, None, math.inf, 1.0, 1.0])
    view.apply(e.Eval(step=4, loss=1.5))
    lines = loss_curve(view, 40, 6, ascii_only=True)
    assert all(line.isascii() for line in lines)
    assert sum(line.count("o") for line in lines) == 1
    assert loss_curve(view, 20, 6) == []
    assert loss_curve(RunView("r"), 80, 10) == []
    assert len(loss_curve(view_of([1.0]), 80, 10)) == 10
    assert loss_curve(view_of([None, None]), 80, 10) == []


@pytest.mark.parametrize(
    ("eta", "said"),
    [
        (None, "?"),
        (Eta(45.2, 3.4, None), "45 s ± 3"),
        (Eta(720.0, 62.0, 0.1), "12 min ± 1"),
        (Eta(720.0, 5.0, 0.1), "12 min ± 1"),
        (Eta(9000.0, 1000.0, None), "2.5 h ± 0.3"),
    ],
)
def test_what_is_left_in_words(eta: Eta | None, said: str) -> None:
    assert left(eta) == said


def test_a_level_is_told_where_it_is_not_the_usual_one() -> None:
    assert sentence(e.Log(message="a word")) == "a word"
    assert sentence(e.Log(message="a word", level="debug")) == "debug: a word"


def test_the_page_of_a_living_run(tmp_path: Path) -> None:
    clock = fakes.Clock()
    directory, journal = fakes.begin(tmp_path, "a-1", clock)
    fakes.train(journal, clock, 1, 200)
    journal.append(e.Hardware(gpu_percent=93.0, gpu_celsius=61.0, gpu_gib=9.5, gpu_total_gib=139.8, cpu_percent=40.0))
    journal.append(e.Log(message="one thing " * 20, level="error"))
    with fakes.held(directory):
        run = Run(directory).load()
        assert headline(run).startswith("a-1 running  step 200 of 600 (33 %)  ")
        assert " min ± 1 left, so far off by " in headline(run)
        lines = [line.plain for line in page(run)]
        journal.append(e.Phase(name="paused"))
        run.refresh()
        assert state_of(run) == "paused"
    journal.close()
    assert max(map(len, lines)) <= 80
    assert "GPU 93 % 61 °C 9.5 of 139.8 GiB  CPU 40 %" in lines
    assert lines[-1][8:].startswith("  error: one thing")
    assert any("⣿" in line or "⣀" in line for line in lines)
    assert machine(e.Hardware()) == ""


def test_people_read_one_word_of_a_run_that_succeeded(tmp_path: Path) -> None:
    run = Run(fakes.whole_run(tmp_path, "a-1", 6)).load()
    assert state_of(run) == "done"
    assert headline(run).startswith("a-1 done")
    assert run.summary()["state"] == "succeeded", "JSON keeps the state's own name"
