"""Pictures of curves: the same runs give the same file, and nothing of the run is lost in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RunError
from engine.export.picture import Wish, _outline, write_picture
from engine.runs.card import Card, write_card
from engine.runs.paths import RunDir
from engine.runs.store import Run
from tests.tui import fakes


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    runs = tmp_path_factory.mktemp("runs")
    first, second = fakes.whole_run(runs, "a-1", 60, seed=1), fakes.whole_run(runs, "b-1", 40, seed=2)
    write_card(second, Card(title="warm $x_1$ start"))
    return [Run(first).load(), Run(second).load()]


def test_the_same_runs_give_the_same_bytes(two: list[Run], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        write_picture(two, tmp_path / name, Wish())
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert "<dc:date>" not in text
    assert "<text" not in text, "letters are paths: the file looks the same everywhere"
    assert "warm $x_1$ start" in text, "a name is no formula"
    assert len(set(re.findall(r"stroke-dasharray: ([^;\"]+)", text))) >= 1, "not told apart by colour alone"


@pytest.mark.parametrize(
    "wish", [Wish("grad_norm", "tokens", log_y=True), Wish("eval_loss", "time"), Wish(smooth=False)]
)
def test_every_metric_over_every_axis(two: list[Run], tmp_path: Path, wish: Wish) -> None:
    write_picture(two, tmp_path / "one.png", wish)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_a_spike_a_gap_and_both_ends_stay(two: list[Run]) -> None:
    y = np.ones(100_000)
    y[12_345], y[54_321] = 9.0, np.nan
    x, shown = _outline(np.arange(100_000.0), y)
    assert len(x) < 10_000
    assert (x[0], x[-1]) == (0, 99_999)
    assert shown[x == 12_345].tolist() == [9.0]
    assert np.isnan(shown[x == 54_321]).all()
    assert len(shown[x == 54_321]) == 1


def test_refusals_say_what_there_is(two: list[Run], tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"'telepathy' was measured in a-1, b-1\. There are .*grad_norm, learning_rate, loss"
    ):
        write_picture(two, tmp_path / "one.svg", Wish("telepathy"))
    with pytest.raises(RunError, match=r"ends in \.svg or \.png"):
        write_picture(two, tmp_path / "one.gif", Wish())
    with pytest.raises(RunError, match="cannot be written"):
        write_picture(two, tmp_path / "no" / "one.svg", Wish())
    (tmp_path / "new-1").mkdir()
    with pytest.raises(RunError, match="No step was done yet"):
        write_picture([Run(RunDir(tmp_path / "new-1"))], tmp_path / "one.svg", Wish())
