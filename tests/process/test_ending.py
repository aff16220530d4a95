"""A real worker whose run ends before its last step: stopped early, killed on the way, and resumed to the bit."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from engine.runs.paths import RunDir
from engine.runs.store import Run
from tests.process.cli import losses, luthier, start, wait_for
from tests.tiny import run_toml

SETTINGS = """
[train]
steps = 400
batch_size = 4
learning_rate = 1.0
warmup = 0
scheduler = "wsd"
optimizer = "paged_adamw_8bit"
neftune_alpha = 5.0
eval_every = 1
save_every = 4
early_stopping = 12
result = "best"
[lora]
rank = 64
dropout = 0.1
[split]
test_size = 6
"""


@pytest.mark.slow
def test_an_early_end_is_a_success_also_after_a_kill(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    config, runs = run_toml(tmp_path / "early.toml", tiny_model, rows_file, SETTINGS), tmp_path / "runs"
    done = luthier("train", str(config), "--json", runs=runs)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["state"] == "succeeded"
    assert summary["step"] < summary["total_steps"] == 400
    assert summary["reason"].startswith(f"Stopped early after step {summary['step']} of 400: 12 evaluations in a row")
    best = summary["best_eval_step"]
    assert summary["step"] == best + 12
    assert summary["best_checkpoint"] == best
    assert best in summary["checkpoints"]
    whole = RunDir(runs / "early-1")
    adapter = (whole.adapter / "adapter_model.safetensors").read_bytes()
    kept = whole.checkpoints / f"step-{best:08d}" / "weights" / "adapter_model.safetensors"
    assert adapter == kept.read_bytes()
    assert "Paged optimizers" not in whole.log.read_text()
    assert any("ordinary memory on a CPU" in text for text in summary["warnings"])

    run_dir, pid = start(config, runs, "--set", 'name="killed"')
    wait_for(run_dir, "step", step=best + 5)
    os.kill(pid, signal.SIGKILL)
    resumed = luthier("resume", "killed", runs=runs)
    assert resumed.returncode == 0, resumed.stderr
    assert losses(run_dir) == losses(whole)
    assert (run_dir.adapter / "adapter_model.safetensors").read_bytes() == adapter
    assert Run(run_dir).load().reason == summary["reason"]
    again = luthier("resume", "killed", runs=runs)
    assert again.returncode == 2
    assert "is finished: Stopped early after step" in again.stderr
