"""luthier chart: one verb for pictures and tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.chart_verb import chart
from engine.errors import RunError
from tests.tui import fakes


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("a-1", "b-1"):
        fakes.whole_run(tmp_path / "runs", name, 30)
    return tmp_path / "runs"


def test_a_picture_of_two_runs(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both.svg"
    chart(["a-1", "b"], out, "loss", "tokens", False, True, runs, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told == {"out": str(out), "runs": ["a-1", "b-1"], "metric": "loss", "x": "tokens"}
    text = out.read_text()
    assert "<svg" in text
    assert "b-1" in text


def test_a_table(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.CSV"
    chart(["a-1"], out, "loss", "step", False, True, runs, as_json=False)
    assert capsys.readouterr().out.strip() == str(out)
    assert len(out.read_text().splitlines()) == 31


def test_refusals(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        chart(["a-1"], tmp_path / "no" / "a.svg", "loss", "step", False, True, runs, as_json=False)
    with pytest.raises(RunError, match="There is no run 'c'"):
        chart(["c"], tmp_path / "a.svg", "loss", "step", False, True, runs, as_json=False)
    with pytest.raises(RunError, match="cannot be told apart"):
        chart(["a-1"] * 25, tmp_path / "a.svg", "loss", "step", False, True, runs, as_json=False)
