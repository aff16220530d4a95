"""A table of a run: one row a step, with all digits, and each step once."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.runs import events as e
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.table import COLUMNS, write_csv


def run_of(folder: Path, *told: e.Event) -> RunDir:
    run = RunDir(folder)
    run.path.mkdir()
    journal = Journal(run.journal, lambda: 5.0)
    for event in told:
        journal.append(event)
    journal.close()
    return run


def step(number: int, loss: float | None = 1.0) -> e.Step:
    return e.Step(step=number, epoch=0.5, loss=loss, tokens=30, seconds=2.0)


def hello(resumed_from: int | None = None) -> e.Hello:
    return e.Hello(run="r", pid=1, host="h", resumed_from=resumed_from)


def rows(out: Path) -> list[dict[str, str]]:
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_follows_a_step_stands_in_its_row(tmp_path: Path) -> None:
    run = run_of(
        tmp_path / "a-1",
        hello(),
        e.Eval(step=0, loss=3.0),
        step(1, 0.1 + 0.2),
        e.Hardware(cpu_percent=40.0),
        e.Hardware(cpu_percent=50.0),
        step(2, None),
        e.Eval(step=2, loss=2.5, seconds=4.0),
    )
    assert write_csv([run], tmp_path / "a.csv") == 3
    zero, one, two = rows(tmp_path / "a.csv")
    assert tuple(zero) == COLUMNS
    assert (zero["step"], zero["eval_loss"], zero["loss"]) == ("0", "3.0", "")
    assert (one["run"], float(one["loss"]), one["cpu_percent"], one["gpu_percent"]) == ("a-1", 0.1 + 0.2, "50.0", "")
    assert (one["tokens_per_s"], one["eval_loss"]) == ("15.0", "")
    assert (two["loss"], two["eval_loss"], two["eval_seconds"], two["cpu_percent"]) == ("", "2.5", "4.0", "")


def test_steps_that_were_done_again_are_there_once(tmp_path: Path) -> None:
    told = [hello(), *(step(n, 1.0) for n in range(1, 7)), hello(4), *(step(n, 2.0) for n in (5, 6, 7))]
    told += [hello(2), step(3, 3.0), hello(5), step(6, 4.0)]
    run = run_of(tmp_path / "a-1", *told)
    write_csv([run], tmp_path / "a.csv")
    assert [(row["step"], row["loss"]) for row in rows(tmp_path / "a.csv")] == [
        ("1", "1.0"), ("2", "1.0"), ("3", "3.0"), ("6", "4.0")
    ]  # fmt: skip


def test_several_runs_stand_below_each_other(tmp_path: Path) -> None:
    found = [run_of(tmp_path / name, hello(), step(1)) for name in ("a-1", "b-1")]
    assert write_csv(found, tmp_path / "both.csv") == 2
    assert [row["run"] for row in rows(tmp_path / "both.csv")] == ["a-1", "b-1"]
    with pytest.raises(RunError, match="c-1 has done no step yet"):
        write_csv([run_of(tmp_path / "c-1", hello())], tmp_path / "c.csv")
    with pytest.raises(RunError, match="cannot be written"):
        write_csv(found, tmp_path / "no" / "c.csv")
