"""What the screen shows of a run that is going on is what it trains on: the fingerprints say so, for every way of batching."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.runs.paths import RunDir
from engine.service.protocol import BatchFound, Draft, Measured, TokenBatch
from tests.process.cli import luthier, start, wait_for
from tests.process.service import service
from tests.tiny import make_model, run_toml

WAYS = {
    "packed, left, new tokens": (
        '[tokens]\nmax_length = 96\npacking = "bfd"\npadding_side = "left"\n',
        "chatml",
    ),
    "grouped, fixed width, split": (
        '[tokens]\nmax_length = 32\ntruncation = "split"\ngroup_by_length = true\npadding = "max_length"\n',
        "qa",
    ),
    "wrapped": ('[tokens]\nmax_length = 48\npacking = "wrapped"\npad_to_multiple_of = 8\n', "auto"),
}
SHORT = "packed, left, new tokens"
"""The way that is tried by every run of the tests; the others are long."""


def journaled(run_dir: RunDir) -> dict[int, str]:
    events = map(json.loads, run_dir.journal.read_text().splitlines())
    return {event["step"]: event["batch"] for event in events if event["type"] == "step"}


@pytest.fixture(scope="module")
def bare_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose tokenizer knows no markers of turns."""
    folder = make_model(tmp_path_factory.mktemp("bare") / "model")
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text.replace("<|im_start|>", "<|one|>").replace("<|im_end|>", "<|two|>"))
    return folder


@pytest.mark.parametrize("way", [SHORT, *(pytest.param(way, marks=pytest.mark.slow) for way in WAYS if way != SHORT)])
def test_a_batch_on_the_screen_is_the_one_that_the_run_journals(way: str, bare_model: Path, tmp_path: Path) -> None:
    keys, template = WAYS[way]
    data = tmp_path / ("rows.txt" if way == "wrapped" else "rows.jsonl")
    with data.open("w") as file:
        for i in range(60):
            if way == "wrapped":
                file.write("The boat carries salt" + " and rope" * (i % 9) + ".\n")
            else:
                file.write(
                    json.dumps({"question": f"Boat {i}?", "answer": "It carries salt" + " and rope" * (i % 9)}) + "\n"
                )
    more = f"{keys}[train]\nsteps = 60\nbatch_size = 4\nsave_every = 60\neval_every = 60\n[quantization]\nbits = 32\n"
    path = run_toml(tmp_path / "run.toml", bare_model, data, f'template = "{template}"\n{more}')
    run_dir, _ = start(path, tmp_path / "runs")
    wait_for(run_dir, "step", step=2)
    with service(tmp_path / "service.log") as one:
        measured = one.ask(Draft, Measured, path=str(run_dir.path))
        assert measured.lengths is not None
        assert measured.seen == measured.total == 57, "the training rows"
        during = one.ask(TokenBatch, BatchFound, draft=measured.draft, step=2)
        assert during.fingerprint == journaled(run_dir)[2]
        luthier("stop", str(run_dir.name), runs=tmp_path / "runs")
        wait_for(run_dir, "stopped") if max(journaled(run_dir)) < 60 else wait_for(run_dir, "succeeded")
        steps = journaled(run_dir)
        for step in {2, len(steps) // 2, len(steps)} - {0}:
            found = one.ask(TokenBatch, BatchFound, draft=measured.draft, step=step)
            assert found.fingerprint == steps[step], f"step {step}"
        assert found.lines[0].documents
