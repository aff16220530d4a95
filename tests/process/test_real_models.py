"""Real weights, real tokenizers, real rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.process.cli import luthier
from tests.shared import DATA, GSM8K, STORIES, needs_shared
from tests.tiny import run_toml

pytestmark = needs_shared


@pytest.mark.parametrize("bits", [4, 32])
def test_greedy_generation_reproduces_the_golden_text(bits: int) -> None:
    import torch

    from engine.config.runfile import RunFile
    from engine.evaluate.generate import greedy
    from engine.tokens.tokenizer import end_ids, load_tokenizer
    from engine.train.model import load_base

    run = RunFile.model_validate(
        {"model": {"path": str(STORIES)}, "data": [{"path": "x"}], "quantization": {"bits": bits}}
    )
    model, tokenizer = load_base(STORIES, run, torch.device("cpu")), load_tokenizer(STORIES)
    golden = json.loads((DATA / "models" / "GOLDEN.json").read_text())
    for entry in golden["outputs"]:
        if entry["model"] != STORIES.name:
            continue
        prompt = tokenizer(entry["prompt"])["input_ids"]
        (new,) = greedy(model, [prompt], entry["max_new_tokens"], end_ids(tokenizer), 0)
        if bits == 32:
            assert prompt + new == entry["ids"][: len(prompt) + len(new)]
            assert tokenizer.decode(prompt + new, skip_special_tokens=True) == entry["greedy"]
        else:
            assert len(new) == entry["max_new_tokens"], "an inner width of 172 must not break 4-bit evaluation"


@pytest.mark.slow
def test_the_workers_loss_is_that_of_the_inspected_batches(tmp_path: Path) -> None:
    """Three steps at a vanishing learning rate: the journal's losses are those of a plain forward on inspected ids."""
    import torch
    import torch.nn.functional as F  # noqa: N812
    from transformers import AutoModelForCausalLM

    extra = (
        "[train]\nsteps = 3\nbatch_size = 2\ngrad_accumulation = 2\nlearning_rate = 1e-12\n"
        "[quantization]\nbits = 32\n[split]\ntest_size = 4\n[lora]\nrank = 8\n"
    )
    run_file = run_toml(tmp_path / "fidelity.toml", STORIES, GSM8K, "max_rows = 200\n" + extra)
    done = luthier("train", str(run_file), "--json", runs=tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    steps = [e for e in map(json.loads, done.stdout.splitlines()) if e["type"] == "step"]
    model = AutoModelForCausalLM.from_pretrained(STORIES)
    for event in steps:
        told = json.loads(
            luthier("inspect", str(run_file), "--batch", str(event["step"]), "--json", runs=tmp_path / "runs").stdout
        )
        assert told["fingerprint"] == event["batch"]
        assert [origin for row in told["rows"] for origin in row] == event["rows"]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor(told["ids"])).logits
        labels = torch.tensor(told["labels"])
        plain = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        assert event["loss"] == pytest.approx(float(plain), abs=1e-5)
