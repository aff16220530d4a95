"""The plain script trains what Luthier trains: the same losses, in another process, without a line of Luthier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import load
from engine.errors import ConfigError
from engine.export.script import write_script
from tests.process.cli import luthier
from tests.tiny import run_toml

SETTINGS = {
    "qlora": "[train]\nsteps = 3\nbatch_size = 4\ngrad_accumulation = 2\nlearning_rate = 1e-2\nwarmup = 1\neval_every = 3\n"
    "[lora]\nrank = 4\nplus_ratio = 4.0\n[split]\ntest_size = 6\n",
    "packed, all weights": "[train]\nmethod = 'full'\nsteps = 3\nbatch_size = 2\nlearning_rate = 1e-3\n"
    "weight_decay = 0.1\nclip = 0.5\n"
    "gradient_checkpointing = true\nscheduler = 'constant'\n[tokens]\npacking = 'bfd'\nmax_length = 128\n"
    "[quantization]\nbits = 32\n[split]\ntest_size = 0\n",
    "new tokens": "[train]\nsteps = 2\nbatch_size = 4\nlearning_rate = 1e-2\noptimizer = 'paged_adamw_8bit'\n"
    "[quantization]\nbits = 16\n[lora]\nrank = 2\ntarget_modules = 'attention'\nrslora = true\n[split]\ntest_size = 0\n",
}
TOLERANCE = {"qlora": 1e-5, "packed, all weights": 1e-5, "new tokens": 5e-3}
"""Nats. float32 differs in the last bits, as sums are taken in another order; bfloat16 in the third digit."""


def run_script(path: Path) -> list[dict[str, Any]]:
    """Run it from another folder, with a Luthier that cannot be found."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path)],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


SHORT = "qlora"
"""The settings that are tried by every run of the tests; the others are long."""


@pytest.mark.parametrize(
    "name", [SHORT, *(pytest.param(name, marks=pytest.mark.slow) for name in SETTINGS if name != SHORT)]
)
def test_the_script_has_the_losses_of_the_run(tmp_path: Path, tiny_model: Path, rows_file: Path, name: str) -> None:
    extra = SETTINGS[name]
    file = run_toml(tmp_path / "run.toml", tiny_model, rows_file, extra)
    if name == "new tokens":
        file.write_text(file.read_text().replace("[[data]]\n", '[[data]]\ntemplate = "chatml"\n', 1))
    made = write_script(load(file), tmp_path / "plain.py")
    assert "luthier" not in made.path.read_text().replace("`luthier export-script`", "")
    said = run_script(made.path)
    trained = luthier("train", str(file), runs=tmp_path / "runs")
    assert trained.returncode == 0, trained.stderr
    journal = [json.loads(line) for line in (tmp_path / "runs" / "run-1" / "events.jsonl").read_text().splitlines()]
    steps = [event for event in journal if event["type"] == "step"]
    mine = [line for line in said if "loss" in line]
    assert len(mine) == len(steps) == made.steps
    for script, event in zip(mine, steps, strict=True):
        assert script["loss"] == pytest.approx(event["loss"], abs=TOLERANCE[name])
        assert script["learning_rate"] == pytest.approx(event["learning_rate"], rel=1e-9)
        assert script["grad_norm"] == pytest.approx(event["grad_norm"], rel=20 * TOLERANCE[name])
    assert mine[0]["loss"] != mine[-1]["loss"]
    evals = {event["step"]: event["loss"] for event in journal if event["type"] == "eval"}
    for line in said:
        if "eval_loss" in line:
            assert line["eval_loss"] == pytest.approx(evals[line["step"]], abs=TOLERANCE[name])
    assert any("eval_loss" in line for line in said) == ("test_size = 6" in extra)


def test_the_verb_writes_it_and_overwrites_nothing(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    file = run_toml(tmp_path / "run.toml", tiny_model, rows_file, "[train]\nsteps = 1\n[lora]\ndropout = 0.1\n")
    made = luthier("export-script", str(file), "--json", runs=tmp_path)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert [Path(path).name for path in told["files"]] == ["run.rows.jsonl", "run.order.jsonl", "run.held_out.jsonl"]
    assert "left out: the very draws of dropout" in made.stderr
    compile(Path(told["script"]).read_text(), "run.py", "exec")
    with pytest.raises(ConfigError, match="is there already"):
        write_script(load(file), Path(told["script"]))
