"""`luthier compare`: figures and differences of runs, as tables and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.app import app
from engine.errors import RunError
from tests.engine.runs.test_differences import make

RUNNER = CliRunner()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs."""
    make(tmp_path, "a-1")
    make(tmp_path, "a-2", rank=16, losses=(3.0, 1.0, 0.5))
    make(tmp_path, "b-1", rank=16, host="lab")
    return tmp_path


def test_tables(runs: Path) -> None:
    result = RUNNER.invoke(app, ["compare", "a-1", "a-2", "--runs-dir", str(runs)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    losses = next(line for line in lines if line.startswith("train loss"))
    assert losses.split() == ["train", "loss", "1.0000", "0.5000", "★"]
    rank = next(line for line in lines if "lora.rank" in line)
    assert rank.split() == ["lora.rank", "8", "16"]
    assert "model.path" not in result.stdout


def test_everything(runs: Path) -> None:
    result = RUNNER.invoke(app, ["compare", "a-1", "a-2", "--all", "--runs-dir", str(runs)])
    assert "model.path" in result.stdout
    assert "torch" in result.stdout


def test_json(runs: Path) -> None:
    result = RUNNER.invoke(app, ["compare", "a-1", "a-2", "b", "--json", "--runs-dir", str(runs)])
    answer = json.loads(result.stdout)
    assert [run["run"] for run in answer["runs"]] == ["a-1", "a-2", "b-1"]
    assert answer["runs"][1]["best_eval_loss"] == 1.5
    differing = {fact["key"]: fact["values"] for fact in answer["differences"]}
    assert differing["lora.rank"] == ["8", "16", "16"]
    assert differing["host"] == ["workshop", "workshop", "lab"]


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a-1"], "two runs or more"), (["a-1", "a-1"], "two runs or more"), (["a-1", "zz"], "no run 'zz'")],
)
def test_what_cannot_be_compared_is_told(runs: Path, names: list[str], said: str) -> None:
    result = RUNNER.invoke(app, ["compare", *names, "--runs-dir", str(runs)])
    assert isinstance(result.exception, RunError)
    assert said in str(result.exception)
