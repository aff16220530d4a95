"""Real workers in real processes: they survive, they stop, they resume to the bit."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from engine.runs.commands import send
from engine.runs.paths import RunDir
from engine.runs.store import Run
from tests.process.cli import losses, luthier, start, wait_for
from tests.tiny import run_toml

LENGTH = "[train]\nsteps = 24\nbatch_size = 4\nlearning_rate = 1e-2\neval_every = 8\nsave_every = 5\n"
SETTINGS = LENGTH + "[lora]\nrank = 4\ndropout = 0.1\n[split]\ntest_size = 6\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("place")
    run_toml(folder / "whole.toml", tiny_model, rows_file, SETTINGS)
    long = SETTINGS.replace("steps = 24", "steps = 100000").replace("save_every = 5", "save_every = 100000")
    run_toml(folder / "long.toml", tiny_model, rows_file, long)
    return folder


@pytest.fixture(scope="module")
def whole(place: Path) -> Run:
    done = luthier("train", str(place / "whole.toml"), runs=place / "runs")
    assert done.returncode == 0, done.stderr
    run = Run(RunDir(place / "runs" / "whole-1")).load()
    assert done.stdout.strip() == str(run.dir.adapter)
    assert "evaluation at step 24" in done.stderr
    return run


def test_a_run_ends_well_and_learns(whole: Run) -> None:
    assert whole.state == "succeeded"
    view = whole.view
    first, last = view.series["eval_loss"].values[0], view.series["eval_loss"].values[-1]
    assert last < first - 0.3
    assert list(view.series["loss"].steps) == list(range(1, 25))
    assert view.model is not None
    assert view.model.quantization == "NF4 double"
    assert view.data is not None
    assert view.data.test_examples == 6
    events = [json.loads(line) for line in whole.dir.journal.read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    best = view.series["eval_loss"].lowest
    assert best is not None
    others = [step for step in (5, 10, 15, 20, 24) if step != best[0]]
    kept = {step for step in (5, 10, 15, 20, 24) if step == best[0]} | set(others[-2:])
    found = {int(p.name.removeprefix("step-")) for p in whole.dir.checkpoints.iterdir()}
    assert found == kept, "the two newest, and the best beside them"


def test_the_adapter_loads_in_plain_peft_and_changes_the_logits(whole: Run, tiny_model: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    ids = torch.arange(10)[None] + 5
    before = base(ids).logits.detach().clone()
    tuned = PeftModel.from_pretrained(base, whole.dir.adapter)
    assert (tuned(ids).logits - before).abs().max() > 1e-2
    config = json.loads((whole.dir.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny_model)
    assert (whole.dir.adapter / "tokenizer.json").exists()


def test_a_killed_run_says_so_and_resumes_to_the_bit(whole: Run, place: Path) -> None:
    run_dir, pid = start(place / "whole.toml", place / "runs", "--set", 'name="killed"')
    wait_for(run_dir, "step", step=12)
    os.kill(pid, signal.SIGKILL)
    crashed = json.loads(luthier("status", "killed", "--json", runs=place / "runs").stdout)
    assert crashed["state"] == "crashed"
    assert "Ended after step" in crashed["reason"]
    assert "SIGKILL" in crashed["reason"]
    assert "checkpoint 10 is there" in crashed["reason"]
    done = luthier("resume", "killed", runs=place / "runs")
    assert done.returncode == 0, done.stderr
    assert losses(run_dir) == losses(whole.dir)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (run_dir.adapter / name).read_bytes() == (whole.dir.adapter / name).read_bytes()
    run = Run(run_dir).load()
    assert (run.state, run.view.resumes) == ("succeeded", 1)
    again = luthier("resume", "killed", runs=place / "runs")
    assert again.returncode == 2
    assert "is finished" in again.stderr


def test_commands_signals_and_a_second_worker(place: Path) -> None:
    runs = place / "runs"
    run_dir, pid = start(place / "long.toml", runs)
    wait_for(run_dir, "step", step=2)
    os.kill(pid, signal.SIGHUP)
    second = luthier("resume", "long", runs=runs)
    assert second.returncode == 2
    assert "is running" in second.stderr
    evaluations = len(Run(run_dir).load().view.series["eval_loss"])
    send(run_dir.commands, "evaluate")
    send(run_dir.commands, "checkpoint")
    stopped = luthier("stop", "long", "--json", runs=runs)
    assert stopped.returncode == 0, stopped.stderr
    summary = json.loads(stopped.stdout)
    assert summary["state"] == "stopped"
    assert summary["reason"] == "asked to stop"
    run = wait_for(run_dir, "stopped")
    assert len(run.view.series["eval_loss"]) > evaluations
    assert run.view.checkpoints[-1].step == run.view.step
    assert run_dir.adapter.is_dir()
    refused = luthier("stop", "long", runs=runs)
    assert refused.returncode == 2

    resumed = luthier("resume", "long", "--detach", "--json", runs=runs)
    pid = json.loads(resumed.stdout)["pid"]
    wait_for(run_dir, "step", step=run.view.step + 2)
    os.kill(pid, signal.SIGTERM)
    ended = wait_for(run_dir, "stopped")
    assert "SIGTERM" in ended.reason
    assert ended.view.checkpoints[-1].step == ended.view.step


def test_a_loss_that_is_no_number_stops_in_words(place: Path) -> None:
    done = luthier(
        "train", str(place / "whole.toml"), "--set", "train.learning_rate=1e30", "--set", "train.clip=0", "--set",
        "train.warmup=0", "--set", 'name="nan"', "--json", runs=place / "runs",
    )  # fmt: skip
    assert done.returncode == 1
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["state"] == "failed"
    assert "not a finite number" in summary["reason"]
    assert "train.jsonl:" in summary["reason"]


def test_weights_that_broke_in_the_last_step_are_no_success(place: Path) -> None:
    done = luthier(
        "train", str(place / "whole.toml"), "--set", "train.learning_rate=1e300", "--set", "train.steps=1", "--set",
        "train.warmup=0", "--set", 'name="broken"', "--json", runs=place / "runs",
    )  # fmt: skip
    assert done.returncode == 1
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["state"], summary["eval_loss"], summary["result"]) == ("failed", None, None)
    assert "evaluation loss after step 1 is not a finite number" in summary["reason"]
    seen = luthier("watch", "broken", runs=place / "runs")
    assert seen.returncode == 1


def test_a_reader_that_has_seen_enough_is_no_failure(whole: Run, place: Path) -> None:
    import subprocess
    import sys

    watching = subprocess.Popen(
        [sys.executable, "-m", "engine", "watch", "whole", "--json", "--runs-dir", str(place / "runs")],
        stdout=subprocess.PIPE,
    )
    assert watching.stdout is not None
    watching.stdout.readline()
    watching.stdout.close()
    assert watching.wait(timeout=60) == 0


@pytest.mark.slow
def test_an_edited_run_file_is_noticed_on_resume(place: Path) -> None:
    run_dir, _ = start(place / "long.toml", place / "runs", "--set", 'name="edited"')
    wait_for(run_dir, "step", step=1)
    luthier("stop", "edited", runs=place / "runs")
    run_dir.config.write_text(run_dir.config.read_text().replace("batch_size = 4", "batch_size = 3"))
    done = luthier("resume", "edited", runs=place / "runs")
    assert done.returncode == 2
    assert "was changed after step" in done.stderr
    run_dir.config.write_text(run_dir.config.read_text().replace("batch_size = 3", "batch_size = 2"))
    again = ("grad_accumulation = 1", "grad_accumulation = 2")
    run_dir.config.write_text(run_dir.config.read_text().replace(*again))
    resumed = luthier("resume", "edited", "--detach", runs=place / "runs")
    assert resumed.returncode == 0, "the same global batch in smaller pieces is the same run"
    before = Run(run_dir).load().view.step
    wait_for(run_dir, "step", step=before + 1)
    luthier("stop", "edited", runs=place / "runs")


@pytest.mark.slow
def test_a_changed_data_file_is_noticed_on_resume(place: Path, tiny_model: Path, tmp_path: Path) -> None:
    from tests.tiny import write_rows

    data = write_rows(tmp_path / "rows.jsonl")
    config = run_toml(tmp_path / "moving.toml", tiny_model, data, SETTINGS.replace("steps = 24", "steps = 100000"))
    run_dir, _ = start(config, place / "runs")
    wait_for(run_dir, "step", step=1)
    luthier("stop", "moving", runs=place / "runs")
    data.write_text(data.read_text().replace("salt", "pepper"))
    done = luthier("resume", "moving", runs=place / "runs")
    assert done.returncode == 2
    assert "has changed since this run began" in done.stderr


@pytest.mark.slow
def test_a_changed_chat_template_is_noticed_on_resume(place: Path, tiny_model: Path, tmp_path: Path) -> None:
    from tests.tiny import write_rows

    data, jinja = write_rows(tmp_path / "rows.jsonl"), tmp_path / "chat.jinja"
    turns = "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    turns += "{% if add_generation_prompt %}assistant: {% endif %}"
    jinja.write_text(turns)
    settings = SETTINGS.replace("steps = 24", "steps = 100000")
    config = run_toml(tmp_path / "drifting.toml", tiny_model, data, settings)
    run_dir, _ = start(config, place / "runs", "--set", f'model.chat_template="{jinja}"')
    assert "\ndate = 2" in run_dir.config.read_text(), "a run keeps the day on which it began"
    wait_for(run_dir, "step", step=1)
    luthier("stop", "drifting", runs=place / "runs")
    jinja.write_text(turns.replace(": ", ":"))
    done = luthier("resume", "drifting", runs=place / "runs")
    assert done.returncode == 2
    assert "a chat template or a library has changed" in done.stderr
