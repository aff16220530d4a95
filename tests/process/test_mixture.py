"""A mixture of three real datasets, trained for real: what is drawn is what the table says, also after a kill."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from engine.runs.paths import RunDir
from tests.process.cli import losses, luthier, start, wait_for
from tests.shared import DATA, STORIES, needs_shared

WEIGHTS = {"gsm8k/train.jsonl": 0.6, "lamini/lamini_docs.jsonl": 0.3, "llama_factory/alpaca_zh_demo.json": 0.1}
STEPS, BATCH = 24, 10


def run_file(folder: Path) -> Path:
    sources = "".join(
        f'[[data]]\npath = "{DATA / "datasets" / name}"\nweight = {weight}\nmax_rows = 120\ntemplate = "qa"\n'
        for name, weight in WEIGHTS.items()
    )
    path = folder / "mix.toml"
    path.write_text(
        f'[model]\npath = "{STORIES}"\n{sources}[tokens]\nmax_length = 128\ntruncation = "left"\n[split]\ntest_size = 12\n'
        f"[train]\nsteps = {STEPS}\nbatch_size = {BATCH}\nsave_every = 8\n[quantization]\nbits = 32\n"
    )
    return path


def drawn(run_dir: RunDir) -> list[str]:
    """The file of each row, in the order of training; of a step that was done twice the last time."""
    by_step: dict[int, list[str]] = {}
    for line in run_dir.journal.read_text().splitlines():
        event = json.loads(line)
        if event["type"] == "step":
            by_step[event["step"]] = event["rows"]
    return [row for step in sorted(by_step) for row in by_step[step]]


@needs_shared
@pytest.mark.slow
def test_three_sources_are_drawn_by_their_weights_and_go_on_after_a_kill(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    whole, _ = start(path, tmp_path / "runs", "--set", 'name="whole"')
    wait_for(whole, "succeeded")
    rows = drawn(whole)
    counts = Counter(row.partition(":")[0].partition("#")[0] for row in rows)
    told = luthier("data", str(path), "--json", runs=tmp_path)
    table = json.loads(told.stdout.splitlines()[-1])["mixture"]
    for row, weight in zip(table, WEIGHTS.values(), strict=True):
        assert abs(counts[row["name"]] - row["drawn"]) <= 0.01 * len(rows)
        assert abs(counts[row["name"]] / len(rows) - weight) <= 0.01
    train_rows = 120 - 4
    again = Counter(rows)
    for row in table:
        own = [count for origin, count in again.items() if origin.startswith(row["name"])]
        assert max(own) - min(own) <= 1 or row["epochs"] < 1
        assert len(own) == min(train_rows, counts[row["name"]])

    killed, pid = start(path, tmp_path / "runs", "--set", 'name="killed"')
    wait_for(killed, "step", step=11)
    os.kill(pid, signal.SIGKILL)
    assert luthier("resume", "killed", runs=tmp_path / "runs").returncode == 0
    assert drawn(killed) == rows
    assert losses(killed) == losses(whole)
